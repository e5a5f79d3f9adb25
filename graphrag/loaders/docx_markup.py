"""The XML of a Word document, changed to what mammoth reads: without hidden text, and with the text that it would skip."""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple
from xml.etree.ElementTree import Element, SubElement, fromstring, tostring
from zipfile import ZipFile

_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
# A part in UTF-16 has NULs, one in UTF-8 has none. Names of elements may have any prefix, or none.
_CHANGED = re.compile(rb"vanish|[<:](?:fldSimple|dir|bdo|ruby|cr|br|oMath)\b|\0")
_UNWRAPPED = frozenset({"fldSimple", "dir", "bdo", "ruby", "rubyBase", "oMathPara"})
"""Elements that mammoth does not know, whose content is text of the paragraph."""
_DROPPED = frozenset({"rt", "rubyPr"})
_SIGNS = {"num": "", "den": "/", "sup": "^", "sub": "_"}
"""What to write before these parts of a formula, so that the half is not read as 12."""


class HiddenStyles(NamedTuple):
    """Whether styles hide their text, by their ids."""

    of_paragraphs: Mapping[str, bool]
    of_runs: Mapping[str, bool]


def hidden_styles(archive: ZipFile) -> HiddenStyles:
    """Those of word/styles.xml that hide text, or would if the style they are based on did not."""
    found = HiddenStyles({}, {})
    if "word/styles.xml" not in archive.namelist():
        return found
    content = archive.read("word/styles.xml")
    if not _CHANGED.search(content):
        return found
    styles = {value_of(style, "styleId"): style for style in parse_part(content).iter() if name_of(style) == "style"}
    kinds: dict[str, dict[str, bool]] = {"paragraph": {}, "character": {}}
    for id_, style in styles.items():
        based: Element | None = style
        hidden: bool | None = None
        for _ in styles:  # No longer, since styles may be based on each other in a circle.
            if based is None or hidden is not None:
                break
            hidden = _hides(based)
            based = styles.get(value_of(based.find("{*}basedOn"), "val"))
        if hidden:
            kinds.get(value_of(style, "type"), {})[id_] = True
    return HiddenStyles(kinds["paragraph"], kinds["character"])


def readable(content: bytes, styles: HiddenStyles, mark: Callable[[Element], None] | None = None) -> bytes:
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


def _change_children(element: Element, styles: HiddenStyles, hidden: bool) -> None:
    element[:] = [changed for child in element for changed in _changed(child, styles, hidden)]


def _changed(element: Element, styles: HiddenStyles, hidden: bool) -> list[Element]:
    """What to read in place of an element; `hidden` tells whether the paragraph's style hides its text."""
    name = name_of(element)
    if name == "oMath":
        run = Element(f"{_WORD}r")
        SubElement(run, f"{_WORD}t").text = _formula(element, styles, hidden)
        return [run]
    if name in _DROPPED or (name == "r" and _is_hidden(element, styles, hidden)):
        return []
    if name == "p":
        hidden = styles.of_paragraphs.get(value_of(element.find("{*}pPr/{*}pStyle"), "val"), False)
    elif name in ("cr", "br"):  # also one of pages, which mammoth would drop between two words
        element.tag = f"{_WORD}br"
        element.attrib.clear()
    _change_children(element, styles, hidden)
    return list(element) if name in _UNWRAPPED else [element]


def _is_hidden(run: Element, styles: HiddenStyles, hidden: bool) -> bool:
    own = _hides(run)
    # Word shows a text that both styles hide.
    return hidden != styles.of_runs.get(value_of(run.find("{*}rPr/{*}rStyle"), "val"), False) if own is None else own


def _hides(element: Element) -> bool | None:
    """Whether the properties of a run or style hide its text; None if they do not say."""
    mark = element.find("{*}rPr/{*}vanish")
    return None if mark is None else value_of(mark, "val") not in ("0", "false", "off")


def _formula(element: Element, styles: HiddenStyles, hidden: bool) -> str:
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
