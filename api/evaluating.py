"""Running an evaluation: who answers in which mode, in a store that is cleaned up afterwards."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from agent.loop import ALL_TOOLS, Agent
from agent.search import search
from agent.tools import GRAPH_TOOLS, TOOLS
from agent.types import Answer, Budget
from api.modes import agent_for
from graphrag.bootstrap import open_knowledge_base
from graphrag.errors import ConfigError, InputError
from graphrag.evaluation.beir import Dataset
from graphrag.evaluation.runner import Ask, Retrieved, evaluate, ingest_dataset, refusal_of
from graphrag.knowledge import KnowledgeBase
from graphrag.retrieval.weights import TERMS, WEIGHTS, Weights
from graphrag.settings import Settings
from graphrag.stores.trips import count_round_trips
from graphrag.types import Scope, Tool

MODES_OF_ALL = ("keyword", "vector", "hybrid", "graph", "agent", "agent-without-graph")
"""What `all` stands for where no language model is configured."""
MODES = (*MODES_OF_ALL, "agent-with-model")
DEPTH, MAX_DEPTH = 20, 320
"""Chunks taken from a single tool; up to the other number where these are of fewer than PASSAGES passages."""
PASSAGES = 10
"""Distinct passages that the scores look at."""
_NOT_IN_A_LABEL = re.compile(r"[^A-Za-z0-9._-]")
_SOURCE = re.compile(r"[0-9a-f]{32}")
"""Of a passage that an evaluation has stored."""

Stage = Callable[[str, int], Callable[[], None]]
"""(what is being done, how many steps) -> to be called after each step."""


@dataclass(frozen=True, slots=True)
class Variant:
    """What is switched off, to see what it adds: terms of chain search, tools of the agent."""

    weights: Weights = WEIGHTS
    tools: frozenset[str] = ALL_TOOLS
    budget: Budget = field(default_factory=Budget)
    """Of answers with a language model."""


def variant_without(names: Sequence[str]) -> Variant:
    """The variant without terms and tools of these names.

    Raises:
        InputError: a name is neither; says which there are.
    """
    weights, tools = WEIGHTS, set(ALL_TOOLS)
    for name in names:
        if name in TOOLS:
            tools.discard(name)
        elif name in TERMS:
            weights = weights.without(name)
        else:
            raise InputError(
                f"--without {name}: choose among the terms {', '.join(TERMS)} and the tools {', '.join(TOOLS)}"
            )
    return Variant(weights, frozenset(tools))


async def run_evaluation(
    dataset: Dataset,
    modes: Sequence[str],
    *,
    seed: int,
    settings: Settings,
    clean_up: bool,
    stage: Stage,
    variant: Variant,
    reranked: bool,
) -> dict[str, Any]:
    """Ingest a dataset's passages into a fresh store, ask its questions in each mode, and return the report.

    Args:
        settings: `store_url` names the store.
        clean_up: whether to delete the passages from the store afterwards, also when something failed.
        reranked: whether to use the configured re-ranking model, which is left out otherwise.

    Raises:
        ConfigError: there is none.
        InputError: the store holds other documents under the dataset's tenant, a passage could not be ingested, a mode needs
            what is not configured, or another evaluation of the dataset uses the store.
    """
    async with open_knowledge_base(settings) as opened:
        kb = opened if reranked else replace(opened, reranker=None)
        if reranked and kb.reranker is None:
            raise ConfigError("--rerank needs a re-ranking model: set GRAPHRAG_RERANKER and GRAPHRAG_RERANK_MODEL")
        scope = Scope(tenant=_NOT_IN_A_LABEL.sub("-", f"eval-{dataset.name}")[:60])
        asks = {mode: _ask(kb, scope, mode, variant) for mode in modes}
        if await kb.store.documents(scope, limit=1):
            stage("remove what a run that was killed has left", 1)
            await _clean_up(kb, scope)
        try:
            begun = {"dataset": dataset.name, "store": settings.store_url.partition(":")[0], "seed": seed}
            return begun | await _ingest_and_ask(kb, scope, dataset, asks, seed=seed, stage=stage)
        finally:
            if clean_up:
                await _clean_up(kb, scope)


async def _ingest_and_ask(
    kb: KnowledgeBase, scope: Scope, dataset: Dataset, asks: Mapping[str, Ask], *, seed: int, stage: Stage
) -> dict[str, Any]:
    tick = stage(f"ingest {len(dataset.passages)} passages of {dataset.name}", len(dataset.passages))
    indexed = await ingest_dataset(kb, scope, dataset, seed=seed, progress=lambda _: tick())
    count = len(indexed.document_ids)
    await _check_stored(kb, scope, count)
    results: dict[str, object] = {}
    for mode, ask in asks.items():
        tick = stage(f"ask {len(dataset.queries)} questions, mode {mode}", len(dataset.queries))
        results[mode] = await evaluate(dataset, indexed, ask, progress=tick)
    await _check_stored(kb, scope, count)
    return {
        "indexing": {
            "passages": count,
            "seconds": round(indexed.seconds, 2),
            "passages_per_second": round(count / indexed.seconds, 2),
        },
        "modes": results,
        "notes": [*dataset.notes, *_left_out(dataset, count)],
    }


def _left_out(dataset: Dataset, indexed: int) -> Iterator[str]:
    """What of a dataset could not be found or asked, told for people."""
    if empty := len(dataset.passages) - indexed:
        yield f"passages without a text and a title, which cannot be found: {empty}"
    if refused := [reason for query in dataset.queries if (reason := refusal_of(query.text))]:
        yield f"questions that are refused, and count as nothing found: {len(refused)}, the first because {refused[0]}"


async def _check_stored(kb: KnowledgeBase, scope: Scope, count: int) -> None:
    """Refuse to go on with scores from a store that has lost passages.

    Raises:
        InputError: it has, since another run began anew.
    """
    if (await kb.store.statistics(scope)).documents != count:
        raise InputError(
            f"another evaluation uses tenant {scope.tenant!r} of {kb.store.location}: run one after the other, "
            "or name another store"
        )


async def _clean_up(kb: KnowledgeBase, scope: Scope) -> None:
    """Delete every passage of the scope; a run that failed may have stored only some.

    Raises:
        InputError: a document there is no passage of an evaluation, and may be wanted.
    """
    while stored := await kb.store.documents(scope, limit=500):
        other = next((document.source for document in stored if not _SOURCE.fullmatch(document.source)), None)
        if other is not None:
            raise InputError(
                f"{kb.store.location} holds {other[:80]!r} in tenant {scope.tenant!r}, which no evaluation "
                "stored: name another store"
            )
        await kb.store.delete_documents(scope, [document.id for document in stored])


def chosen_modes(settings: Settings, chosen: Sequence[str]) -> tuple[str, ...]:
    """The modes that were chosen, each once, with those that `all` stands for.

    Raises:
        InputError: there is no such mode.
    """
    unknown = next((mode for mode in chosen if mode not in (*MODES, "all")), None)
    if unknown is not None:
        raise InputError(f"unknown mode {unknown!r}: choose one of {', '.join(MODES)}, or all")
    every = MODES if settings.llm_provider else MODES_OF_ALL
    return tuple(dict.fromkeys(name for mode in chosen for name in (every if mode == "all" else (mode,))))


def _ask(kb: KnowledgeBase, scope: Scope, mode: str, variant: Variant) -> Ask:
    match mode:
        case "agent":
            return _ask_agent(Agent(kb, tools=variant.tools, weights=variant.weights), scope)
        case "agent-without-graph":
            return _ask_agent(Agent(kb, tools=variant.tools - GRAPH_TOOLS, weights=variant.weights), scope)
        case "agent-with-model":
            if kb.llm is None:
                raise InputError(
                    "mode agent-with-model needs a language model: set GRAPHRAG_LLM_PROVIDER and GRAPHRAG_LLM_MODEL"
                )
            agent = replace(agent_for(kb, "agent"), tools=variant.tools, weights=variant.weights, budget=variant.budget)
            return _ask_agent(agent, scope)
        case "keyword" | "vector" | "hybrid" | "graph":
            return _ask_tool(kb, scope, mode, variant.weights)
        case _:
            raise InputError(f"unknown mode {mode!r}: choose one of {', '.join(MODES)} or all")


def _ask_tool(kb: KnowledgeBase, scope: Scope, tool: Tool, weights: Weights) -> Ask:
    # Long passages have many chunks, and one of them can take every place. What was deep enough once is kept, so that the
    # clock counts one search a question. A re-ranking model is given no more than what is set for it.
    depth, deepest = DEPTH, MAX_DEPTH if kb.reranker is None else DEPTH

    async def ask(question: str) -> Retrieved:
        nonlocal depth
        while True:
            with count_round_trips() as trips:
                hits = await search(kb, scope, question, tool, depth, weights=weights)
            chunks = await kb.store.chunks(scope, [hit.chunk_id for hit in hits])
            documents = {chunk.id: chunk.document_id for chunk in chunks}
            if len(set(documents.values())) >= PASSAGES or len(hits) < depth or depth >= deepest:
                return Retrieved([documents[hit.chunk_id] for hit in hits], "", tool, trips.count)
            depth *= 2

    return ask


def _ask_agent(agent: Agent, scope: Scope) -> Ask:
    async def ask(question: str) -> Retrieved:
        answer = await agent.run(scope, question)
        return Retrieved(
            [ranked.document_id for ranked in answer.ranked],
            answer.text if answer.written else " ".join(citation.quote for citation in answer.citations),
            tool_sequence(answer),
            answer.round_trips,
            answer.verdict,
            answer.confidence,
            answer.usage,
            len(answer.degraded),
            answer.short.text if answer.short else "",
        )

    return ask


def tool_sequence(answer: Answer) -> str:
    """The tools of a run in short, for example "vector+keyword > expand"."""
    short = {"vector_search": "vector", "keyword_search": "keyword", "graph_search": "graph", "graph_expand": "expand", "read_chunk": "read", "hypothetical_search": "hyde", "rewritten_search": "rewrite", "decomposed_search": "decompose"}  # fmt: skip
    return " > ".join("+".join(short.get(o.tool, o.tool) for o in step.observations) for step in answer.steps)
