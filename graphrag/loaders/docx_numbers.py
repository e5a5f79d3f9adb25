"""The numbers of list items in a Word document: its text does not hold them, and mammoth does not count them."""

import re
from xml.etree.ElementTree import Element, SubElement
from zipfile import ZipFile

from graphrag.loaders.docx_markup import name_of, parse_part, value_of

_OPEN, _CLOSE = "\ue0f1", "\ue0f2"
_ITEM = re.compile(f"<li>{_OPEN}(\\d+){_CLOSE}")
_OTHER = re.compile(f"{_OPEN}\\d+{_CLOSE}")


class Numbers:
    """Counts as Word does: a list goes on where one of the same kind stopped, unless it says where it starts."""

    def __init__(self, archive: ZipFile) -> None:
        self._kinds: dict[str, str] = {}
        """The kind of each list."""
        self._starts: dict[tuple[str, str], int] = {}
        """Where the levels of a list start that say so."""
        self._levels: dict[tuple[str, str], int | None] = {}
        """Where the levels of a kind start; None of bullets."""
        self._styles: dict[str, tuple[str, str]] = {}
        """The list and level of styles that make items of their paragraphs."""
        self._counts: dict[str, dict[str, int]] = {}
        """The last number of each level of each kind."""
        self._begun: set[tuple[str, str]] = set()
        roots = [
            parse_part(archive.read(part))
            for part in ("word/numbering.xml", "word/styles.xml")
            if part in archive.namelist()
        ]
        for element in (child for root in roots for child in root):
            match name_of(element):
                case "num":
                    self._add_list(element, value_of(element, "numId"))
                case "abstractNum":
                    for level in element.findall("{*}lvl"):
                        key = (value_of(element, "abstractNumId"), value_of(level, "ilvl") or "0")
                        bullets = value_of(level.find("{*}numFmt"), "val") in ("bullet", "none")
                        self._levels[key] = None if bullets else int(value_of(level.find("{*}start"), "val") or 1)
                case "style":
                    if (number := element.find("{*}pPr/{*}numPr")) is not None:
                        self._styles[value_of(element, "styleId")] = _place(number, ("", "0"))
                case _:
                    pass

    def _add_list(self, element: Element, id_: str) -> None:
        self._kinds[id_] = value_of(element.find("{*}abstractNumId"), "val")
        for override in element.findall("{*}lvlOverride"):
            start = value_of(override.find("{*}startOverride"), "val")
            if start:
                self._starts[id_, value_of(override, "ilvl")] = int(start)

    @property
    def any(self) -> bool:
        """Whether the document has lists."""
        return bool(self._kinds)

    def mark(self, root: Element) -> None:
        """Let each numbered paragraph of a part begin with its number, between signs that `in_items` knows."""
        for paragraph in [element for element in root.iter() if name_of(element) == "p"]:
            properties = paragraph.find("{*}pPr")
            if properties is None:
                continue
            styled = self._styles.get(value_of(properties.find("{*}pStyle"), "val"), ("", "0"))
            number = self._next(*_place(properties.find("{*}numPr"), styled))
            if number is not None:
                space = paragraph.tag.removesuffix("p")
                run = Element(f"{space}r")
                SubElement(run, f"{space}t").text = f"{_OPEN}{number}{_CLOSE}"
                paragraph.insert(list(paragraph).index(properties) + 1, run)

    def _next(self, list_: str, level: str) -> int | None:
        """The number of the next item; None of bullets, and of what is no list."""
        kind = self._kinds.get(list_, "")
        counts = self._counts.setdefault(kind, {})
        for deeper in [one for one in counts if one > level]:
            del counts[deeper]
        start = self._levels.get((kind, level))
        if start is None:
            return None
        own = self._starts.get((list_, level))
        if level not in counts or (own is not None and (list_, level) not in self._begun):
            counts[level] = (start if own is None else own) - 1
        self._begun.add((list_, level))
        counts[level] += 1
        return counts[level]


def in_items(html: str) -> str:
    """The numbers that were marked as those of the items of the page's lists."""
    return _OTHER.sub("", _ITEM.sub(r'<li value="\1">', html))


def _place(number: Element | None, otherwise: tuple[str, str]) -> tuple[str, str]:
    """The list and level that are named; as far as one is not, the other one."""
    if number is None:
        return otherwise
    list_, level = (value_of(number.find(f"{{*}}{name}"), "val") for name in ("numId", "ilvl"))
    return list_ or otherwise[0], level or otherwise[1]
