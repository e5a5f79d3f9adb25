"""`graphrag ask`: answer a question with citations."""

import asyncio
from dataclasses import dataclass, replace
from typing import Annotated

import typer

from agent.types import Answer, Mode
from api.cli.answers import answer_to_json, print_answer
from api.cli.options import (
    MAX_RESULTS,
    AccessOption,
    FilterOption,
    JsonOption,
    TenantOption,
    filter_of,
    require_store,
    scope_of,
)
from api.cli.output import print_json, say, waiting
from api.modes import agent_for, budget_within
from graphrag.bootstrap import open_knowledge_base
from graphrag.errors import NotFoundError
from graphrag.filters import Filter
from graphrag.retrieval.question import check_question
from graphrag.settings import Settings, load_settings
from graphrag.types import Chunk, Scope


@dataclass(frozen=True, slots=True)
class Asked:
    """An answer with the passages that were asked for."""

    answer: Answer
    passages: tuple[Chunk, ...]
    """Best first."""


def ask(
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="What you want to know, in quotes.")],
    tenant: TenantOption = "default",
    access: AccessOption = "*",
    filter: FilterOption = "",
    mode: Annotated[Mode, typer.Option("--mode", help="The agent, or one search alone.")] = "agent",
    top_k: Annotated[
        int,
        typer.Option(
            "--top-k", "-k", metavar="N", min=0, max=MAX_RESULTS, help="List so many of the best passages too."
        ),
    ] = 0,
    model: Annotated[
        bool, typer.Option("--model/--no-model", help="Let the configured language model, if any, plan and write.")
    ] = True,
    as_json: JsonOption = False,
) -> None:
    """Answer a question with citations.

    The steps that found the evidence are shown too, and what joins the cited passages.
    """
    question = check_question(question)
    scope = scope_of(tenant, access)
    settings = load_settings()
    wanted = filter_of(filter, settings.filter_fields)
    require_store(settings)
    with waiting("Searching", silent=as_json):
        asked = asyncio.run(run_ask(settings, scope, question, mode=mode, filter=wanted, top_k=top_k, model=model))
    if as_json:
        print_json(answer_to_json(asked.answer, asked.passages))
    else:
        if asked.answer.question != question:
            say(f"Read as: {asked.answer.question}")
        print_answer(asked.answer, asked.passages)


async def run_ask(
    settings: Settings,
    scope: Scope,
    question: str,
    *,
    mode: Mode = "agent",
    filter: Filter | None = None,
    top_k: int = 0,
    model: bool = True,
) -> Asked:
    """Answer a question from the configured knowledge base.

    Raises:
        NotFoundError: the scope sees no document at all.
    """
    async with open_knowledge_base(settings) as kb:
        if not (await kb.store.documents(scope, limit=1)):
            raise NotFoundError(
                f"the knowledge base at {kb.store.location} holds nothing for tenant {scope.tenant!r} with access "
                f"{', '.join(sorted(scope.access))}: run 'graphrag ingest FOLDER' first, or check --tenant and --access"
            )
        agent = replace(agent_for(kb, mode, model=model), budget=budget_within(settings.question_seconds))
        answer = await agent.run(scope, question, filter)
        passages = await kb.store.chunks(scope, [ranked.chunk_id for ranked in answer.ranked[:top_k]], filter)
        return Asked(answer, tuple(passages))
