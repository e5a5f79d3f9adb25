"""What is known of embedding models behind a protocol: their dimensions and what they want to be told of a text."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from graphrag.errors import ConfigError


@dataclass(frozen=True, slots=True)
class EmbeddingModel:
    """A model. Its prefixes stand before each text, for those that were trained with them."""

    dimension: int
    query_prefix: str = ""
    document_prefix: str = ""
    shortens: bool = False
    """Whether it gives shorter vectors on demand, of which the first numbers say the most."""
    cornered: bool = False
    """Whether it has all texts in one corner, so that its vectors are to be centred (graphrag.embedding.centring)."""
    scale: float = 1.0
    """See Embedder.scale. 1.4 for E5: the cosines of the questions and passages of HotpotQA, and of MuSiQue, have a standard deviation
    of 0.07 with e5-small-v2 when centred, and of 0.095 with the shipped model."""
    encodes: bool = False
    """Whether it gives vectors of sentences from a passage's own pass that are worth as much as the shipped model's."""


_E5 = EmbeddingModel(384, "query: ", "passage: ", cornered=True, scale=1.4, encodes=True)
_BGE = "Represent this sentence for searching relevant passages: "

MODELS: Mapping[str, EmbeddingModel] = {
    "text-embedding-3-small": EmbeddingModel(1536, shortens=True),
    "text-embedding-3-large": EmbeddingModel(3072, shortens=True),
    "text-embedding-ada-002": EmbeddingModel(1536),
    "gemini-embedding-001": EmbeddingModel(3072, shortens=True),
    "mistral-embed": EmbeddingModel(1024),
    "embed-v4": EmbeddingModel(1536, shortens=True),
    "embed-english-v3": EmbeddingModel(1024),
    "embed-english-light-v3": EmbeddingModel(384),
    "embed-multilingual-v3": EmbeddingModel(1024),
    "embed-multilingual-light-v3": EmbeddingModel(384),
    "nomic-embed-text": EmbeddingModel(768, "search_query: ", "search_document: "),
    "mxbai-embed-large": EmbeddingModel(1024, _BGE),
    "bge-small-en": EmbeddingModel(384, _BGE, cornered=True),
    "bge-base-en": EmbeddingModel(768, _BGE, cornered=True),
    "bge-large-en": EmbeddingModel(1024, _BGE, cornered=True),
    "bge-m3": EmbeddingModel(1024),
    "e5-small": _E5,
    "e5-base": replace(_E5, dimension=768),
    "e5-large": replace(_E5, dimension=1024),
    "multilingual-e5-small": _E5,
    "multilingual-e5-base": replace(_E5, dimension=768),
    "multilingual-e5-large": replace(_E5, dimension=1024),
}
"""By how names begin, after the owner: `nomic-ai/nomic-embed-text-v1.5` and `nomic-embed-text:latest` are one."""


def embedding_model(
    name: str, *, dimensions: int = 0, query_prefix: str | None = None, document_prefix: str | None = None
) -> EmbeddingModel:
    """What is known of a model, with what the settings say instead.

    Args:
        name: at the server.
        dimensions: 0 for the model's own.
        query_prefix: None for the model's own.
        document_prefix: None for the model's own.

    Raises:
        ConfigError: the model is not known here and `dimensions` is 0, or it has no vectors of so many numbers.
    """
    short = name.lower().rsplit("/", 1)[-1]
    fitting = [known for known in MODELS if short.startswith(known)]
    if fitting:
        model = MODELS[max(fitting, key=len)]
    elif dimensions:
        model = EmbeddingModel(dimensions)
    else:
        raise ConfigError(
            f"the embedding model {name!r} is not known here: set GRAPHRAG_EMBEDDING_DIMENSIONS to how many numbers its "
            f"vectors have, and GRAPHRAG_EMBEDDING_QUERY_PREFIX and GRAPHRAG_EMBEDDING_DOCUMENT_PREFIX if it wants any"
        )
    wanted = dimensions or model.dimension
    if wanted != model.dimension and not (model.shortens and wanted < model.dimension):
        shorter = " or fewer" if model.shortens else ""
        raise ConfigError(
            f"GRAPHRAG_EMBEDDING_DIMENSIONS={wanted}, but vectors of {name!r} have {model.dimension} numbers{shorter}"
        )
    return replace(
        model,
        dimension=wanted,
        query_prefix=model.query_prefix if query_prefix is None else query_prefix,
        document_prefix=model.document_prefix if document_prefix is None else document_prefix,
    )
