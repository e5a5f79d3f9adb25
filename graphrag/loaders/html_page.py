"""An HTML page as its author wrote it: title, metadata, and the whole body without what is no content."""

import re
from collections.abc import Callable
from html import escape
from xml.etree.ElementTree import Element

from selectolax.lexbor import LexborHTMLParser, LexborNode

from graphrag.loaders.characters import clean_line
from graphrag.loaders.html_tree import BLOCKS
from graphrag.loaders.titles import title_from_source
from graphrag.types import Scalar

_METADATA = ("author", "date", "keywords")
_SEPARATORS = (" | ", " : ", " - ", " – ", " — ", " · ", " :: ", " » ")
_DROPPED = frozenset(
    """
    script style nav footer aside noscript template svg math button select textarea iframe object head link meta rt rp
    """.split()
)
_AROUND = frozenset(("navigation", "contentinfo", "search", "dialog", "alertdialog"))
"""Roles of what surrounds the content, where the elements of these names are not used."""
_HEADINGS = tuple(f"h{level}" for level in range(1, 7))
_NOTE = re.compile(
    r"\b(?:foot|end)?notes?\b|footnote|admonition|callout|alert|warning|caution|danger|important|\btip\b|\bhint\b|\binfo\b",
    re.IGNORECASE,
)
"""What an `<aside>` is called that belongs to the text, unlike a side bar."""
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_INLINE = frozenset(
    """
    a abbr acronym b bdi bdo big cite data del dfn em font i img input ins kbd label mark nobr output picture q ruby s samp small source span
    strike strong sub sup time tt u var wbr
    """.split()
)
_EXPORTED = "#title-heading, article > .page-body, body.doc-content, div.WordSection1"
"""What only pages have that Confluence, Notion, Google Docs and Word write."""
_SURROUNDINGS = ", ".join(
    (
        "nav, header, footer, aside, [role]",
        *(
            f"[{attribute}*='{word}' i]"
            for attribute in ("id", "class")
            for word in (
                "nav",
                "menu",
                "side",
                "foot",
                "head",
                "banner",
                "cookie",
                "comment",
                "share",
                "related",
                "crumb",
            )
        ),
    )
)
"""What a page has that something surrounds the content of."""
_MAX_LINKS = 0.3
"""Share of the text of links in a page of which all is content."""
_SIGNS = (
    "a.headerlink, .viewcode-link, "
    ".mw-editsection, sup:has(> a[href^='#']), .toc-macro, .expand-control, .page-header-icon, .callout .icon, p[class^='MsoToc'], "
    "#onetrust-consent-sdk, #CybotCookiebotDialog, #usercentrics-root"
)
_LINE_NUMBERS = (
    "td.linenos, td.gutter, td.rouge-gutter, td.lntd:has(.lnt)",
    ".linenodiv",
    "span.linenos, span.lineno, a.lineno, span.linenumber",
)
"""Of code, in a cell beside it or before each line."""
_VALUES = ".selected-value + .selected-value, .user + .user"
"""In a property of Notion."""
_BOXES = ".to-do-list .checkbox, " + ", ".join(f"{tag} input[type=checkbox]" for tag in ("li", "p", "td"))
_CELLS = "[role=cell], [role=columnheader], [role=rowheader]"
_TERM_CHARACTERS = 100
_POWER = re.compile(r"[+−-]?\d+")
_TEX = "annotation[encoding='application/x-tex']"
_NUMBERED = {"ol": ("start",), "li": ("value",), "td": ("rowspan", "colspan"), "th": ("rowspan", "colspan")}
"""Where these say which number they have, or of how many rows and columns they are."""
_TAGS = {
    **{heading: ("head", heading) for heading in _HEADINGS},
    "p": ("p", ""),
    "ul": ("list", "ul"),
    "ol": ("list", "ol"),
    "dl": ("list", "dl"),
    "li": ("item", ""),
    "dt": ("item", ""),
    "dd": ("item", ""),
    "table": ("table", ""),
    "tr": ("row", ""),
    "th": ("cell", ""),
    "td": ("cell", ""),
    "pre": ("code", ""),
    "code": ("code", ""),
    "blockquote": ("quote", ""),
    "br": ("lb", ""),
}


def as_shown(page: LexborHTMLParser) -> None:
    """Change a page to the text that a browser shows of it, without what generators of pages put there."""
    _drop_hidden(page)
    _drop_signs(page)
    _spell_out(page)


def _drop_hidden(page: LexborHTMLParser) -> None:
    """Remove from the page what a browser does not show, since it may be meant for machines alone."""
    for node in _outermost(page, _is_hidden):
        node.decompose()


def _drop_signs(page: LexborHTMLParser) -> None:
    """Remove what generators of pages put into their text.

    Signs in headings that link to the heading itself (`¶` of Sphinx, `#` of MkDocs), edit links in those of MediaWiki, numbers
    that link to a footnote, tables of contents of Confluence and Word and what is clicked there to open a section, icons of Notion,
    numbers of lines of code, and dialogues about cookies.
    """
    for link in page.css(", ".join(f"{heading} a[href^='#']" for heading in _HEADINGS)):
        if not any(character.isalnum() for character in link.text()):
            link.decompose()
    for signs in (_SIGNS, *_LINE_NUMBERS):
        for node in page.css(signs):
            node.decompose()


