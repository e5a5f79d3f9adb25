"""Answers that a language model writes: from the passages of the evidence alone, cited as they come, checked at the end.

Citations are numbers of passages that it was shown; any other is left out. Each is resolved to the sentence of its passage
that says most of what is said, before the next word is passed on. At the end each sentence is held against what it cites
(agent.support), and by a second call of the model if that is configured.
"""

from collections.abc import AsyncGenerator, Container, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

from agent.assess import Assessment
from agent.citing import cite
from agent.cleaning import Mark, PlainFilter, for_prompt, short
from agent.passages import Shown
from agent.support import supports
from agent.types import Citation, Claim, Piece
from graphrag.analysis import terms
from graphrag.degraded import note_degraded
from graphrag.embedding import PassageEncoder
from graphrag.errors import ContextOverflowError, ModelError, ModelOutputError
from graphrag.llm.chat_types import Message, Reply
from graphrag.llm.usage import estimate_tokens
from graphrag.retrieval.ledger import Candidate, Ledger
from graphrag.sentences import split_sentences
from graphrag.types import Span

if TYPE_CHECKING:
    from graphrag.llm.model import LanguageModel

PASSAGES = 8
"""Passages that an answer is written from: the evidence set, then the best of the rest."""
NOT_IN_EVIDENCE = "NOT IN EVIDENCE"
CHECK_TOKENS = 200


@dataclass(frozen=True, slots=True)
class Written:
    """What was written."""

    text: str
    """Without the marker of an answer that is not in the evidence."""
    citations: tuple[Citation, ...]
    claims: tuple[Claim, ...]
    missing: str = ""
    """What the evidence lacks, if it does not hold the answer; the text is empty then."""


class Checked(BaseModel):
    """What a model replies that checks sentences."""

    supported: list[bool] = Field(max_length=100, description="for each sentence in order")


