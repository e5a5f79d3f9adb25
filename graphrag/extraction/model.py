"""Extraction with a language model, beside another extractor that finds what can be found without one.

One call a chunk, told title and headings. Replies are kept (graphrag.llm.replies) the moment they come, so a run that is
broken off, a retry and a document that changed in part pay only for what is new. A chunk for which the model gives no
usable reply keeps what the other extractor found, and says so.
"""

import asyncio
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import ValidationError

from graphrag.errors import ContextOverflowError, GraphRAGError, ModelDeniedError, ModelOutputError, ModelRefusedError
from graphrag.extraction import ChunkText, Contribution, DocumentText, Extractor
from graphrag.extraction.grounding import GROUNDING_VERSION, Found, contribution, reply_shape
from graphrag.extraction.schema import DEFAULT_SCHEMA, ExtractionSchema
from graphrag.llm.chat_types import Message
from graphrag.llm.replies import Replies
from graphrag.llm.schema import response_format, told
from graphrag.llm.usage import TOKENS_PER_MESSAGE, Usage, estimate_tokens, used
from graphrag.types import stable_id

if TYPE_CHECKING:
    from graphrag.llm.model import LanguageModel

REFUSALS = 3
"""So many refused requests in a row mean that the model refuses everything, not the text of one chunk."""
_MESSAGES = 3
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the model is to be asked."""

    tenant: str
    key: str
    """Under which the reply is kept: a hash of all that decides what it will be."""
    said: tuple[Message, ...]


class ModelExtractor:
    """Extractor over a chat model.

    Args:
        beside: finds what needs no model; all of it stays.
        replies: where replies are kept.
        concurrency: of the model's server. One place is left to questions, where there are several.
    """

    def __init__(
        self,
        beside: Extractor,
        llm: "LanguageModel",
        replies: Replies,
        *,
        schema: ExtractionSchema = DEFAULT_SCHEMA,
        concurrency: int = 4,
    ) -> None:
        self._beside = beside
        self._llm = llm
        self._replies = replies
        self._schema = schema
        self._most = max(1, concurrency - 1)
        self._room = asyncio.Semaphore(self._most)
        """Of all runs together."""
        self._shape = reply_shape(schema, llm.output_tokens)
        self._refused = 0

    @property
    def fingerprint(self) -> str:
        """See Extractor.fingerprint."""
        return f"{self._beside.fingerprint}+{self._method}/{GROUNDING_VERSION}"

    @property
    def _method(self) -> str:
        chat, prompts = self._llm.chat, self._llm.prompts
        return f"llm/{chat.preset.name}/{chat.model}/{prompts.version('extract')}/{self._schema.fingerprint}"

    async def extract(self, documents: Sequence[DocumentText]) -> list[list[Contribution]]:
        """See Extractor.extract.

        Raises:
            BudgetError: what was replied until then is kept.
            ModelUnavailableError, ModelRefusedError: the model does not answer, or refuses whatever it is asked.
        """
        asked = [[self._asked(document, chunk) for chunk in document.chunks] for document in documents]
        beside, replied = await asyncio.gather(
            self._beside.extract(documents), self._all_replies(asked), return_exceptions=True
        )
        if isinstance(beside, BaseException):
            raise beside
        if isinstance(replied, BaseException):
            raise replied
        return await asyncio.to_thread(self._grounded, documents, asked, beside, replied)

    async def estimate(self, documents: Sequence[DocumentText]) -> Usage:
        """See Extractor.estimate: replies that are kept cost nothing."""
        asked = [self._asked(document, chunk) for document in documents for chunk in document.chunks]
        kept = await self._kept(asked)
        told_schema = estimate_tokens(*self._told_schema())
        total = Usage()
        for one in {one.key: one for one in asked if one.key not in kept}.values():
            given = estimate_tokens(*(message.text for message in one.said)) + told_schema
            total += used(self._llm.chat.price, given + TOKENS_PER_MESSAGE * _MESSAGES, self._llm.output_tokens)
        return total

    def _told_schema(self) -> Sequence[str]:
        preset = self._llm.chat.preset
        if preset.json_schema:
            return [json.dumps(response_format(self._shape, strict=preset.strict))]
        return [told(self._shape)]

    def _asked(self, document: DocumentText, chunk: ChunkText) -> _Asked:
        context = f"Title: {document.title}\nHeadings: {' > '.join(chunk.headings)}\nPassage:\n{chunk.text}"
        # Nobody can write a text that holds a hash of itself, so no text can end the block that it stands in.
        marker = f"=== {stable_id('marker', context)[:16]} ==="
        rules = self._llm.prompts.get(
            "extract", types=self._schema.entities_told, relations=self._schema.relations_told, marker=marker
        )
        said = (Message("system", rules), Message("user", f"{marker}\n{context}\n{marker}"))
        return _Asked(document.tenant, stable_id("extract", self._method, context), said)

    async def _kept(self, asked: Sequence[_Asked]) -> dict[str, Found]:
        """Replies that are kept, by key; one that cannot be read any more is none."""
        kept: dict[str, Found] = {}
        for tenant in sorted({one.tenant for one in asked}):
            keys = list(dict.fromkeys(one.key for one in asked if one.tenant == tenant))
            for key, text in (await self._replies.replies(tenant, keys)).items():
                try:
                    kept[key] = Found.model_validate_json(text)
                except ValidationError:
                    _log.warning("a kept reply of the model cannot be read, the model is asked again: key %s", key)
        return kept

    async def _all_replies(self, documents: Sequence[Sequence[_Asked]]) -> dict[str, Found | str]:
        """A reply for each key, or why there is none."""
        asked = [one for chunks in documents for one in chunks]
        replied: dict[str, Found | str] = {**await self._kept(asked)}
        remaining = iter({one.key: one for one in asked if one.key not in replied}.values())
        stopped: list[GraphRAGError] = []
        # Whoever is under way when another one is stopped still ends: its reply is paid for.
        await asyncio.gather(*(self._work(remaining, replied, stopped) for _ in range(self._most)))
        if stopped:
            raise stopped[0]
        return replied

    async def _work(
        self, remaining: Iterator[_Asked], replied: dict[str, Found | str], stopped: list[GraphRAGError]
    ) -> None:
        for one in remaining:
            if stopped:
                return
            try:
                replied[one.key] = await self._ask(one)
                self._refused = 0
            except (ModelOutputError, ContextOverflowError) as exc:
                replied[one.key] = self._reason(exc)
            except ModelRefusedError as exc:
                self._refused += 1
                if self._refused >= REFUSALS or isinstance(exc, ModelDeniedError):
                    stopped.append(exc)
                    return
                replied[one.key] = self._reason(exc)
            except GraphRAGError as exc:
                stopped.append(exc)
                return

    def _reason(self, exc: GraphRAGError) -> str:
        """Why there is no reply, without the server's address: those who submit jobs need not be those who run the service."""
        return str(exc).replace(self._llm.chat.endpoint.name, "the model's server")

    async def _ask(self, one: _Asked) -> Found:
        async with self._room:
            found = await self._llm.chat.structured(one.said, self._shape, max_tokens=self._llm.output_tokens)
        # Goes through also when the run is being cancelled: the reply is paid for.
        keeping = asyncio.ensure_future(self._replies.keep_reply(one.tenant, one.key, found.model_dump_json()))
        try:
            await asyncio.shield(keeping)
        except asyncio.CancelledError:
            await asyncio.wait([keeping])
            raise
        return found

    def _grounded(
        self,
        documents: Sequence[DocumentText],
        asked: Sequence[Sequence[_Asked]],
        beside: Sequence[Sequence[Contribution]],
        replied: Mapping[str, Found | str],
    ) -> list[list[Contribution]]:
        return [
            [
                self._of_chunk(document, chunk, ours, replied[one.key])
                for chunk, one, ours in zip(document.chunks, chunks, others, strict=True)
            ]
            for document, chunks, others in zip(documents, asked, beside, strict=True)
        ]

    def _of_chunk(
        self, document: DocumentText, chunk: ChunkText, ours: Contribution, replied: Found | str
    ) -> Contribution:
        if isinstance(replied, str):
            return Contribution(ours.mentions, ours.relations, replied)
        return contribution(document.id, document.tenant, chunk, ours, replied, self._schema)