def _spell_out(page: LexborHTMLParser) -> None:
    """Put into the text what a browser shows by other means: formulas (as TeX), captions of tables, powers of numbers, quotation marks,
    commas between values, and what is ticked.
    """
    for formula in page.css("math"):
        tex = formula.css_first(_TEX)
        formula.replace_with((tex or formula).text())
    for caption in page.css("table > caption"):
        paragraph = LexborHTMLParser(f"<p>{escape(caption.text())}</p>").css_first("p")
        if paragraph is not None and caption.parent is not None:
            caption.parent.insert_before(paragraph)
            caption.decompose()
    for table in page.css("[role=table]"):
        _as_table(table)
    for table in page.css("table:has(pre)"):
        _without_frame(table)
    for power in page.css("sup:not(sup sup)"):
        before = power.prev
        base = (before.text_content or "") if before is not None and before.is_text_node else ""
        if base[-1:].isdigit() and _POWER.fullmatch(power.text().strip()):  # or 10 to the third would be read as 103
            power.replace_with(f"^{power.text().strip()}")
    for quotation in page.css("q"):
        quotation.insert_before("“")
        quotation.insert_after("”")
    for value in page.css(_VALUES):
        value.insert_before(", ")
    for term in page.css("dt"):
        _before_meaning(term)
    for box in page.css(_BOXES):
        ticked = "checked" in box.attributes or "checkbox-on" in (box.attributes.get("class") or "")
        box.replace_with("[x] " if ticked else "[ ] ")


def _before_meaning(term: LexborNode) -> None:
    """Let the term of a list of definitions stand on the line of what it means, which says nothing without it."""
    meaning = term.next
    while meaning is not None and meaning.is_text_node and not (meaning.text_content or "").strip():
        meaning = meaning.next
    name = clean_line(term.text()).removesuffix(":").rstrip()
    if meaning is None or meaning.tag != "dd":
        return
    first = next((child for child in meaning.iter(include_text=True) if (child.text() or "").strip()), None)
    place = first if first is not None and first.tag == "p" else meaning
    # To change an element frees the ones inside it.
    if place.css_first("dt") is None and name and len(name) <= _TERM_CHARACTERS:
        place.inner_html = f"{escape(name)}: {place.inner_html or ''}"
        term.decompose()


def _as_table(table: LexborNode) -> None:
    """Put a table in place of elements that are one by their roles alone, unless there are tables in its cells."""
    rows = table.css("[role=row]")
    nested = len(table.css("[role=table]")) > 1 or len(rows) != len(table.css("[role=row]:not([role=row] [role=row])"))
    if nested or table.tag == "table":
        return  # to change an element frees the ones inside it
    cells = [[f"<td>{cell.inner_html or ''}</td>" for cell in row.css(_CELLS)] for row in rows]
    shown = LexborHTMLParser(f"<table><tr>{'<tr>'.join(map(''.join, cells))}</table>").css_first("table")
    if shown is not None:
        table.insert_before(shown)
        table.decompose()


def _without_frame(table: LexborNode) -> None:
    """Put code in place of a table that holds nothing else, as programs write it that number its lines."""
    filled = [cell for cell in table.css("td, th") if cell.text().strip()]
    code = filled[0].css_first("pre") if len(filled) == 1 else None
    if code is not None and code.text().strip() == filled[0].text().strip():
        for end in code.css("br"):
            end.replace_with("\n")
        block = LexborHTMLParser(f"<pre>{escape(code.text())}</pre>").css_first("pre")
        if block is not None:
            table.insert_before(block)
            table.decompose()


def is_export(page: LexborHTMLParser) -> bool:
    """Whether all of a page is content, since a program exported it or nothing surrounds that."""
    if page.css_first(_EXPORTED) is not None:
        return True
    if page.body is None or page.body.css_first(_SURROUNDINGS) is not None:
        return False
    links = sum(len(link.text()) for link in page.body.css("a"))
    return links <= _MAX_LINKS * len(page.body.text())


def flatten_code(page: LexborHTMLParser) -> None:
    """Make each `<pre>` one `<code>` of plain text: trafilatura keeps the lines of that alone, and loses the elements within it."""
    for node in _outermost(page, lambda node: node.tag == "pre"):
        for end in node.css("br"):
            end.replace_with("\n")
        node.inner_html = f"<code>{escape(node.text())}</code>"


