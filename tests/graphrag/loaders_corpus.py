"""Small documents of every format, made in code so that each byte of them is visible in the test."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

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


_WORD = (
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
    'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
)
_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def make_docx(
    body: str,
    *,
    core: str = "",
    footnotes: str = "",
    styles: str = "",
    numbering: str = "",
    extra: Mapping[str, bytes] | None = None,
) -> bytes:
    """A Word document with the styles Title, Heading1, Heading2 and TOC1, and two lists: number 1 with bullets, 2 numbered.

    Args:
        body: the elements of `w:body`.
        core: elements of docProps/core.xml.
        footnotes: elements of word/footnotes.xml.
        styles: further elements of word/styles.xml.
        numbering: further elements of word/numbering.xml.
        extra: further parts by name.
    """
    styles += "".join(
        f'<w:style w:type="paragraph" w:styleId="{id_}"><w:name w:val="{name}"/></w:style>'
        for id_, name in (("Title", "Title"), ("Heading1", "heading 1"), ("Heading2", "heading 2"), ("TOC1", "toc 1"))
    )
    levels = "".join(
        f'<w:abstractNum w:abstractNumId="{id_}"><w:lvl w:ilvl="0"><w:numFmt w:val="{kind}"/></w:lvl></w:abstractNum>'
        for id_, kind in ((1, "bullet"), (2, "decimal"))
    )
    numbers = "".join(f'<w:num w:numId="{id_}"><w:abstractNumId w:val="{id_}"/></w:num>' for id_ in (1, 2))
    kinds = ("document.main", "styles", "numbering", "footnotes")
    overrides = "".join(
        f'<Override PartName="/word/{kind.partition(".")[0]}.xml" ContentType="{_TYPE}.{kind}+xml"/>' for kind in kinds
    )
    relations = "".join(
        f'<Relationship Id="r{kind}" Type="{_OFFICE}/{kind}" Target="{kind}.xml"/>' for kind in kinds[1:]
    )
    packages = "http://schemas.openxmlformats.org/package/2006"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{packages}/content-types"><Default Extension="xml" '
        f'ContentType="application/xml"/>{overrides}</Types>',
        "_rels/.rels": f'<Relationships xmlns="{packages}/relationships"><Relationship Id="r1" '
        f'Type="{_OFFICE}/officeDocument" Target="word/document.xml"/></Relationships>',
        "word/_rels/document.xml.rels": f'<Relationships xmlns="{packages}/relationships">{relations}</Relationships>',
        "word/document.xml": f"<w:document {_WORD}><w:body>{body}</w:body></w:document>",
        "word/styles.xml": f"<w:styles {_WORD}>{styles}</w:styles>",
        "word/numbering.xml": f"<w:numbering {_WORD}>{levels}{numbers}{numbering}</w:numbering>",
        "word/footnotes.xml": f"<w:footnotes {_WORD}>{footnotes}</w:footnotes>",
        "docProps/core.xml": f'<cp:coreProperties xmlns:cp="{packages}/metadata/core-properties" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/">'
        f"{core}</cp:coreProperties>",
    }
    out = BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, f'<?xml version="1.0" encoding="UTF-8"?>{content}')
        for name, data in (extra or {}).items():
            archive.writestr(name, data)
    return out.getvalue()


def docx_paragraph(text: str, style: str = "", *, list_number: int = 0, level: int = 0, mark: str = "") -> str:
    """A paragraph of one run.

    Args:
        mark: an element of the run's properties, such as "<w:vanish/>".
    """
    number = f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{list_number}"/></w:numPr>' if list_number else ""
    named = f'<w:pStyle w:val="{style}"/>' if style else ""
    return f"<w:p><w:pPr>{named}{number}</w:pPr>{docx_run(text, mark)}</w:p>"


def docx_run(text: str, mark: str = "") -> str:
    """A run, which is a part of a paragraph; `mark` as for `docx_paragraph`."""
    return f'<w:r><w:rPr>{mark}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'
