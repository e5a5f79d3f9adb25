"""What is asked of the model, and so paid for: each text once, so many at a time, within a budget."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from graphrag.contributing import document_text
from graphrag.errors import BudgetError, StoreError
from graphrag.extraction.model import ModelExtractor
from graphrag.ingest import describe, prepare
from graphrag.knowledge import KnowledgeBase
from graphrag.llm.calls import within
from graphrag.llm.chat_types import Message
from graphrag.llm.usage import Limit, Limits
from graphrag.types import ALL_ACCESS, Scope
from tests.graphrag.extracting import MODULE, SCOPE, TEXT, document, ingest, opened, spoken, stored
from tests.model_server import ModelServer, hangs, replies


async def test_a_run_that_dies_before_the_document_is_written_does_not_pay_again(
    kb: KnowledgeBase, server: ModelServer, monkeypatch: pytest.MonkeyPatch
):
    server.next(MODULE)
    with monkeypatch.context() as patch:

        async def away(*_: object, **__: object) -> None:
            raise StoreError("the disk is full")

        patch.setattr(type(kb.store), "write_many", away)
        with pytest.raises(StoreError):
            await ingest(kb, document())
    assert await kb.store.documents(SCOPE) == []

    await ingest(kb, document())
    assert len(server.bodies) == 1
    assert spoken(*await stored(kb)) == {("halvorix components", "supplies", "pmx 48")}


async def test_another_process_pays_for_nothing_that_is_kept(server: ModelServer, tmp_path: Path):
    async with opened(server, tmp_path) as kb:
        await ingest(kb, document())
        await kb.store.delete_documents(SCOPE, [(await kb.store.documents(SCOPE))[0].id])
    async with opened(server, tmp_path) as kb:
        await ingest(kb, document())
        assert len(server.bodies) == 1
        # Another tenant has its own.
        await ingest(kb, document(), scope=Scope("other", frozenset({ALL_ACCESS})))
        assert len(server.bodies) == 2
        assert [await kb.system.count_replies(tenant) for tenant in ("default", "other", "third")] == [1, 1, 0]
        assert await kb.system.remove_replies("default") == 1
        await kb.store.delete_documents(SCOPE, [(await kb.store.documents(SCOPE))[0].id])
        await ingest(kb, document())
        assert len(server.bodies) == 3


@pytest.mark.parametrize(
    "change",
    [{"llm_model": "gpt-4o"}, {"llm_provider": "vllm", "llm_model": "gpt-4o-mini"}, "schema", "prompt"],
    ids=str,
)
async def test_another_model_prompt_or_schema_asks_and_stores_anew(
    server: ModelServer, tmp_path: Path, change: dict[str, str] | str
):
    async with opened(server, tmp_path) as kb:
        await ingest(kb, document())
        assert (await ingest(kb, document())).count("unchanged") == 1
    settings: dict[str, Any] = change if isinstance(change, dict) else {}
    if change == "schema":
        settings = {"extraction_schema": tmp_path / "schema.toml"}
        (tmp_path / "schema.toml").write_text('[entities]\nORG = "firms"\n')
    if change == "prompt":
        settings = {"prompts_dir": tmp_path / "prompts"}
        (tmp_path / "prompts").mkdir()
        (tmp_path / "prompts" / "extract.txt").write_text("List {types} and {relations} between {marker}.")
    async with opened(server, tmp_path, **settings) as kb:
        assert (await ingest(kb, document())).count("updated") == 1
    assert len(server.bodies) == 2


async def test_one_text_in_two_documents_is_asked_for_once(kb: KnowledgeBase, server: ModelServer):
    await ingest(kb, document(title="Pumps"), document(source="b.txt", title="Pumps"))
    assert len(server.bodies) == 1


@pytest.mark.parametrize(("concurrency", "most"), [(1, 1), (3, 2)])
async def test_calls_of_all_runs_are_made_at_once_up_to_the_limit_but_for_a_place_that_is_left_to_questions(
    server: ModelServer, tmp_path: Path, concurrency: int, most: int
):
    server.otherwise = replies('{"entities": [], "relations": []}', pause=0.1)
    async with opened(server, tmp_path, llm_concurrency=concurrency) as kb:
        texts = [document(f"{TEXT} Number {n}.", f"{n}.txt") for n in range(6)]
        await asyncio.gather(ingest(kb, *texts[:3]), ingest(kb, *texts[3:]))
    assert server.most_at_once == most


async def test_a_question_does_not_wait_for_extraction(server: ModelServer, tmp_path: Path):
    server.otherwise = hangs()
    async with opened(server, tmp_path, llm_concurrency=2, llm_seconds=60.0) as kb:
        assert kb.llm is not None
        ingesting = asyncio.create_task(ingest(kb, *(document(f"{TEXT} Number {n}.", f"{n}.txt") for n in range(3))))
        while not server.bodies:  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)  # whoever else does not wait for a place has one now
        server.next(replies("Yes."))
        with within(10):
            reply = await kb.llm.chat.complete([Message("user", "Is there room?")], max_tokens=5)
        assert reply.text == "Yes."
        ingesting.cancel()
        await asyncio.gather(ingesting, return_exceptions=True)


async def test_a_used_up_budget_keeps_finished_documents_and_the_next_run_goes_on(server: ModelServer, tmp_path: Path):
    documents = [document(f"{TEXT} Number {n}.", f"{n}.txt") for n in range(6)]
    async with opened(server, tmp_path) as kb:
        assert isinstance(kb.extractor, ModelExtractor)
        one_call = await kb.extractor.estimate(
            [
                document_text(prepared)
                for prepared in prepare(kb, describe(kb, "default", "public", documents[0], {}), documents[0], 100)
            ]
        )
        limited = replace(kb, limits=Limits(job=Limit(one_call.tokens + 3 * 120 + 10)))
        with pytest.raises(BudgetError, match=r"budget of the job .* goes on from there"):
            await ingest(limited, *documents)
        paid = len(server.bodies)
        assert paid == 4  # three are settled with the 120 tokens that they used, and leave room for a fourth
        assert [one.source for one in sorted(await kb.store.documents(SCOPE), key=lambda one: one.source)] == [
            f"{n}.txt" for n in range(paid)
        ]

        report = await ingest(kb, *documents)
        assert (report.count("unchanged"), report.count("created")) == (paid, 6 - paid)
        assert len(server.bodies) == 6


async def test_calls_of_a_run_are_on_the_books(kb: KnowledgeBase):
    await ingest(kb, document(), document(TEXT[:53], "b.txt"))
    ((account, usage),) = await kb.system.usage("default")
    assert (account.kind, usage.calls, usage.tokens) == ("job", 2, 240)


async def test_a_cancelled_run_keeps_the_reply_that_has_come(
    kb: KnowledgeBase, server: ModelServer, monkeypatch: pytest.MonkeyPatch
):
    keeping, keep = asyncio.Event(), kb.system.keep_reply

    async def slowly(*args: Any) -> None:
        keeping.set()
        await asyncio.sleep(0.1)
        await keep(*args)

    with monkeypatch.context() as patch:
        patch.setattr(type(kb.system), "keep_reply", lambda _, *args: slowly(*args))
        run = asyncio.create_task(ingest(kb, document()))
        await keeping.wait()
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)
    await ingest(kb, document())
    assert len(server.bodies) == 1