def page_title(page: LexborHTMLParser, source: str) -> str:
    """`<title>`, else og:title, else the title of a page of Google Docs, else `first_heading`, else a title from the source.

    A site's name before or after (`Leave policy | Intranet`) is cut off if the rest equals that heading or og:title, or if it is
    og:site_name or an `<h1>` beside the content that has its own.
    """
    h1 = first_heading(page)
    og = _content(page, 'meta[property="og:title"]')
    marked = marked_content(page)
    own = _headings(marked) if marked is not None else []
    beside = {heading for heading in _headings(page) if heading not in own} if own else set[str]()
    sites = {_content(page, 'meta[property="og:site_name"]'), *beside} - {""}
    node = page.css_first("head > title") or page.css_first("title")
    title = clean_line(node.text()) if node is not None else ""
    for separator in _SEPARATORS:
        first, last = title.partition(separator), title.rpartition(separator)
        for rest, site in ((first[0], first[2]), (last[0], last[2]), (last[2], last[0])):
            if separator in title and rest and (rest in (h1, og) or site in sites):
                return rest
    styled = page.css_first("body.doc-content p.title")
    return title or og or (clean_line(styled.text()) if styled is not None else "") or h1 or title_from_source(source)


def page_metadata(page: LexborHTMLParser) -> dict[str, Scalar]:
    """`<meta>` author, date and keywords, where present."""
    found = {name: _content(page, f'meta[name="{name}" i]') for name in _METADATA}
    return {name: value for name, value in found.items() if value}


def first_heading(page: LexborHTMLParser) -> str:
    """Text of the first `<h1>` of the marked content, else of the page; empty if there is none.

    Generators of sites set the site's name as an `<h1>` in the banner of every page.
    """
    marked = marked_content(page)
    return next((text for within in (marked, page) if within is not None for text in _headings(within)), "")


def _headings(within: LexborHTMLParser | LexborNode) -> list[str]:
    return [text for node in within.css("h1") if (text := clean_line(node.text(separator=" ")))]


def page_body(page: LexborHTMLParser) -> Element:
    """The author's own boundary (`<main>`, the only `<article>`, else `<body>`) in the vocabulary of html_tree.

    Scripts, styles, navigation, side bars, footers and form controls are left out, as is a page's header without `<h1>`.
    """
    root = marked_content(page) or page.body
    element = Element("div")
    if root is not None:
        _append_children(root, element, verbatim=False)
    return element


def marked_content(page: LexborHTMLParser) -> LexborNode | None:
    """The element that the author marked as the content; None if no single one is."""
    for selector in ("main", '[role="main"]', "article"):
        nodes = page.css(selector)
        if len(nodes) == 1:
            return nodes[0]
    return None


def _append_children(node: LexborNode, element: Element, verbatim: bool) -> None:
    for child in node.iter(include_text=True):
        if child.is_text_node:
            _append_text(element, child.text_content or "")
        elif child.is_element_node and not _is_dropped(child):
            tag = child.tag or ""
            # Names with a colon, as Word writes them, are unknown to browsers, which show what is unknown within the line.
            name, rend = _TAGS.get(tag, ("hi" if tag in _INLINE or ":" in tag else "div", ""))
            if verbatim:
                _append_text(element, "\n" if tag == "br" else "")
                _append_children(child, element, verbatim=True)
                continue
            new = Element(name, {"rend": rend} if rend else {})
            for number in _NUMBERED.get(tag, ()):
                new.set(number, child.attributes.get(number) or "")
            element.append(new)
            _append_children(child, new, verbatim=tag == "pre")
            if name == "hi" and any(inner.tag in BLOCKS for inner in new):
                new.tag = "div"


def _append_text(element: Element, text: str) -> None:
    if len(element):
        element[-1].tail = (element[-1].tail or "") + text
    else:
        element.text = (element.text or "") + text


def _outermost(page: LexborHTMLParser, wanted: Callable[[LexborNode], bool]) -> list[LexborNode]:
    """The elements of the body that are wanted and stand in no other one: to change an element frees the ones inside it."""
    found: list[LexborNode] = []
    waiting = [page.body] if page.body is not None else []
    while waiting:
        for node in waiting.pop().iter():
            (found if wanted(node) else waiting).append(node)
    return found


def _is_dropped(node: LexborNode) -> bool:
    parent = node.parent.tag if node.parent is not None else None
    if node.tag == "button" and parent in _HEADINGS:  # of a section that opens at a click
        return False
    role = node.attributes.get("role")
    if role in _AROUND or (role == "banner" and node.css_first("h1") is None):
        return True
    if node.tag == "aside":
        return _NOTE.search(f"{node.attributes.get('class') or ''} {node.attributes.get('role') or ''}") is None
    if node.tag == "header" and parent in ("section", "article"):
        return node.css_first(", ".join(_HEADINGS)) is None
    return node.tag in _DROPPED or (node.tag == "header" and node.css_first("h1") is None)


def _is_hidden(node: LexborNode) -> bool:
    attributes = node.attributes
    if attributes.get("role") == "tabpanel" or attributes.get("hidden") == "until-found":
        return False  # it is shown at a click
    if node.tag == "dialog" and "open" not in attributes:
        return True
    if "hidden" in attributes or attributes.get("aria-hidden") == "true":
        return True
    return _HIDDEN.search(attributes.get("style") or "") is not None


def _content(page: LexborHTMLParser, selector: str) -> str:
    node = page.css_first(selector)
    return clean_line(node.attributes.get("content") or "") if node is not None else ""
