"""The opened parts of a knowledge base as one value."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from graphrag.analysis import ANALYSIS_VERSION
from graphrag.chunking import CHUNKING_VERSION
from graphrag.embedding import Embedder, PassageEncoder
from graphrag.extraction import Extractor
from graphrag.llm.usage import Account, Limit, Limits, Purse
from graphrag.stores.base import GraphStore
from graphrag.stores.system import SystemStore
from graphrag.types import stable_id

if TYPE_CHECKING:
    from graphrag.llm.model import LanguageModel
    from graphrag.llm.rerank import Reranker


@dataclass(frozen=True, slots=True)
class KnowledgeBase:
    """What ingesting and querying need. Opened by graphrag.bootstrap, shared by all tasks of one event loop."""

    store: GraphStore
    system: SystemStore
    embedder: Embedder
    encoder: PassageEncoder
    extractor: Extractor
    chunk_tokens: int
    chunk_overlap: int
    max_document_bytes: int
    parse_seconds: float
    filter_fields: frozenset[str]
    llm: "LanguageModel | None" = None
    """None where no language model is configured: everything works, with quotations as answers."""
    reranker: "Reranker | None" = None
    """None where none is configured: hits stay in the order of the search."""
    limits: Limits = field(default_factory=Limits)

    def purse(self, tenant: str, *, key: str = "", job: str = "") -> Purse:
        """Pays for the model calls of an answer (of a key, if there is one) or of a job, within the budgets."""
        charged: list[tuple[Account, Limit]] = [(Account("total"), self.limits.total)]
        if key:
            charged.append((Account("key", tenant, key), self.limits.key))
        if job:
            charged.append((Account("job", tenant, job), self.limits.job))
        return Purse(self.system, Limit() if job else self.limits.answer, charged)

    @property
    def pipeline(self) -> str:
        """Fingerprint of everything that turns a document into what is stored."""
        return self.pipeline_with(self.embedder.fingerprint)

    def pipeline_with(self, embedder: str) -> str:
        """The pipeline as it were with another embedder, by its fingerprint."""
        return stable_id(
            "pipeline",
            ANALYSIS_VERSION,
            CHUNKING_VERSION,
            self.chunk_tokens,
            self.chunk_overlap,
            embedder,
            self.encoder.fingerprint,
            self.extractor.fingerprint,
        )
