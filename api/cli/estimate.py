"""`graphrag ingest --estimate`: what an ingest would use of the language model."""

import asyncio
import tempfile
from collections.abc import Collection, Mapping, Sequence
from typing import cast
from urllib.parse import quote

from api.cli.options import lacks_store
from api.cli.output import counted, line, say
from graphrag.bootstrap import open_knowledge_base
from graphrag.estimating import Estimate, estimate_documents
from graphrag.knowledge import KnowledgeBase
from graphrag.settings import Settings
from graphrag.sources import Sources, by_suffix, open_sources
from graphrag.types import Metadata, Scope

SHOWN_LINKS = 5


def run_estimate(
    settings: Settings,
    scope: Scope,
    sources: Sources,
    *,
    access: str,
    metadata: Metadata,
    folders: Collection[str],
) -> Mapping[str, object]:
    """The estimate as JSON, with the price and what the budget of a job says.

    Where there is no store yet, none is left behind: other commands would take it for a knowledge base.
    """
    if not lacks_store(settings):
        return asyncio.run(_estimated(settings, scope, sources, access, metadata, folders))
    with tempfile.TemporaryDirectory(prefix="graphrag-estimate-") as scratch:
        empty = settings.model_copy(update={"store_url": f"sqlite:///{quote(scratch)}/empty.db"})
        return asyncio.run(_estimated(empty, scope, sources, access, metadata, folders))


async def _estimated(
    settings: Settings, scope: Scope, sources: Sources, access: str, metadata: Metadata, folders: Collection[str]
) -> Mapping[str, object]:
    async with open_knowledge_base(settings) as kb:
        with open_sources(
            sources.files, max_document_bytes=kb.max_document_bytes, parse_seconds=kb.parse_seconds
        ) as documents:
            found = await estimate_documents(kb, scope, documents, access=access, metadata=metadata, folders=folders)
        return {**_to_json(kb, settings, found), "left_out": list(sources.left_out), "links": list(sources.links)}


def _to_json(kb: KnowledgeBase, settings: Settings, found: Estimate) -> Mapping[str, object]:
    model = kb.llm.chat if kb.llm is not None and settings.extractor == "llm" else None
    return {
        "documents": found.documents,
        "unchanged": found.unchanged,
        "failed": found.failed,
        "chunks": found.chunks,
        "model": model.model if model is not None else None,
        "calls": found.usage.calls,
        "input_tokens": found.usage.input_tokens,
        "output_tokens": found.usage.output_tokens,
        "dollars": found.usage.dollars if found.priced else None,
        "over_budget": kb.limits.job.exceeded_by(found.usage),
    }


def print_estimate(told: Mapping[str, object]) -> None:
    """An estimate for people."""
    say(
        f"{counted(cast(int, told['documents']), 'document')} to store ({counted(cast(int, told['chunks']), 'chunk')}), "
        f"{told['unchanged']:,} unchanged, "
        f"{told['failed']:,} that cannot be read"
    )
    say_left_out(cast(list[str], told["left_out"]), cast(list[str], told["links"]))
    if told["model"] is None:
        line("No language model extracts (GRAPHRAG_EXTRACTOR=spacy): it costs nothing")
        return
    line(f"Calls of {told['model']}   {told['calls']:,} (replies that are kept are left out)")
    line(f"Input tokens        about {told['input_tokens']:,}")
    line(f"Output tokens       at most {told['output_tokens']:,}")
    dollars = told["dollars"]
    cost = "not known: set GRAPHRAG_LLM_INPUT_PRICE and GRAPHRAG_LLM_OUTPUT_PRICE" if dollars is None else f"at most {dollars:,.4f} US dollars"  # fmt: skip
    line(f"Cost                {cost}")
    line("Calls that have to be repeated come on top.")
    if told["over_budget"]:
        line(f"The budget of a job may not suffice: {told['over_budget']}", "red")


def say_left_out(sources: Sequence[str], links: Sequence[str]) -> None:
    """Which files and links of a folder are not read, if there are any."""
    if sources:
        say(f"Left out, since they cannot be read here: {by_suffix(sources)}")
    if links:
        some = ", ".join(links[:SHOWN_LINKS]) + (
            f" and {len(links) - SHOWN_LINKS:,} more" if links[SHOWN_LINKS:] else ""
        )
        say(f"Not followed, since they lead to a folder, out of the given one or to nothing: symbolic links {some}")
