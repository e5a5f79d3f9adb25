"""The HTTP application: put together here, opened and closed in its lifespan."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any

import structlog
from litestar import Litestar, Request, Router
from litestar.config.cors import CORSConfig
from litestar.di import Provide
from litestar.middleware import DefineMiddleware
from litestar.plugins.pydantic import PydanticPlugin

from api import openapi
from api.auth import KeyAuthentication, require_admin
from api.http.admin import AdminController
from api.http.documents import LookController
from api.http.entities import EntitiesController
from api.http.graph import GraphController
from api.http.health import HealthController
from api.http.ingest import IngestController
from api.http.jobs import JobsController
from api.http.query import AskController
from api.metrics import Metrics
from api.observe import Observed
from api.problems import BODY_LIMIT, handle
from api.service import Caller, Service, warm
from api.strict import StrictRequests
from api.workers import end_workers, open_worker
from graphrag.bootstrap import open_knowledge_base
from graphrag.errors import ConfigError, GraphRAGError
from graphrag.settings import Settings
from graphrag.uploads import Uploads

_log = structlog.stdlib.get_logger(__name__)

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def create_app(settings: Settings, *, development: bool = False, closing: asyncio.Event | None = None) -> Litestar:
    """The application.

    Args:
        settings: the whole configuration.
        development: answer requests without a key, as an admin of the tenant "default"; on loopback only.
        closing: set by the server as soon as it is told to stop, so that open streams end; set at the end of the lifespan
            in any case.

    Raises:
        ConfigError: development mode on an address that other machines can reach, or under any host name.
    """
    if development and settings.host not in LOOPBACK:
        raise ConfigError(
            f"development mode answers without a key, so it listens on loopback only, not on {settings.host}: "
            f"leave GRAPHRAG_HOST at 127.0.0.1, or create keys and serve without --dev"
        )
    if development and "*" in settings.allowed_hosts:
        raise ConfigError(
            "development mode answers without a key, so it needs to know its host names: any web page could reach it "
            "under a name of its own; take the * out of GRAPHRAG_ALLOWED_HOSTS"
        )
    metrics, cors = Metrics(), _cors(settings)
    strict = StrictRequests()
    app = Litestar(
        route_handlers=[
            Router("/v1", route_handlers=[AskController, LookController, GraphController, _admin(settings)]),
            HealthController,
        ],
        lifespan=[_opened(settings, metrics, development, closing or asyncio.Event())],
        # Preflight requests of browsers are answered before it; no other OPTIONS request is let past.
        middleware=[DefineMiddleware(KeyAuthentication, exclude_http_methods=())],
        plugins=[PydanticPlugin(validate_strict=True)],
        before_request=strict,
        dependencies={
            "service": Provide(_service, sync_to_thread=False),
            "caller": Provide(_caller, sync_to_thread=False),
        },
        exception_handlers={Exception: handle},
        openapi_config=openapi.config(),
        request_max_body_size=settings.max_body_bytes,
        opt={BODY_LIMIT: (settings.max_body_bytes, "GRAPHRAG_MAX_BODY_BYTES")},
        cors_config=cors,
        logging_config=None,
    )
    openapi.complete(app)
    strict.learn(app)
    app.asgi_handler = Observed(
        app.asgi_handler,
        metrics=metrics,
        hosts=settings.allowed_hosts,
        address_rate=settings.address_rate,
        body_seconds=settings.body_seconds,
        cors=cors,
    )
    return app


def _cors(settings: Settings) -> CORSConfig | None:
    if not settings.cors_origins:
        return None
    return CORSConfig(
        allow_origins=list(settings.cors_origins),
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=["Authorization", "Content-Type"],
        expose_headers=["X-Request-Id", "Retry-After"],
    )


def _admin(settings: Settings) -> Router:
    most = settings.max_upload_bytes
    limit = {BODY_LIMIT: (most, "GRAPHRAG_MAX_UPLOAD_BYTES")}
    uploads = Router("/", route_handlers=[IngestController], request_max_body_size=most, opt=limit)
    return Router(
        "/admin", guards=[require_admin], route_handlers=[AdminController, JobsController, EntitiesController, uploads]
    )


def _service(request: Request[Any, Any, Any]) -> Service:
    return request.app.state.service


def _caller(request: Request[Any, Any, Any]) -> Caller:
    return request.user


def _opened(
    settings: Settings, metrics: Metrics, development: bool, closing: asyncio.Event
) -> Callable[[Litestar], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncGenerator[None]:
        async with AsyncExitStack() as stack:
            try:
                kb = await stack.enter_async_context(open_knowledge_base(settings))
            except GraphRAGError as exc:
                app.state.refusal = exc
                raise
            uploads = Uploads(settings.data_dir)
            if remedy := await asyncio.to_thread(uploads.obstacle):  # those who ask can be served nevertheless
                _log.warning("uploads cannot be kept", remedy=remedy)
            warming = asyncio.create_task(warm(kb))
            service = Service(settings, kb, uploads, metrics, development, closing, warming)
            app.state.service = service
            workers = [
                asyncio.create_task(open_worker(kb, settings).run(service.wake)) for _ in range(settings.ingest_workers)
            ]
            app.state.workers = workers
            try:
                yield
            finally:
                closing.set()
                warming.cancel()
                end_workers(workers)
                await asyncio.gather(warming, *workers, return_exceptions=True)

    return lifespan
