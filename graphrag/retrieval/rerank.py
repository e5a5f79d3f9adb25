"""Re-ranking the hits of a search, with their own order where the model is down."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from graphrag.degraded import note_degraded
from graphrag.embedding import passage_text
from graphrag.errors import ModelError
from graphrag.stores.base import SCORE_DECIMALS, GraphStore
from graphrag.types import Hit, Scope, ranked

if TYPE_CHECKING:
    from graphrag.llm.rerank import Reranker


async def rerank(
    reranker: "Reranker", store: GraphStore, scope: Scope, query: str, hits: Sequence[Hit], k: int
) -> Sequence[Hit]:
    """The k best hits by the model, which reads each passage under its title and heading; ties ascending by id.

    Scores are the model's. If it fails, which is noted as degraded, the first k hits are returned as they are.

    Args:
        reranker: the model.
        store: where the passages are; what the scope does not see any more is left out.
        scope: who asks.
        query: what was searched for.
        hits: of a search, best first, more than `k` of them to choose from.
        k: how many are returned at most.
    """
    chunks = await store.chunks(scope, [hit.chunk_id for hit in hits])
    texts = [passage_text(chunk.breadcrumb, chunk.text) for chunk in chunks]
    try:
        scores = await reranker.rerank(query, texts)
    except ModelError as exc:
        # A question is answered without it: worse, and said to be so.
        note_degraded("reranking", exc)
        return hits[:k]
    pairs = zip(chunks, scores, strict=True)
    return ranked((Hit(chunk.id, round(float(score), SCORE_DECIMALS)) for chunk, score in pairs), k)
