"""What is taken of a form while it comes."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from api.http.receiving import MAX_FIELD, receive
from api.problems import ProblemError
from graphrag.uploads import Upload, Uploads

PART = 10_000
FIELD = b'--b\r\nContent-Disposition: form-data; name="metadata"\r\n\r\n'
FILE = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\n'
END = b"\r\n--b--\r\n"


class Sent:
    """A request with a form, of which it notes how much was asked for."""

    content_type = ("multipart/form-data", {"boundary": "b"})

    def __init__(self, *parts: bytes) -> None:
        self.parts = parts
        self.taken = 0

    async def stream(self) -> AsyncGenerator[bytes]:
        for part in self.parts:
            self.taken += len(part)
            yield part


async def test_no_more_of_a_field_is_taken_than_it_may_have(tmp_path: Path):
    request: Any = Sent(FIELD, *[b"x" * PART] * 500, END)

    with pytest.raises(ProblemError, match="a field of the form has more than 65,536 bytes") as refused:
        async with receive(request, Uploads(tmp_path), "default", source="", access="public"):
            pass

    assert (refused.value.status, refused.value.errors) == (413, [("metadata", "too long")])
    assert request.taken < MAX_FIELD + 2 * PART


async def test_a_file_of_a_form_is_written_as_it_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    written: list[int] = []
    request: Any = Sent(FILE, *[b"x" * PART] * 5, END)
    monkeypatch.setattr(Upload, "write", lambda _, data: written.append(request.taken - len(data)))

    async with receive(request, Uploads(tmp_path), "default", source="", access="public") as received:
        assert [file.source for file in received.files] == ["a.txt"]

    assert len(written) >= 5
    assert written[0] < 2 * PART
