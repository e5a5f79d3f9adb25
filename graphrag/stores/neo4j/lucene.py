"""Queries of the full-text indexes. Nothing of a question's text reaches Lucene's parser but between quotation marks."""

from collections.abc import Iterable, Mapping

from graphrag.types import ALL_ACCESS, Scope, stable_id

MAX_CLAUSES = 500
"""Lucene takes 1,024 clauses in a query."""


def scope_tokens(tenant: str, access: str) -> str:
    """What a chunk holds in its property `scope`: a token of its tenant and one of its label in that tenant."""
    return f"{_token(tenant)} {_token(tenant, access)}"


def _within(scope: Scope) -> str:
    """The clause that only what the scope sees passes, and that adds nothing to a score."""
    if ALL_ACCESS in scope.access:
        return f"+scope:{_token(scope.tenant)}^0"
    return f"+({' '.join(f'scope:{_token(scope.tenant, label)}' for label in sorted(scope.access))})^0"


def _token(*parts: str) -> str:
    return stable_id("scope", *parts)[:16]


def any_term(scope: Scope, terms: Mapping[str, float]) -> list[str]:
    """Queries that together find the visible chunks which hold one of the terms at least, each with what multiplies its score."""
    quoted = [f"terms:{_quoted(term)}^{boost:.6f}" for term, boost in sorted(terms.items()) if term.strip()]
    slices = [quoted[start : start + MAX_CLAUSES] for start in range(0, len(quoted), MAX_CLAUSES)]
    return [f"{_within(scope)} +({' '.join(part)})" for part in slices]


def one_term(scope: Scope, term: str) -> str:
    """The query for the visible chunks that hold a term, which is not blank."""
    return f"{_within(scope)} +terms:{_quoted(term)}"


def _quoted(term: str) -> str:
    escaped = term.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def block_token(tenant: str, block: str) -> str:
    """What an entity holds in its property `blocks` for a blocking key."""
    return stable_id("block", tenant, block)[:16]


def any_block(tenant: str, blocks: Iterable[str]) -> list[str]:
    """Queries that together find the tenant's entities that fall into one of the blocks."""
    return any_token({block_token(tenant, block) for block in blocks})


def any_token(tokens: Iterable[str]) -> list[str]:
    """Queries that together find the entities that hold one of the tokens made by block_token."""
    tokens = [f"blocks:{token}" for token in sorted(set(tokens))]
    return [" ".join(tokens[start : start + MAX_CLAUSES]) for start in range(0, len(tokens), MAX_CLAUSES)]


def word_prefix(text: str) -> str:
    """The query for the entities whose key may hold the text from the beginning of a word on; empty if none can.

    It finds the words one by one, the last of them by its beginning: their order is still to be checked.
    """
    words = text.split()
    if not words:
        return ""
    cut = words.pop() if not text[-1].isspace() else ""
    clauses = [f"+key:{_quoted(word)}" for word in words]
    return " ".join([*clauses, f"+key:{_escaped(cut)}*"] if cut else clauses)


def _escaped(word: str) -> str:
    return "".join(character if character.isalnum() else f"\\{character}" for character in word)
