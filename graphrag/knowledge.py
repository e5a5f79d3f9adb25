"""The opened parts of a knowledge base as one value."""

from dataclasses import dataclass

from graphrag.analysis import ANALYSIS_VERSION
from graphrag.chunking import CHUNKING_VERSION
from graphrag.embedding import Embedder, PassageEncoder
from graphrag.extraction import Extractor
from graphrag.stores.base import GraphStore
from graphrag.stores.system import SystemStore
from graphrag.types import stable_id


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

    @property
    def pipeline(self) -> str:
        """Fingerprint of everything that turns a document into what is stored."""
        return stable_id(
            "pipeline",
            ANALYSIS_VERSION,
            CHUNKING_VERSION,
            self.chunk_tokens,
            self.chunk_overlap,
            self.embedder.fingerprint,
            self.encoder.fingerprint,
            self.extractor.fingerprint,
        )
