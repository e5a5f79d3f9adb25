"""Boxes, tabs and links that generators of sites and note takers add to Markdown, whose signs would else stand in the text."""

import re

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock

_KINDS = frozenset(
    """
    note abstract summary info tip hint important success question help faq warning caution attention failure danger error bug example quote
    todo seealso
    """.split()
)
"""Kinds of boxes that a site shows by their name where they have no title."""
_INDENTED = re.compile(r'(?:!!!|\?\?\?\+?) +([\w-]+(?: [\w-]+)*?)(?: +"(.*)")? *|===[!+]? +"(.*)" *')
"""What begins a box or tab of MkDocs, whose content is indented."""
_FENCE = re.compile(r":::+(.*)")
"""A line before or after a box of Docusaurus, VitePress, Pandoc or MyST."""
_ALERT = re.compile(r"\[!([\w-]+)\][+-]?[ \t]*(.*)")
"""What begins a quotation that GitHub and Obsidian show as a box."""
_INDENT = 4
_LINK = re.compile(r"(!?)\[\[(?=[^\s\[\]])([^\[\]|]*)(?:\|([^\[\]]*))?\]\]")
_PICTURE = re.compile(r".*\.(?:png|jpe?g|gif|svg|webp|bmp|pdf|mp[34])", re.IGNORECASE)
_HEADING_ATTRIBUTES = re.compile(r"\{:?[ \t]*[#.][^{}]*\}")
CONTENTS = frozenset(("[TOC]", "[[TOC]]", "[toc]", "[[toc]]", "[[_TOC_]]", "{:toc}"))
"""What stands for a table of contents."""


def boxes_plugin(parser: MarkdownIt) -> None:
    """Let boxes and tabs be parsed: a token `box_open` has the title as content, what follows is Markdown as any other."""
    for name, rule in (("box_indented", _indented), ("box_fence", _fence)):
        parser.block.ruler.before("code", name, rule, {"alt": ["paragraph", "reference", "blockquote", "list"]})


def alert(line: str) -> str | None:
    """The title of a box, if the first line of a quotation makes it one."""
    found = _ALERT.fullmatch(line)
    return None if found is None else _title(found[1], found[2])


def without_attributes(heading: str) -> str:
    """A heading without the name by which links reach it: `Limits {#limits}`."""
    begin = heading.rfind("{")
    return heading[:begin].rstrip() if begin > 0 and _HEADING_ATTRIBUTES.fullmatch(heading, begin) else heading


def links_shown(text: str) -> str:
    """A text with what is shown of links such as `[[Alder pump|the pump]]` and `[[Rates#Norway]]`, and without embedded pictures."""
    return _LINK.sub(_link_shown, text) if "[[" in text else text


def _link_shown(found: re.Match[str]) -> str:
    if not any(map(str.isalpha, found[2])):
        return found[0]  # the number of a note
    if found[1] and _PICTURE.fullmatch(found[2]):
        return ""
    return found[3] or " > ".join(filter(None, found[2].split("#")))


def _indented(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    found = _match(_INDENTED, state, start, "!?=")
    if found is None:
        return False
    last = begun = start + 1
    while last < end and (state.isEmpty(last) or state.sCount[last] >= state.blkIndent + _INDENT):
        last += 1
    if all(map(state.isEmpty, range(begun, last))):
        return False  # Nothing is within it: three exclamation marks.
    if not silent:
        title = found[3] if found[3] is not None else _title(found[1].partition(" ")[0], found[2] or "")
        state.push("box_open", "div", 1).content = title
        limit, state.lineMax = state.lineMax, last
        state.blkIndent += _INDENT
        state.md.block.tokenize(state, begun, last)
        state.blkIndent -= _INDENT
        state.lineMax = limit
        state.push("box_close", "div", -1)
        state.line = last
    return True


def _fence(state: StateBlock, start: int, _end: int, silent: bool) -> bool:
    found = _match(_FENCE, state, start, ":")
    if found is not None and not silent:
        state.push("box_open", "div", 0).content = _fence_title(found[1].strip())
        state.line = start + 1
    return found is not None


def _fence_title(said: str) -> str:
    """What stands after the kind of a box: `tip My tip`, `tip[My tip]`, `{note} My tip`; nothing of `moniker range="1"`."""
    if said.startswith("{"):
        kind, title = "", said.partition("}")[2]
    elif "[" in said and said.endswith("]"):
        kind, _, title = said[:-1].partition("[")
    else:
        kind, _, title = said.partition(" ")
    return _title(kind.strip(), "" if "=" in title else title.strip())


def _match(pattern: re.Pattern[str], state: StateBlock, line: int, signs: str) -> re.Match[str] | None:
    begin, end = state.bMarks[line] + state.tShift[line], state.eMarks[line]
    if begin >= end or state.src[begin] not in signs or state.is_code_block(line):
        return None
    return pattern.fullmatch(state.src, begin, end)


def _title(kind: str, title: str) -> str:
    return title or (kind.capitalize() if kind.lower() in _KINDS else "")
