"""Following the graph from passages: shared entities and title links."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence

from graphrag.retrieval.chain import FIRST_HOPS, base_scores, common_from, score_chains
from graphrag.retrieval.keyword import keyword_search
from graphrag.retrieval.ledger import MAX_CANDIDATES, Ledger, rarity
from graphrag.retrieval.vector import vector_search
from graphrag.types import Hit

MAX_LINKS = 10
"""Title links out of one passage. Those into it were followed, too, and found nothing more on four corpora and among 50,000
chunks: what names the subject of a passage mentions it, too."""
MENTIONS_OF_NAMED = 8
"""An entity named in the question with more mentions than this is left to ranked search."""
CANDIDATES_PER_SEARCH = 30
"""Hits taken from each of the first searches, also by the agent."""
NEIGHBOURS = 80
"""Passages taken from the first expansion, also by the agent."""
FADING = 0.3
"""How much less what a passage leads to promises for each place that the passage is further down, as 1 / (1 + FADING rank)."""


async def expand(ledger: Ledger, chunk_ids: Sequence[str], limit: int, entity_ids: Sequence[str] = ()) -> list[str]:
    """Look up what joins the given passages to others; returns the `limit` most promising passages that are new, after those that
    mention one of the entities, as far as these are rare (MENTIONS_OF_NAMED), which takes no read of its own.

    A neighbour's promise is the sum over the entities that join it of their rarity, and of 1 for each title link, discounted
    by the rank of the passage it leads from. An entity counts once, from the best passage: a state that most of them name says
    no more than if one does. The joints go into the ledger; the passages do not. Passages that were expanded before are passed
    over.
    """
    fresh = [id_ for id_ in chunk_ids if id_ in ledger.candidates and id_ not in ledger.expanded]
    if not fresh and not entity_ids:
        return []
    ledger.expanded.update(fresh)
    mentions = [mention for id_ in fresh for mention in ledger.candidates[id_].chunk.mentions]
    wanted = dict.fromkeys((*entity_ids, *(mention.entity_id for mention in mentions)))
    unknown = [id_ for id_ in wanted if id_ not in ledger.occurrences]
    most = common_from(ledger.question.statistics.chunks)
    occurrences, links = await asyncio.gather(
        ledger.store.chunks_mentioning(ledger.scope, unknown, most, ledger.filter, rare=True),
        ledger.store.title_links(ledger.scope, fresh, MAX_LINKS, ledger.filter),
    )
    ledger.join(occurrences, links)
    promise: defaultdict[str, float] = defaultdict(float)
    discount = {id_: 1 / (1 + FADING * rank) for rank, id_ in enumerate(fresh)}
    followed: set[str] = set()
    for id_ in fresh:
        for mention in ledger.candidates[id_].chunk.mentions:
            found = ledger.occurrences.get(mention.entity_id)
            if found is not None and 2 <= found.chunk_count <= most and mention.entity_id not in followed:
                followed.add(mention.entity_id)
                worth = discount[id_] * rarity(found.chunk_count)
                for other in found.chunk_ids:
                    promise[other] += worth
    for link in links:
        promise[link.target] += discount[link.source]
    told = [found for id_ in entity_ids if (found := ledger.occurrences.get(id_)) is not None]
    rare = [id_ for found in told if found.chunk_count <= MENTIONS_OF_NAMED for id_ in found.chunk_ids]
    # Of some thousand at a time few are wanted: those that promise too little, even if all candidates promise more, are not sorted.
    totals = sorted(promise.values(), reverse=True)[: limit + len(ledger.candidates)]
    best = sorted(
        (-total, id_) for id_, total in promise.items() if total >= totals[-1] and id_ not in ledger.candidates
    )
    return list(
        dict.fromkeys((*(id_ for id_ in rare if id_ not in ledger.candidates), *(id_ for _, id_ in best[:limit])))
    )


def best_first(ledger: Ledger, k: int) -> list[str]:
    """The k candidates that answer best by themselves, descending by base score, ties ascending by id."""
    ids = list(ledger.candidates)
    base = base_scores(list(ledger.candidates.values()), ledger.weights)
    return [ids[i] for i in sorted(range(len(ids)), key=lambda i: (-base[i], ids[i]))[:k]]


async def graph_search(ledger: Ledger, k: int) -> list[Hit]:
    """One-shot chain search: candidates by vector and keyword, expansion of the best along the graph, chains scored.

    Returns:
        The k best passages with the score of the best chain each stands in.
    """
    question = ledger.question

    async def add_by_words() -> None:
        matching, about = await asyncio.gather(
            keyword_search(
                ledger.store, ledger.scope, question.text, CANDIDATES_PER_SEARCH, ledger.filter, question.statistics
            ),
            ledger.store.chunks_mentioning(
                ledger.scope, [entity.id for entity in question.entities], MENTIONS_OF_NAMED, ledger.filter, rare=True
            ),
        )
        named = [id_ for found in about for id_ in found.chunk_ids]
        ids = [*(hit.chunk_id for hit in matching), *named]
        await ledger.add(ids[: MAX_CANDIDATES - NEIGHBOURS - CANDIDATES_PER_SEARCH])

    near, _ = await asyncio.gather(
        vector_search(ledger.store, ledger.scope, question.vector, CANDIDATES_PER_SEARCH, ledger.filter),
        add_by_words(),
    )
    await ledger.add(hit.chunk_id for hit in near)
    await ledger.add(await expand(ledger, best_first(ledger, FIRST_HOPS), NEIGHBOURS))
    return score_chains(ledger).hits[:k]