async def write(
    ledger: Ledger,
    assessment: Assessment,
    llm: "LanguageModel",
    encoder: PassageEncoder,
) -> AsyncGenerator[Piece | Citation | Written]:
    """Write an answer: pieces and citations as they come, at last what they amount to.

    Raises:
        ModelError: it could not be written, or not to its end; pieces that came are void then.
    """
    made = _Writing(ledger, _passages(assessment), llm)
    while True:
        try:
            async with aclosing(_pieces(made)) as pieces:
                async for piece in pieces:
                    yield piece
            break
        except ContextOverflowError:
            if made.text or len(made.ids) < 2:
                raise
            made = _Writing(ledger, made.ids[: len(made.ids) // 2], llm)
    yield await _checked(made, encoder)


def _passages(assessment: Assessment) -> list[str]:
    ranked = [hit.chunk_id for hit in assessment.hits]
    return list(dict.fromkeys((*assessment.evidence.chunk_ids, *ranked)))[:PASSAGES]


async def _pieces(made: "_Writing") -> AsyncGenerator[Piece | Citation]:
    chat = made.llm.chat
    async with aclosing(chat.stream(made.messages(), max_tokens=made.llm.output_tokens)) as stream:
        broken_off = ""
        async for came in stream:
            if isinstance(came, Reply):
                broken_off = came.broken_off
                continue
            for out in made.add(came):
                yield out
    for out in made.end():
        yield out
    if not made.text.strip():
        raise ModelOutputError(f"{chat.model!r} wrote no answer{broken_off and f': {broken_off}'}")
    if broken_off:
        note_degraded("writing", ModelOutputError(f"the answer is not whole: {broken_off}"), "the answer is not whole")


class _Writing:
    """An answer in the making."""

    def __init__(self, ledger: Ledger, ids: Sequence[str], llm: "LanguageModel") -> None:
        self.ledger = ledger
        self.llm = llm
        self.ids = _fitting(ledger, ids, llm)
        self.shown = Shown()
        self._told = self.shown.told([ledger.candidates[id_] for id_ in self.ids], new=len(self.ids))
        self.text = ""
        self.citations: dict[str, Citation] = {}
        """By chunk id, in the order of their numbers."""
        self._filter = PlainFilter()
        self._passed = 0
        """Characters of the text that were passed on."""

    def messages(self) -> list[Message]:
        """What is said to the model."""
        return [
            Message("system", self.llm.prompts.get("answer", marker=self.shown.marker)),
            Message("user", f"The passages:\n{self._told}\n\nQuestion: {for_prompt(self.ledger.question.text)}"),
        ]

    def add(self, piece: str) -> list[Piece | Citation]:
        """What a piece of the reply makes of the answer."""
        return [out for part in self._filter.feed(piece) for out in self._out(part)]

    def end(self) -> list[Piece | Citation]:
        """What was held back."""
        outs = [out for part in self._filter.end() for out in self._out(part)]
        return outs if self._is_none() else [*outs, *self._passed_on()]

    def _out(self, part: str | Mark) -> list[Piece | Citation]:
        if isinstance(part, str):
            self.text += part
            # Held back while it may still turn out to be no answer.
            return [] if self._is_none() or NOT_IN_EVIDENCE.startswith(self._beginning()) else self._passed_on()
        if self._is_none():
            return []
        outs = self._passed_on()
        for number in part.passages:
            id_ = self.shown.id_of(f"P{number}")
            if id_ is None:
                continue
            if id_ not in self.citations:
                self.citations[id_] = self._cite(id_, len(self.citations) + 1)
                outs.append(self.citations[id_])
            marker = f"[{self.citations[id_].id}]"
            if not self.text.endswith(marker):
                self.text += marker
                outs += self._passed_on()
        return outs

    def _passed_on(self) -> list[Piece | Citation]:
        """What of the text was not passed on yet; an answer begins with no space."""
        text = self.text[self._passed :] if self._passed else self.text.lstrip()
        self._passed = len(self.text)
        return [Piece(text)] if text else []

    def _beginning(self) -> str:
        return self.text.lstrip(" *\n").upper()

    def _is_none(self) -> bool:
        return self._beginning().startswith(NOT_IN_EVIDENCE)

    @property
    def missing(self) -> str | None:
        """What the evidence lacks, if the model says that it does not hold the answer."""
        if not self._is_none():
            return None
        return short(self.text.lstrip(" *\n")[len(NOT_IN_EVIDENCE) :].lstrip(" :*"), 300) or "the answer"

    def _cite(self, id_: str, number: int) -> Citation:
        candidate = self.ledger.candidates[id_]
        sentence = split_sentences(self.text)
        said = self.text[sentence[-1][0] : sentence[-1][1]] if sentence else self.ledger.question.text
        return cite(candidate, best_sentence(candidate, said), number, candidate.best_sentence)


def best_sentence(candidate: Candidate, said: str) -> Span:
    """The sentence of a passage that holds most of the words of what is said; among equals the one nearest to the question."""
    chunk = candidate.chunk
    spans = chunk.spans
    wanted = frozenset(terms(said))
    held = [len(wanted.intersection(terms(chunk.between(*span)))) for span in spans]
    best = max(range(len(spans)), key=lambda place: (held[place], candidate.sentences[place], -place))
    return spans[best]


def _fitting(ledger: Ledger, ids: Sequence[str], llm: "LanguageModel") -> list[str]:
    """As many of the passages as the model's context has room for, at least one."""
    room = llm.chat.context_tokens - llm.output_tokens - estimate_tokens(ledger.question.text) - 500
    kept: list[str] = []
    for id_ in ids:
        room -= estimate_tokens(ledger.candidates[id_].chunk.text) + 30
        if kept and room < 0:
            break
        kept.append(id_)
    return kept


async def _checked(made: _Writing, encoder: PassageEncoder) -> Written:
    if (missing := made.missing) is not None:
        return Written("", (), (), missing)
    text = made.text.strip()
    citations = tuple(made.citations.values())
    chunk_of = {citation.id: citation.chunk_id for citation in citations}
    sentences = _claims(text, chunk_of)
    cited = [[chunk_of[number] for number in numbers] for _, numbers in sentences]
    found = await supports(made.ledger, encoder, [(said, ids) for (said, _), ids in zip(sentences, cited, strict=True)])
    claims = [
        Claim(said, numbers, support.holds, round(min(1.0, max(support.words, support.similarity)), 4))
        for (said, numbers), support in zip(sentences, found, strict=True)
    ]
    if made.llm.verify:
        claims = await _verified(made, claims, cited)
    return Written(text, citations, tuple(claims))


def _claims(text: str, known: Container[int]) -> list[tuple[str, tuple[int, ...]]]:
    """The sentences of an answer with the citations of each, of those that are known: other numbers in brackets are the model's.
    What cites only, "[2]" after the full stop, belongs to the sentence before it.
    """
    found: list[tuple[str, tuple[int, ...]]] = []
    for start, end in split_sentences(text):
        said = text[start:end]
        numbers = tuple(number for number in _numbers(said) if number in known)
        if found and not any(character.isalpha() for character in said):
            before, own = found[-1]
            found[-1] = (f"{before} {said}", tuple(dict.fromkeys((*own, *numbers))))
        else:
            found.append((said, numbers))
    return found


def _numbers(said: str) -> tuple[int, ...]:
    parts = [part.partition("]")[0] for part in said.split("[")[1:]]
    return tuple(dict.fromkeys(int(part) for part in parts if part.isdecimal()))


async def _verified(made: _Writing, claims: list[Claim], cited: Sequence[Sequence[str]]) -> list[Claim]:
    """The claims after the model has looked at those that code found supported; unchanged if it cannot be asked."""
    asked = [place for place, claim in enumerate(claims) if claim.supported]
    if not asked:
        return claims
    shown = Shown()
    ids = list(dict.fromkeys(id_ for place in asked for id_ in cited[place]))
    told = shown.told([made.ledger.candidates[id_] for id_ in ids], new=len(ids))
    lines = [
        f"{number}. {for_prompt(claims[place].text)} (cites {', '.join(f'P{shown.number(id_)}' for id_ in cited[place])})"
        for number, place in enumerate(asked, start=1)
    ]
    said = [
        Message("system", made.llm.prompts.get("verify", marker=shown.marker)),
        Message("user", f"The passages:\n{told}\n\nThe sentences:\n" + "\n".join(lines)),
    ]
    try:
        checked = await made.llm.chat.structured(said, Checked, max_tokens=made.llm.room_for(CHECK_TOKENS))
        if len(checked.supported) != len(asked):
            raise ModelOutputError(f"{len(checked.supported)} of {len(asked)} sentences were checked")
    except ModelError as exc:
        note_degraded("checking", exc)
        return claims
    refused = {place for place, good in zip(asked, checked.supported, strict=True) if not good}
    return [replace(claim, supported=False) if place in refused else claim for place, claim in enumerate(claims)]
