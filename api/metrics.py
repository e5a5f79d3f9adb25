"""Prometheus metrics: of requests by route, of what the service is at, and of the jobs of all tenants.

No label names a tenant, key or document.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from graphrag.stores.system import Queue

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

    def render(self, queue: Queue | None) -> bytes:
        """The text that Prometheus reads; without jobs where nobody knows how they stand."""
        return generate_latest(self.registry) + (b"" if queue is None else generate_latest(_Jobs(queue)))


class _Jobs(Collector):
    """How jobs stand, as the store says, which several processes share."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def collect(self) -> Iterable[Metric]:
        queue = self._queue
        jobs = GaugeMetricFamily("graphrag_jobs", "Jobs by state, of those that are kept", labels=("state",))
        for state, count in queue.jobs.items():
            jobs.add_metric((state,), count)
        waiting = GaugeMetricFamily(
            "graphrag_oldest_waiting_job_seconds",
            "How long the job that waits longest has waited for a worker; 0 where none waits",
            _age(queue.waiting_since) if queue.waiting_since else 0.0,
        )
        documents = CounterMetricFamily(
            "graphrag_documents", "Documents of jobs, counted when a worker puts the job down", labels=("outcome",)
        )
        for outcome, total in (("done", queue.done), ("failed", queue.failed)):
            documents.add_metric((outcome,), total)
        return (jobs, waiting, documents)


def _age(timestamp: str) -> float:
    return max(0.0, (datetime.now(UTC) - datetime.fromisoformat(timestamp)).total_seconds())
