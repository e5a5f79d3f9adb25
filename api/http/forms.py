"""Multipart forms, part by part as they come: a file is never whole in memory, nor in a temporary file of the parser's."""

from collections.abc import AsyncGenerator
from typing import Any

from litestar import Request
from multipart import MultipartSegment, ParserError, ParserLimitReached, PushMultipartParser

from api.problems import ProblemError

MAX_PARTS = 1_000
_UNREADABLE = (
    "the form cannot be read: it ends too early, the name of a file in it is not UTF-8, or the Content-Type does not name "
    "its boundary, which HTTP clients add by themselves where they are not given a Content-Type"
)


async def form_parts(request: Request[Any, Any, Any]) -> AsyncGenerator[tuple[MultipartSegment, bytes]]:
    """The bytes of each part in turn, with its head; none of them (b"") ends a part.

    Raises:
        ProblemError: 400; it is no form, or has more than MAX_PARTS parts.
    """
    boundary = request.content_type[1].get("boundary", "")
    part: MultipartSegment | None = None
    try:
        with PushMultipartParser(boundary.encode(), max_segment_count=MAX_PARTS) as parser:
            async for received in request.stream():
                for found in parser.parse(received):
                    if isinstance(found, MultipartSegment):
                        part = found
                    elif part is not None:
                        yield part, bytes(found or b"")
    except ParserLimitReached as exc:
        raise ProblemError(
            400, f"the form has more than {MAX_PARTS:,} parts, or one with a head that is too long"
        ) from exc
    except (ParserError, UnicodeError) as exc:
        raise ProblemError(400, _UNREADABLE) from exc
