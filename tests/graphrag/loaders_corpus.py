"""Small documents of every format, made in code so that each byte of them is visible in the test."""

from collections.abc import Mapping, Sequence
from io import BytesIO

from pypdf import PdfReader, PdfWriter


def place(*texts: tuple[float, float, float, str]) -> bytes:
    """Content of a page: each text with its letter size, x and y in points from the lower left corner."""
    return "\n".join(f"BT /F1 {size} Tf {x} {y} Td ({_escape(text)}) Tj ET" for size, x, y, text in texts).encode(
        "cp1252"
    )


def make_pdf(pages: Sequence[Sequence[str] | bytes], information: Mapping[str, str] | None = None) -> bytes:
    """A PDF of one font. A page is lines of equal size, one below the other (none: no text at all), or its content."""
    objects: list[bytes] = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    kids: list[int] = []
    for lines in pages:
        if isinstance(lines, bytes):
            stream = lines
        else:
            shown = "".join(f"({_escape(line)}) Tj T*\n" for line in lines)
            stream = f"BT /F1 10 Tf 12 TL 50 780 Td\n{shown}ET".encode("cp1252")
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream))
        content = len(objects)
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R "
            b"/Resources << /Font << /F1 3 0 R >> >> >>" % content
        )
        kids.append(len(objects))
    objects[1] = f"<< /Type /Pages /Count {len(kids)} /Kids [{' '.join(f'{kid} 0 R' for kid in kids)}] >>".encode()
    trailer = b""
    if information:
        entries = " ".join(f"/{key} ({_escape(value)})" for key, value in information.items())
        objects.append(f"<< {entries} >>".encode("cp1252"))
        trailer = b" /Info %d 0 R" % len(objects)
    return _assemble(objects, trailer)


def encrypted_pdf(pages: Sequence[Sequence[str]], password: str) -> bytes:
    """A PDF protected with RC4."""
    writer = PdfWriter()
    writer.append(PdfReader(BytesIO(make_pdf(pages))))
    writer.encrypt(user_password=password, owner_password="owner", algorithm="RC4-128")
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


def html_page(body: str, head: str = "<title>Untitled</title>") -> bytes:
    """An HTML page in UTF-8."""
    return f"<!doctype html><html><head><meta charset='utf-8'>{head}</head><body>{body}</body></html>".encode()


def _escape(line: str) -> str:
    return line.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")


def _assemble(objects: Sequence[bytes], trailer: bytes) -> bytes:
    out = bytearray(b"%PDF-1.4\n")
    offsets: list[int] = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    for offset in offsets:
        out += b"%010d 00000 n \n" % offset
    out += b"trailer\n<< /Size %d /Root 1 0 R%s >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, trailer, start)
    return bytes(out)
