"""One small vocabulary for HTML content (that of trafilatura's XML), and its way into text.

Blocks are head (with `rend="h1"` ... `"h6"`), p, list (`rend="ol"` if numbered, from `start` on) of item (with its number as
`value` where it does not follow), table of row of cell (of as many rows as `rowspan` says and columns as `colspan` does), code,
quote and div; within a line there are lb (line break), code and anything else, which counts as its text.
"""

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from graphrag.loaders.builder import TextBuilder

BLOCKS = frozenset(
    {"head", "p", "list", "item", "table", "row", "cell", "quote", "div", "main", "body", "doc", "fw", "ab"}
)
_NUMBER = re.compile(r"-?[0-9]{1,9}")
_MAX_REPEATED = 200
"""Characters."""
_MAX_COLUMNS = 100
"""Of one cell; the web allows 1,000."""
_SPACE = re.compile(r"\s+")


def render(element: Element, builder: TextBuilder, depth: int = 0) -> None:
    """Append the blocks of an element, and the text between them, to the builder.

    Raises:
        RecursionError: nested too deeply; the caller runs in a child process that reports it.
    """
    parts = [_collapse(element.text)]
    for child in element:
        if _is_block(child, element):
            _flush(parts, builder)
            _block(child, builder, depth)
        else:
            parts.append(_inline(child))
        parts.append(_collapse(child.tail))
    _flush(parts, builder)


def heading_texts(element: Element) -> list[str]:
    """Texts of all headings, in order."""
    return [line_text(head) for head in element.iter("head")]


def line_text(element: Element) -> str:
    """All text of an element on one line."""
    return " ".join(_inline(element).split())


def _block(element: Element, builder: TextBuilder, depth: int) -> None:
    match element.tag:
        case "head":
            rend = element.get("rend", "")
            level = int(rend[1]) if re.fullmatch(r"h[1-6]", rend) else 2
            builder.heading(line_text(element), level)
        case "list":
            _list(element, builder, depth)
        case "table":
            _table(element, builder, depth)
        case "code":
            builder.add("".join(element.itertext()))
        case _:
            render(element, builder, depth)


def _table(element: Element, builder: TextBuilder, depth: int) -> None:
    tight = False
    above: dict[int, tuple[str, int]] = {}
    """What goes on from rows above in a column, and for how many rows."""
    for row in _own(element, "row"):
        cells = list(_own(row, "cell"))
        filled = [cell for cell in cells if any(text.strip() for text in cell.itertext())]
        if _is_frame(filled):
            for cell in filled:
                render(cell, builder, depth)
            tight = False
        elif filled:
            builder.add(" | ".join(_line(cells, above)), tight=tight)
            tight = True


def _line(cells: list[Element], above: dict[int, tuple[str, int]]) -> list[str]:
    """The texts of a row; short ones that belong to several rows stand in each. Of several columns it is the first, the others are empty,
    so that all cells of a column have the same place; but for one that is a whole row.
    """
    line: list[str] = []
    waiting = cells[::-1]
    while waiting or len(line) in above:
        text, rows = above.pop(len(line), None) or ("", 0)
        columns = 1
        if not rows:
            cell = waiting.pop()
            text, rows = line_text(cell), _number(cell.get("rowspan"), 1)
            columns = min(_number(cell.get("colspan"), 1), _MAX_COLUMNS) if len(cells) > 1 else 1
        for part in (text, *[""] * (columns - 1)):
            if rows > 1 and len(part) <= _MAX_REPEATED:
                above[len(line)] = (part, rows - 1)
            line.append(part)
    return line


def _is_frame(cells: list[Element]) -> bool:
    """Whether a row only gives its cells their place, as in letters and forms, and they hold more than fits on one line."""
    if len(cells) == 1:
        return any(cells[0].find(f".//{tag}") is not None for tag in ("table", "head", "list"))
    return any(cell.find(".//row[2]") is not None for cell in cells)


def _own(element: Element, tag: str) -> Iterator[Element]:
    """Rows or cells of a table itself, in order; those of tables in its cells are not."""
    for child in element:
        if child.tag == tag:
            yield child
        else:
            yield from _own(child, tag)


def _list(element: Element, builder: TextBuilder, depth: int) -> None:
    tight = depth > 0
    number = _number(element.get("start"), 1) - 1
    for item in element:
        if item.tag == "list":
            _list(item, builder, depth + 1)
            continue
        number = _number(item.get("value"), number + 1)
        marker = f"{number}. " if element.get("rend") == "ol" else "- "
        # An item's own line first, then what it contains as blocks: nested lists, tables, code.
        parts = [_collapse(item.text)]
        for child in item:
            if _is_line(child) and not "".join(parts).strip():
                parts.append(_inline(child))
            elif _is_block(child, item):
                tight = _item(parts, "  " * depth + marker, builder, tight)
                marker = "  "
                if child.tag == "list":
                    _list(child, builder, depth + 1)
                else:
                    _block(child, builder, depth + 1)
            else:
                parts.append(_inline(child))
            parts.append(_collapse(child.tail))
        tight = _item(parts, "  " * depth + marker, builder, tight)


def _number(said: str | None, otherwise: int) -> int:
    return int(said) if said and _NUMBER.fullmatch(said.strip()) else otherwise


def _item(parts: list[str], prefix: str, builder: TextBuilder, tight: bool) -> bool:
    text = _join(parts)
    parts.clear()
    if not text:
        return tight
    builder.add(prefix + text.replace("\n", "\n" + " " * len(prefix)), tight=tight)
    return True


def _is_block(child: Element, parent: Element) -> bool:
    # `code` is a block of its own beside other blocks, and a word within a paragraph or an item of one line.
    if child.tag == "code":
        return parent.tag not in ("p", "item", "head", "cell") or "\n" in (child.text or "")
    return child.tag in BLOCKS


def _is_line(element: Element) -> bool:
    """Whether it is a block of text alone, as many programs put into an item or beside it."""
    return element.tag in ("p", "div") and not any(_is_block(child, element) for child in element)


def _inline(element: Element) -> str:
    if element.tag == "lb":
        return "\n"
    parts = [_collapse(element.text)]
    for child in element:
        parts.append(_inline(child))
        # Blocks inside what has to be one line, such as paragraphs in a cell, still need a space between them.
        parts.append((" " if child.tag in BLOCKS else "") + _collapse(child.tail))
    return "".join(parts)


def _collapse(text: str | None) -> str:
    return _SPACE.sub(" ", text) if text else ""


def _flush(parts: list[str], builder: TextBuilder) -> None:
    builder.add(_join(parts))
    parts.clear()


def _join(parts: list[str]) -> str:
    # Two breaks are an empty line; of more the builder makes one.
    return "\n".join(" ".join(line.split()) for line in "".join(parts).split("\n")).strip("\n")
