"""Sample documents of the tests of loaders, and what holds for every loaded document."""

from hashlib import sha256

from graphrag.loaders import LoadedDocument, ParserProcess, load_bytes
from graphrag.loaders.characters import clean_text
from tests.graphrag.loaders_corpus import html_page, make_pdf

PROSE = (
    "The nightly reconciliation compares counted stock with the ledger and reports each difference to the owner.",
    "Ilse Radovic designed the job, and the maintenance team reviewed it in March 2025 before it was switched on.",
)

MARKDOWN = b"""---
title: Reefer post-mortem
Date: 2025-03-19
Reviewed-By: [Ilse, Femke, 3]
severity: 1
draft: false
note:
---

# Reefer *gateways* and `PMX-48`

Wrapped
line with [a link](https://example.com/x) and **bold**.  <!-- hidden -->
Last.

- first
- second
  1. nested

Setext
------

| Time | Event |
|------|-------|
| 04:55 | **Nine** dark |

```py
if x:

    # not a heading
```

<div align="center">HTML <b>text</b> 1 &lt; 2</div>

> # Quoted is no heading
"""

PAGE = html_page(
    "<nav><a href='/'>Home</a> <a href='/p'>Policies</a></nav><header>Acme Intranet</header><main><h1>Reefer gateways</h1>"
    f"<p>{PROSE[0]} See the <a href='/t'>ticket</a>.</p><h2>Time<b>line</b></h2><ul><li>First item</li><li>Second</li></ul>"
    "<table><tr><th>Time</th><th>Event</th></tr><tr><td>04:55</td><td>Nine gateways go silent</td></tr></table>"
    f"<p>{PROSE[1]}</p></main><footer>Copyright Acme</footer><script>alert(1)</script>",
    "<title>Reefer gateways | Acme Intranet</title><meta name='author' content='Femke'>"
    "<meta name='Keywords' content='a, b'><meta name='viewport' content='x'>",
)


def handbook_page(number: int, *lines: str) -> list[str]:
    return ["Acme Handbook 2025", *lines, f"Page {number} of 4"]


WRAPPED = (
    "Warehouse operations depend on the nightly reconciliation, which compares counted stock with the",
    "ledger and reports each difference. The job was designed by Ilse Radovic and reviewed by the main-",
    "tenance team, a well-known group. It replaces the older spreadsheet that nobody could audit, a well-",
    "known risk.",
)
HANDBOOK = make_pdf(
    [
        handbook_page(1, "Stock Reconciliation", "1 Introduction", *WRAPPED),
        handbook_page(
            2, "1.1 Scope of the job", "The job covers all sites.", "1. Open the valve", "2. Close the valve"
        ),
        [],
        handbook_page(4, "Roles And Duties", *WRAPPED, "Name   Role", "Ilse   Lead"),
    ],
    {"Title": "Stock Reconciliation", "Author": "Ilse R", "CreationDate": "D:20250319120000Z"},
)


def one(data: bytes, source: str, parser: ParserProcess | None = None) -> LoadedDocument:
    (document,) = load_bytes(data, source, parser=parser)
    assert document.source == source
    assert document.content_sha256 == sha256(data).hexdigest()
    check_offsets(document)
    return document


def check_offsets(document: LoadedDocument) -> None:
    text = document.text
    assert text.strip() and text == clean_text(text)
    assert not any("\ud800" <= char <= "\udfff" for char in text + document.title)
    assert [heading.start for heading in document.headings] == sorted({heading.start for heading in document.headings})
    for heading in document.headings:
        assert text[heading.start :].split("\n", 1)[0] == heading.text
        assert heading.start == 0 or text[heading.start - 1] == "\n"
        assert 1 <= heading.level <= 6
    assert list(document.pages) == sorted(document.pages)


def outline(document: LoadedDocument) -> list[tuple[int, str]]:
    return [(heading.level, heading.text) for heading in document.headings]
