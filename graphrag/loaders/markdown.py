"""Markdown, read as its reader sees it: headings, lists, tables and code as plain text, markup gone."""

import re
from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.footnote import footnote_plugin
from mdit_py_plugins.front_matter import front_matter_plugin

from graphrag.loaders.base import LoadedDocument
from graphrag.loaders.builder import TextBuilder
from graphrag.loaders.characters import clean_characters
from graphrag.loaders.encoding import decode_text
from graphrag.loaders.front_matter import parse_front_matter, said_in, split_toml
from graphrag.loaders.markdown_boxes import CONTENTS, alert, boxes_plugin, links_shown, without_attributes
from graphrag.loaders.tags import strip_tags
from graphrag.loaders.text import load as load_text
from graphrag.loaders.titles import title_from_source
from graphrag.sentences import FIELD_NAME

_MAX_NESTING = 100
"""Lists and quotations in each other; markdown-it leaves out what is nested deeper, and recurses for each."""
_MAX_INLINE_NESTING = 20
"""The parser's own, in which text beyond stays text: its time for signs such as `![` grows with this."""
_WRAPPED = "\0"
"""Stands for the end of a wrapped line until it is known what becomes of it; no text that is read has it."""
_TERM_CHARACTERS = 100
_HEADING = re.compile(r"<h([1-6])\b[^<>]{0,200}>(.{0,500}?)</h\1\s{0,20}>", re.DOTALL | re.IGNORECASE)
_FIELD = re.compile(rf"\s*[*_]*{FIELD_NAME}[*_]*:(?:[*_]*\s|[*_]*$)")


def load(data: bytes, source: str) -> list[LoadedDocument]:
    """Read Markdown (CommonMark, tables, strike-through, footnotes) with optional front matter in YAML or TOML.

    - Title: front matter `title`, else the first heading of level 1, else the file's name.
    - Other front matter becomes metadata and, but for what only site generators read, a list "- owner: payouts" before the text,
      which can be asked for.
    - List items keep "- " or "1. ", table rows become "cell | cell" lines.
    - Wrapped lines are joined, unless two or more below each other are a `Label: value`.
    - A table of contents is left out, as the navigation of an HTML page is: it holds the words of every section and says nothing.
    - What is nested too deeply to be read as Markdown is read as plain text.

    Raises:
        DocumentParseError: blank, broken front matter, or the encoding is unknown.
        UnsupportedFormatError: not text.
    """
    text, title, metadata = split_toml(clean_characters(decode_text(data, source)), source)
    tokens = _parser().parse(text)
    if any(token.nesting == 1 and token.level >= _MAX_NESTING - 1 for token in tokens):
        return load_text(data, source)
    if tokens and tokens[0].type == "front_matter":
        title, metadata = parse_front_matter(tokens.pop(0).content, source)
    builder = TextBuilder()
    builder.add(said_in(metadata))
    _Renderer(builder).render(_without_contents(tokens))
    top = [heading.text for heading in builder.headings if heading.level == 1]
    title = title or (top[0] if top else title_from_source(source))
    return [builder.build(data, source, title, "text/markdown", metadata)]


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"]).use(front_matter_plugin).use(footnote_plugin)
    parser.use(boxes_plugin)
    parser.options["maxNesting"] = _MAX_NESTING
    parser.core.ruler.before("inline", "nesting", lambda _: parser.options.update(maxNesting=_MAX_INLINE_NESTING))
    return parser


def _without_contents(tokens: Sequence[Token]) -> Sequence[Token]:
    """Without lists that only link to places in the same document, and the heading over one unless its section has others."""
    kept: list[Token] = []
    index = 0
    while index < len(tokens):
        end = _end_of_contents(tokens, index)
        if end == index:
            kept.append(tokens[index])
            index += 1
            continue
        index = end
        heading = kept[-3] if len(kept) >= 3 and kept[-1].type == "heading_close" else None
        below = tokens[end].tag if end < len(tokens) and tokens[end].type == "heading_open" else ""
        if heading is not None and heading.tag != "h1" and not below > heading.tag:
            del kept[-3:]
    return kept if any(token.type == "inline" for token in kept) else tokens


def _end_of_contents(tokens: Sequence[Token], start: int) -> int:
    """Where the table of contents ends that begins here; `start` if none does."""
    if tokens[start].level or tokens[start].type not in ("bullet_list_open", "ordered_list_open"):
        return start
    for index in range(start + 1, len(tokens)):
        token = tokens[index]
        if token.type == "inline" and not _links_within(token.children or ()):
            return start
        if token.type in ("fence", "code_block", "html_block", "table_open"):
            return start
        if token.level == 0:
            return index + 1
    return start


def _links_within(tokens: Sequence[Token]) -> bool:
    """Whether it is one link to a place in the same document and nothing else."""
    opens = [token for token in tokens if token.type == "link_open"]
    return (
        len(opens) == 1
        and str(opens[0].attrGet("href")).startswith("#")
        and tokens[0] is opens[0]
        and tokens[-1].type == "link_close"
    )


