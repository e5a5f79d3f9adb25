"""Prometheus metrics: of requests by route, and of what the service is at. No label names a tenant, key or document."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

CONTENT_TYPE = CONTENT_TYPE_LATEST.partition("; charset")[0]
"""Litestar adds the charset."""
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """The metrics of one application; each has a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter("graphrag_requests", "Requests", ("method", "route", "status"), registry=self.registry)
        self.seconds = Histogram(
            "graphrag_request_seconds",
            "Time to the end of the response",
            ("method", "route"),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.open_requests = Gauge(
            "graphrag_open_requests", "Requests under way, streams included", registry=self.registry
        )
        self.questions = Gauge(
            "graphrag_questions",
            "Questions and searches being worked on or waiting",
            ("state",),
            registry=self.registry,
        )
        self.verdicts = Counter("graphrag_answers", "Answers by verdict", ("verdict",), registry=self.registry)
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)

    def render(self) -> bytes:
        """The text that Prometheus reads."""
        return generate_latest(self.registry)
