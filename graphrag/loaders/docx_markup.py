"""The XML of a Word document, changed to what mammoth reads: without hidden text, and with the text that it would skip."""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeVar
from xml.etree.ElementTree import Element, SubElement, fromstring, tostring
from zipfile import ZipFile

_Said = TypeVar("_Said")
_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
# A part in UTF-16 has NULs, one in UTF-8 has none. Names of elements may have any prefix, or none.
_CHANGED = re.compile(rb"vanish|outlineLvl|[<:](?:fldSimple|dir|bdo|ruby|cr|br|oMath)\b|\0")
_UNWRAPPED = frozenset({"fldSimple", "dir", "bdo", "ruby", "rubyBase", "oMathPara"})
"""Elements that mammoth does not know, whose content is text of the paragraph."""
_DROPPED = frozenset({"rt", "rubyPr"})
_SIGNS = {"num": "", "den": "/", "sup": "^", "sub": "_"}
"""What to write before these parts of a formula, so that the half is not read as 12."""


OUTLINE = "Outline"
"""With the level behind it the style of a paragraph that is a heading, though mammoth does not see it."""
_HEADING = re.compile(r"heading ([1-9])", re.IGNORECASE)
_READ_OTHERWISE = re.compile(r"heading [1-6]|(?:sub)?title|toc\b.*", re.IGNORECASE)
"""Names of styles, whatever these are based on."""


class Styles(NamedTuple):
    """What styles say of their text, by their ids."""

    hidden_paragraphs: Mapping[str, bool]
    hidden_runs: Mapping[str, bool]
    levels: Mapping[str, int]
    """Of headings, from 1; 0 of those that mammoth sees, and of what is no heading by its name."""


def styles_of(archive: ZipFile) -> Styles:
    """Those of word/styles.xml that hide text, or would if the style they are based on did not, and that make headings."""
    found = Styles({}, {}, {})
    if "word/styles.xml" not in archive.namelist():
        return found
    content = archive.read("word/styles.xml")
    styles = {value_of(style, "styleId"): style for style in parse_part(content).iter() if name_of(style) == "style"}
    kinds: dict[str, dict[str, bool]] = {"paragraph": {}, "character": {}}
    levels: dict[str, int] = {}
    for id_, style in styles.items():
        if _first_said(style, styles, _hides):
            kinds.get(value_of(style, "type"), {})[id_] = True
        named = value_of(style.find("{*}name"), "val")
        level = 0 if _READ_OTHERWISE.fullmatch(named) else _first_said(style, styles, _level)
        if level is not None:
            levels[id_] = level
    return Styles(kinds["paragraph"], kinds["character"], levels)


def _first_said(style: Element, styles: Mapping[str, Element], told: Callable[[Element], _Said | None]) -> _Said | None:
    """What a style says, or else the first of those it is based on."""
    based: Element | None = style
    for _ in styles:  # No longer, since styles may be based on each other in a circle.
        if based is None:
            break
        said = told(based)
        if said is not None:
            return said
        based = styles.get(value_of(based.find("{*}basedOn"), "val"))
    return None


def _level(style: Element) -> int | None:
    """The level of headings of a style or paragraph, 0 for a text; None if it does not say."""
    outline = value_of(style.find("{*}pPr/{*}outlineLvl"), "val")
    if outline.isdecimal():
        return (int(outline) + 1) % 10
    named = _HEADING.fullmatch(value_of(style.find("{*}name"), "val"))
    return int(named[1]) if named else None


def readable(content: bytes, styles: Styles, mark: Callable[[Element], None] | None = None) -> bytes:
    """A part of the document as mammoth reads it best.

    Args:
        content: the part.
        styles: those of the document.
        mark: changes the part before.

    Raises:
        SyntaxError: no XML.
    """
    if mark is None and not any(styles) and not _CHANGED.search(content):
        return content
    root = parse_part(content)
    if mark is not None:
        mark(root)
    _change_children(root, styles, hidden=False)
    return tostring(root)


def parse_part(content: bytes) -> Element:
    """The XML of a part.

    Raises:
        SyntaxError: it is none.
    """
    return fromstring(content)  # noqa: S314 - in a child process; expat bounds entities and loads no files


def _change_children(element: Element, styles: Styles, hidden: bool) -> None:
    element[:] = [changed for child in element for changed in _changed(child, styles, hidden)]


def _changed(element: Element, styles: Styles, hidden: bool) -> list[Element]:
    """What to read in place of an element; `hidden` tells whether the paragraph's style hides its text."""
    name = name_of(element)
    if name == "oMath":
        run = Element(f"{_WORD}r")
        SubElement(run, f"{_WORD}t").text = _formula(element, styles, hidden)
        return [run]
    if name in _DROPPED or (name == "r" and _is_hidden(element, styles, hidden)):
        return []
    if name == "p":
        hidden = styles.hidden_paragraphs.get(value_of(element.find("{*}pPr/{*}pStyle"), "val"), False)
        _mark_heading(element, styles)
    elif name in ("cr", "br"):  # also one of pages, which mammoth would drop between two words
        element.tag = f"{_WORD}br"
        element.attrib.clear()
    _change_children(element, styles, hidden)
    return list(element) if name in _UNWRAPPED else [element]


def _mark_heading(paragraph: Element, styles: Styles) -> None:
    properties = paragraph.find("{*}pPr")
    if properties is None:
        return
    style, space = properties.find("{*}pStyle"), paragraph.tag.removesuffix("p")
    styled, own = styles.levels.get(value_of(style, "val")), _level(paragraph)
    level = styled if own is None or styled == 0 else own
    if level:
        if style is not None:
            properties.remove(style)
        SubElement(properties, f"{space}pStyle", {f"{space}val": f"{OUTLINE}{min(level, 6)}"})


def _is_hidden(run: Element, styles: Styles, hidden: bool) -> bool:
    own = _hides(run)
    # Word shows a text that both styles hide.
    return (
        hidden != styles.hidden_runs.get(value_of(run.find("{*}rPr/{*}rStyle"), "val"), False) if own is None else own
    )


def _hides(element: Element) -> bool | None:
    """Whether the properties of a run or style hide its text; None if they do not say."""
    mark = element.find("{*}rPr/{*}vanish")
    return None if mark is None else value_of(mark, "val") not in ("0", "false", "off")


def _formula(element: Element, styles: Styles, hidden: bool) -> str:
    name = name_of(element)
    if name in ("del", "moveFrom") or (name == "r" and _is_hidden(element, styles, hidden)):
        return ""
    if name == "t":
        return element.text or ""
    text = "".join(_formula(child, styles, hidden) for child in element)
    if name == "d":
        return f"({text})"
    if name not in _SIGNS or not text:
        return text
    return _SIGNS[name] + (text if text.isalnum() else f"({text})")


def name_of(element: Element) -> str:
    """The name of an element, without its namespace."""
    return element.tag.rpartition("}")[2]


def value_of(element: Element | None, attribute: str) -> str:
    """An attribute of the namespace of Word, strict or not; empty if there is none."""
    if element is None:
        return ""
    return next((value for key, value in element.items() if key.rpartition("}")[2] == attribute), "")
