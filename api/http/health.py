"""For those who run the service."""

import asyncio

from litestar import Controller, Response, get

from api.auth import LASTING, OPEN, require_admin
from api.metrics import CONTENT_TYPE
from api.schemas import Health
from api.service import ServiceDependency


class HealthController(Controller):
    """Health and metrics."""

    path = "/"
    tags = ("operations",)

    @get("/health/live", opt={OPEN: True}, operation_id="live", summary="Does the process answer?")
    async def live(self) -> Health:
        """No look at anything else."""
        return Health(status="ok")

    @get("/health/ready", opt={OPEN: True}, operation_id="ready", summary="Can it serve requests?")
    async def ready(self, service: ServiceDependency) -> Response[Health]:
        """503 while it loads what questions need, while the store does not answer or has another model by now, and while the service stops."""
        good = await service.ready()
        return Response(Health(status="ok" if good else "unavailable"), status_code=200 if good else 503)

    @get(
        "/metrics",
        guards=[require_admin],
        opt={LASTING: True},
        media_type=CONTENT_TYPE,
        operation_id="metrics",
        summary="Metrics for Prometheus",
    )
    async def metrics(self, service: ServiceDependency) -> bytes:
        """Of the whole process, and the jobs of the whole store, without names of tenants."""
        queue = await service.queue()
        return await asyncio.to_thread(service.metrics.render, queue)  # memory and CPU are read from files
