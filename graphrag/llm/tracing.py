"""OpenTelemetry spans of model calls, after the conventions for generative AI; without the extra `otel` nothing happens.

A span says which model was asked, how much it used and how it ended. What was asked and answered is never in it.
"""

from collections.abc import Generator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from graphrag.llm.usage import Usage


class Span:
    """A span that may be none.

    Args:
        inner: of OpenTelemetry.
    """

    def __init__(self, inner: Any = None) -> None:
        self._inner = inner

    def finish(self, usage: Usage, reason: str = "") -> None:
        """Say what the call used and how it ended."""
        if self._inner is None:
            return
        self._inner.set_attribute("gen_ai.usage.input_tokens", usage.input_tokens)
        self._inner.set_attribute("gen_ai.usage.output_tokens", usage.output_tokens)
        if reason:
            self._inner.set_attribute("gen_ai.response.finish_reasons", (reason,))


@contextmanager
def model_span(
    operation: str, provider: str, model: str, max_tokens: int | None = None, *, current: bool = True
) -> Generator[Span]:
    """A span around a call of a model.

    Args:
        operation: chat, embeddings or rerank.
        current: whether spans inside are its children; not where the block is left for a while, as in a generator.
    """
    attributes: dict[str, Any] = {
        "gen_ai.operation.name": operation,
        "gen_ai.provider.name": provider,
        "gen_ai.request.model": model,
    }
    if max_tokens is not None:
        attributes["gen_ai.request.max_tokens"] = max_tokens
    trace = _api()
    if trace is None:
        yield Span()
        return
    tracer = trace.get_tracer("graphrag")
    # Messages of errors may quote a server's words: the type alone is kept.
    span = tracer.start_span(f"{operation} {model}", kind=trace.SpanKind.CLIENT, attributes=attributes)
    try:
        if current:
            with trace.use_span(span, end_on_exit=False, record_exception=False, set_status_on_exception=False):
                yield Span(span)
        else:
            yield Span(span)
    except BaseException as exc:
        span.set_attribute("error.type", type(exc).__name__)
        span.set_status(trace.Status(trace.StatusCode.ERROR))
        raise
    finally:
        span.end()


@lru_cache(maxsize=1)
def _api() -> Any:
    try:
        from opentelemetry import trace
    except ImportError:
        return None
    return trace
