"""Logs: one line an event, JSON or text, on standard error; those of libraries and of uvicorn in the same form."""

import logging
import logging.config
from typing import Any

import structlog
from structlog.typing import EventDict, Processor

from graphrag.settings import Settings


def configure(settings: Settings) -> None:
    """Set up logging for the process."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        _without_colours,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer()
        if settings.log_format == "json"
        # Plain: the default formatter shows local variables, among them documents and keys.
        else structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    )
    # Exceptions are rendered as JSON, too; what the text begins with is written as it stands, so it is made one line.
    prepared: list[Processor] = [structlog.processors.format_exc_info if settings.log_format == "json" else _one_line]
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "line": {
                    "()": structlog.stdlib.ProcessorFormatter,
                    "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *prepared, renderer],
                    "foreign_pre_chain": shared,
                }
            },
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
            "root": {"handlers": ["stderr"], "level": settings.log_level.upper()},
            "loggers": {
                # Requests are logged by api.observe, with their id and without their query.
                "uvicorn.access": {"level": "CRITICAL"},
                "httpx2": {"level": "WARNING"},  # calls of models are counted, not logged
                # The driver logs each of its attempts, and raises what fails in the end: the store logs an outage once. Below
                # warnings it logs what is sent, texts of documents and hashes of keys included.
                "neo4j": {"level": "WARNING" if settings.log_level == "debug" else "CRITICAL"},
            },
        }
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *(processor for processor in shared if not isinstance(processor, structlog.stdlib.ExtraAdder)),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _one_line(_: Any, __: str, event: EventDict) -> EventDict:
    """Words of servers and names of files in a message begin no line of their own, and send the terminal no commands."""
    event["event"] = "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in str(event["event"]))
    return event


def _without_colours(_: Any, __: str, event: EventDict) -> EventDict:
    event.pop("color_message", None)  # uvicorn's message for terminals
    return event
