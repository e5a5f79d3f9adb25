"""Pages that programs export as HTML: all of them is content."""

import pytest

from graphrag.loaders import ParserProcess, load_bytes
from tests.graphrag.loaders_corpus import html_page

PROSE = (
    "The tower crane at the quay was inspected in the spring, and nothing was found that would keep it from its work."
)
NOTION = """<article class="page sans"><header><div class="page-header-icon"><span class="icon">B</span></div>
<h1 class="page-title">Gateway</h1><table class="properties"><tbody><tr><th>Owners</th><td><span class="user">Ada Pell</span><span
class="user">Joris Maes</span></td></tr><tr><th>Tags</th><td><span class="selected-value">ops</span><span class="selected-value">alarm</span>
</td></tr></tbody></table></header><div class="page-body"><p>Call first.</p><figure class="callout"><div><span class="icon">!</span></div>
<div>Never reset RX-9 under load.</div></figure><ul class="toggle"><li><details open=""><summary>Silent</summary><p>Ask Tom Reed.</p></details>
</li></ul><ul class="to-do-list"><li><div class="checkbox checkbox-on"></div> <span>Check the seal</span></li><li><div class="checkbox checkbox-off"></div> <span>Order fuses</span></li><li><div>Ask</div></li></ul>
<ol start="2"><li>Pull F2</li></ol><figure class="equation"><span class="katex"><span class="katex-mathml"><math><semantics><mi>U</mi><annotation
encoding="application/x-tex">U = R I</annotation></semantics></math></span><span class="katex-html" aria-hidden="true">U</span></span></figure>
</div></article>"""
CONFLUENCE = """<div id="page"><div id="main"><h1 id="title-heading"><span id="title-text">Ops : Gateway</span></h1><div id="content"><div
class="page-metadata">Created by <span class='author'>Ada Pell</span> on Mar 18, 2025</div><div id="main-content"><div class="toc-macro"><ul><li>
<a href="#x">Steps</a></li></ul></div><ul class="inline-task-list"><li><span>Check <a href="u">Tom Reed</a> by <time datetime="2025-03-20"
class="date-past">20 Mar 2025</time></span></li></ul><div class="expand-container"><div class="expand-control"><span>Click to expand</span>
</div><div class="expand-content expand-hidden"><p>Call Ines Duarte.</p></div></div></div><div class="pageSection group"><h2 id="comments">Comments:
</h2><table><tr><td class="pageSectionComment"><p>Works for F3.</p><div class="smallfont">Posted by tom</div></td></tr></table></div></div></div></div>"""
GOOGLE = """<p class="title"><span>Review: Brno</span></p><h1><span>Summary</span></h1><p>Power was lost.<sup><a href="#f1">[1]</a></sup></p>
<ul class="lst-kix_a-0"><li>Relay replaced</li></ul><hr><div><p><a href="#r1" id="f1">[1]</a><span>&nbsp;At the mains.</span></p></div>"""


@pytest.mark.parametrize(
    ("page", "title", "text"),
    [
        (
            html_page(NOTION, "<title>Gateway</title>"),
            "Gateway",
            "Gateway\n\nOwners | Ada Pell, Joris Maes\nTags | ops, alarm\n\nCall first.\n\nNever reset RX-9 under load.\n\n"
            "Silent\n\nAsk Tom Reed.\n\n- [x] Check the seal\n- [ ] Order fuses\n- Ask\n\n2. Pull F2\n\nU = R I",
        ),
        (
            html_page(CONFLUENCE, "<title>Ops : Gateway</title>"),
            "Ops : Gateway",
            "Ops : Gateway\n\n- Check Tom Reed by 20 Mar 2025\n\nCall Ines Duarte.\n\nComments:\n\nWorks for F3. Posted by tom",
        ),
        (
            html_page(GOOGLE, "").replace(b"<body>", b'<body class="c9 doc-content">'),
            "Review: Brno",
            "Review: Brno\n\nSummary\n\nPower was lost.\n\n- Relay replaced\n\n[1] At the mains.",
        ),
    ],
)
def test_pages_that_programs_export_are_read_whole(page: bytes, title: str, text: str, parser: ParserProcess) -> None:
    (document,) = load_bytes(page, "wiki/page.html", parser=parser)

    assert (document.title, document.text) == (title, text)


def test_formulas_and_captions_are_text(parser: ParserProcess) -> None:
    table = "<table><caption>Rates of <b>cranes</b></caption><tr><td>a</td><td>b</td></tr></table>"
    page = html_page(
        f"<p>{PROSE}</p>{table}<p>U = <math><mi>R</mi><mi>I</mi></math> <tt>ohm</tt></p><p>{PROSE.replace('crane', 'mast')}</p>"
    )

    (document,) = load_bytes(page, "a.html", parser=parser)

    assert "\n\nRates of cranes\n\na | b\n\nU = RI ohm\n\n" in document.text


def test_a_term_stands_on_the_line_of_what_it_means(parser: ParserProcess) -> None:
    terms = (
        "<dl><dt>Bounce</dt> <dd>A parcel that comes back.</dd><dt><b>Dwell:</b></dt><dd><p>How long it lies.</p></dd>"
        "<dt>Tools</dt><dd>Two<dl><dt>Klaxon</dt><dd>pages people</dd></dl></dd></dl>"
    )
    text = load_bytes(html_page(f"<main><h1>Glossary</h1>{terms}</main>"), "a.html", parser=parser)[0].text

    assert "- Bounce: A parcel that comes back.\n- Dwell:" in text
    assert "How long it lies." in text
    assert "- Klaxon: pages people" in text


def test_pictures_and_unknown_elements_cut_no_sentence_and_blocks_in_spans_stay_apart(parser: ParserProcess) -> None:
    body = (
        "<p>Click <img src='x'> to start<o:p></o:p> in <st1:City>Brno</st1:City>, super<wbr>fast.</p>"
        "<font><div>One line.</div><div>Another.</div></font><p class='MsoToc1'>1 Start</p>"
    )
    page = html_page(f"<div class='WordSection1'>{body}</div>")

    (document,) = load_bytes(page, "a.html", parser=parser)

    assert document.text == "Click to start in Brno, superfast.\n\nOne line.\n\nAnother."


def test_a_cell_of_several_columns_takes_the_place_of_each(parser: ParserProcess) -> None:
    rows = (
        "<tr><th rowspan='2'>Item</th><th colspan='2'>Price</th><th rowspan='2'>Stock</th></tr><tr><th>EUR</th><th>USD</th></tr>"
        "<tr><td>Widget</td><td>4</td><td>5</td><td>7</td></tr><tr><td colspan='4'>Until May</td></tr>"
    )
    page = html_page(f"<div class='WordSection1'><table>{rows}</table></div>")

    (document,) = load_bytes(page, "a.html", parser=parser)

    assert document.text == "Item | Price |  | Stock\nItem | EUR | USD | Stock\nWidget | 4 | 5 | 7\nUntil May"