def _unwrapped(lines: Sequence[str]) -> str:
    """The lines of a paragraph as one, but those that are `Label: value`, two or more below each other, as Notion, YAML and people write
    what they know of a page: they stay lines. One with others below it may have no value.
    """
    fields = [_FIELD.match(line) is not None for line in lines]
    text = lines[0]
    for index, line in enumerate(lines[1:], start=1):
        kept = fields[index] and any(fields[index - 1 : index] + fields[index + 1 : index + 2])
        text += f"{chr(10) if kept else ' '}{line}"
    return text


def _defined(lines: Sequence[str]) -> list[str]:
    """The items of a list of definitions, `Term` and below it `: what it means`, each a term with a meaning; none of other lines."""
    first = next((place for place, line in enumerate(lines) if line.startswith((": ", ":\t"))), 0)
    term = ", ".join(lines[:first])
    if not first or len(term) > _TERM_CHARACTERS:
        return []
    items: list[list[str]] = []
    for line in lines[first:]:
        if line.startswith(":"):
            items.append([f"- {term}: {line[1:].strip()}"])
        else:
            items[-1].append(line)
    return [" ".join(item) for item in items]


def _inline(tokens: Sequence[Token], soft_break: str = " ") -> str:
    parts: list[str] = []
    for token in tokens:
        if token.type == "softbreak":
            parts.append(soft_break)
        elif token.type == "hardbreak" or (token.type == "html_inline" and token.content.lower().startswith("<br")):
            parts.append("\n")
        elif token.type == "image":
            parts.append(_inline(token.children or ()))
        elif token.type != "html_inline":
            parts.append(links_shown(token.content) if token.type == "text" else token.content)
    return "".join(parts)


class _Renderer:
    """Turns a token stream into blocks."""

    def __init__(self, builder: TextBuilder) -> None:
        self._builder = builder
        self._lists: list[int | None] = []
        """The next number of each open list, None for bullets."""
        self._marker = ""
        self._cells: list[str] = []
        self._tight = False

    def render(self, tokens: Sequence[Token]) -> None:
        for index, token in enumerate(tokens):
            match token.type:
                case "heading_open" if token.level == 0:
                    heading = without_attributes(_inline(tokens[index + 1].children or ()))
                    self._builder.heading(heading, int(token.tag[1]))
                case "inline":
                    opener = tokens[index - 1]
                    if opener.type in ("th_open", "td_open"):
                        self._cells.append(" ".join(_inline(token.children or ()).split()))
                    elif opener.type != "heading_open" or opener.level > 0:
                        self._lines(_inline(token.children or (), _WRAPPED).split(_WRAPPED))
                case "box_open":
                    self._builder.add(token.content)
                case "bullet_list_open":
                    self._open_list(None)
                case "ordered_list_open":
                    self._open_list(int(token.attrGet("start") or 1))
                case "bullet_list_close" | "ordered_list_close":
                    self._lists.pop()
                    self._marker = ""
                case "list_item_open":
                    self._open_item()
                case "table_open":
                    self._tight = False
                case "tr_close":
                    if any(self._cells):
                        self._builder.add(" | ".join(self._cells), tight=self._tight)
                        self._tight = True
                    self._cells = []
                case "fence" | "code_block":
                    self._builder.add(token.content)
                case "html_block":
                    self._html(token.content)
                case _:
                    pass

    def _html(self, fragment: str) -> None:
        end = 0
        for found in _HEADING.finditer(fragment):
            self._builder.add(strip_tags(fragment[end : found.start()]))
            self._builder.heading(strip_tags(found[2]), int(found[1]))
            end = found.end()
        self._builder.add(strip_tags(fragment[end:]))

    def _lines(self, lines: list[str]) -> None:
        title = alert(lines[0])
        for block in (lines,) if title is None else ([title], lines[1:]):
            items = [] if self._lists else _defined(block)
            if items:
                self._builder.add("\n".join(items))
            elif any(block) and block[0] not in CONTENTS:
                self._paragraph(_unwrapped(block))

    def _open_list(self, start: int | None) -> None:
        # A list's first item stands apart from what is above it, the first item of a nested list does not.
        self._tight = bool(self._lists)
        self._lists.append(start)

    def _open_item(self) -> None:
        number = self._lists[-1]
        self._marker = "- " if number is None else f"{number}. "
        if number is not None:
            self._lists[-1] = number + 1

    def _paragraph(self, text: str) -> None:
        text = "\n".join(" ".join(line.split()) for line in text.split("\n"))
        if not self._lists:
            self._builder.add(text)
            return
        indent = "  " * (len(self._lists) - 1)
        lines = text.split("\n")
        first = indent + (self._marker or "  ") + lines[0]
        block = "\n".join([first, *(f"{indent}  {line}" for line in lines[1:])])
        self._builder.add(block, tight=bool(self._marker) and self._tight)
        self._marker = ""
        self._tight = True
