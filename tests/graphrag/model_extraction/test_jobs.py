"""Estimates, budgets and reports of runs in which a language model extracts."""

import asyncio
from dataclasses import replace
from pathlib import Path

from graphrag.estimating import Estimate, estimate_documents
from graphrag.exporting import entity_graph
from graphrag.extraction.spacy import SpacyExtractor
from graphrag.ingest import ingest_documents
from graphrag.ingested import Ingested
from graphrag.jobs import UploadedFile, Worker, ingest_job
from graphrag.knowledge import KnowledgeBase
from graphrag.llm.usage import Limit, Limits, Usage
from graphrag.sources import Failure
from graphrag.stores.system import Job
from graphrag.tally import Tally
from graphrag.types import Scope
from graphrag.uploads import Uploads
from tests.graphrag.extracting import MODULE, SCOPE, TEXT, document, opened
from tests.model_server import ModelServer, fails, replies

ADMIN = Scope("default", frozenset({"*"}))


def a_worker(kb: KnowledgeBase, folder: Path) -> Worker:
    return Worker(kb, Uploads(folder / "uploads"), "w1", lease_seconds=0.5, poll_seconds=0.05)


async def uploaded(worker: Worker, *texts: str) -> list[UploadedFile]:
    return [
        UploadedFile(await asyncio.to_thread(worker.uploads.put, "default", text.encode()), f"{number}.txt")
        for number, text in enumerate(texts)
    ]


async def worked(worker: Worker, files: list[UploadedFile], *, estimate: bool = False, id: str = "j1") -> Job:
    await worker.kb.system.submit_job(ingest_job(id, ADMIN, files, estimate=estimate))
    assert await worker.work_once()
    return await worker.kb.system.job(ADMIN, id)


# Estimates


async def test_an_estimate_tells_what_an_ingest_would_ask_and_makes_no_call(kb: KnowledgeBase, server: ModelServer):
    first, second = document(), document(f"{TEXT} Twice.", "b.txt")
    empty = await estimate_documents(kb, SCOPE, [first, second, Failure("c.pdf", "it is broken"), first])
    assert (empty.documents, empty.unchanged, empty.failed, empty.chunks, empty.usage.calls) == (2, 0, 2, 2, 2)
    assert empty.usage.output_tokens == 2 * 200
    assert empty.priced
    assert empty.usage.cost == empty.usage.input_tokens * 150 + empty.usage.output_tokens * 600
    assert server.bodies == []

    await ingest_documents(kb, SCOPE, [first])
    told = server.exchanges[0].body
    characters = sum(len(message["content"]) for message in told["messages"]) + len(str(told["response_format"]))
    assert characters / 4 < empty.usage.input_tokens / 2 < characters / 2

    later = await estimate_documents(kb, SCOPE, [first, second])
    assert (later.documents, later.unchanged, later.usage.calls) == (1, 1, 1)
    # A reply that is kept costs nothing, though the document has to be stored anew.
    await kb.store.delete_documents(SCOPE, [(await kb.store.documents(SCOPE))[0].id])
    kept = await estimate_documents(kb, SCOPE, [first])
    assert (kept.documents, kept.usage) == (1, Usage())
    assert len(server.bodies) == 1


async def test_an_estimate_covers_what_is_then_reserved(kb: KnowledgeBase, server: ModelServer):
    estimate = await estimate_documents(kb, SCOPE, [document()])
    limited = replace(kb, limits=Limits(job=Limit(estimate.usage.tokens + 5)))
    assert (await ingest_documents(limited, SCOPE, [document()])).count("created") == 1


async def test_without_a_model_an_estimate_has_no_calls(kb: KnowledgeBase):
    found = await estimate_documents(replace(kb, extractor=SpacyExtractor()), SCOPE, [document()])
    assert found == Estimate(1, 0, 0, 1)


async def test_of_a_model_without_a_known_price_the_estimate_has_no_cost(server: ModelServer, tmp_path: Path):
    async with opened(server, tmp_path, llm_model="unheard-of") as kb:
        found = await estimate_documents(kb, SCOPE, [document()])
        assert (found.priced, found.usage.cost, found.usage.calls) == (False, 0, 1)


async def test_a_dry_run_stores_nothing_and_ends_with_the_estimate(
    kb: KnowledgeBase, server: ModelServer, tmp_path: Path
):
    worker = a_worker(kb, tmp_path)
    files = await uploaded(worker, TEXT, f"{TEXT} Twice.")
    job = await worked(worker, files, estimate=True)

    assert (job.state, job.progress["estimated_calls"], job.progress["estimated_documents"]) == ("succeeded", 2, 2)
    assert float(job.progress["estimated_dollars"]) > 0
    assert (server.bodies, await kb.store.documents(SCOPE)) == ([], [])

    done = await worked(worker, files, id="j2")
    assert (done.state, done.progress["created"], done.progress["model_calls"]) == ("succeeded", 2, 2)
    assert done.progress["model_tokens"] == 240
    assert float(done.progress["model_dollars"]) > 0
    assert "estimated_calls" not in done.progress


async def test_an_estimate_succeeds_where_something_can_be_read_and_lists_the_rest(kb: KnowledgeBase, tmp_path: Path):
    worker = a_worker(kb, tmp_path)

    job = await worked(worker, await uploaded(worker, TEXT, " "), estimate=True)
    nothing = await worked(worker, await uploaded(worker, " "), estimate=True, id="j2")

    assert (job.state, job.error, job.progress["estimated_documents"]) == ("succeeded", "", 1)
    assert [failure.source for failure in await kb.system.failures(ADMIN, "j1")] == ["1.txt"]
    assert (nothing.state, nothing.error) == ("failed", "no document could be estimated")


# Jobs


async def test_a_job_tells_on_what_the_model_failed(kb: KnowledgeBase, server: ModelServer, tmp_path: Path):
    worker = a_worker(kb, tmp_path)
    files = await uploaded(worker, TEXT, f"{TEXT} Twice.")
    server.next(replies("no"), replies("no"), MODULE)
    job = await worked(worker, files)

    assert (job.state, job.progress["created"], job.progress["failed"], job.progress["model_failures"]) == (
        "succeeded", 2, 0, 1,
    )  # fmt: skip
    (failure,) = await kb.system.failures(ADMIN, "j1")
    assert failure.source == "0.txt"
    assert "ingest the document again" in failure.reason

    again = await worked(worker, files, id="j2")
    assert (again.progress["updated"], again.progress["unchanged"], again.progress["model_failures"]) == (1, 1, 0)


async def test_a_job_that_uses_its_budget_up_ends_with_the_reason_and_goes_on_when_retried(
    kb: KnowledgeBase, server: ModelServer, tmp_path: Path
):
    texts = [f"{TEXT} Number {number}." for number in range(5)]
    one_call = (await estimate_documents(kb, SCOPE, [document(texts[0])])).usage.tokens
    poor = a_worker(replace(kb, limits=Limits(job=Limit(one_call + 120 + 10))), tmp_path)
    files = await uploaded(poor, *texts)
    job = await worked(poor, files)

    assert (job.state, job.progress["created"], job.progress["model_calls"]) == ("failed", 2, 2)
    assert "the budget of the job j1 does not suffice" in job.error
    assert len(server.bodies) == 2

    # The account of the job goes on as well: a higher limit is needed.
    await kb.system.retry_job(ADMIN, "j1")
    assert await poor.work_once()
    assert (await kb.system.job(ADMIN, "j1")).state == "failed"
    assert len(server.bodies) == 2
    await kb.system.retry_job(ADMIN, "j1")
    assert await a_worker(kb, tmp_path).work_once()
    job = await kb.system.job(ADMIN, "j1")
    assert (job.state, job.progress["created"], job.progress["unchanged"]) == ("succeeded", 3, 2)
    assert len(server.bodies) == 5
    assert [usage.calls for _, usage in await kb.system.usage("default", kind="job")] == [5]


async def test_a_job_whose_model_refuses_everything_fails_and_can_be_retried(
    kb: KnowledgeBase, server: ModelServer, tmp_path: Path
):
    worker = a_worker(kb, tmp_path)
    files = await uploaded(worker, *(f"{TEXT} Number {number}." for number in range(5)))
    server.next(fails(401, "bad key"))
    job = await worked(worker, files)
    assert (job.state, job.error) == ("failed", "a model refuses every request; see the log of the service, then retry")

    await kb.system.retry_job(ADMIN, "j1")
    assert await worker.work_once()
    assert (await kb.system.job(ADMIN, "j1")).progress["created"] == 5


def test_calls_of_the_model_are_signs_of_life() -> None:
    tally = Tally(1)
    tally.touched = 0.0
    tally.look_at_purse()
    assert tally.touched == 0.0
    tally.purse.spent += Usage(1, 5, 5)
    tally.look_at_purse()
    assert tally.touched > 0.0
    tally.settle(Ingested("a", "created", "id", 2, "the model failed", 1))
    assert [failure.source for failure in tally.failures] == ["a"]
    assert tally.progress("running")["failed"] == 0


async def test_the_graph_that_is_exported_tells_what_a_model_said(kb: KnowledgeBase, server: ModelServer):
    server.next(MODULE)
    await ingest_documents(kb, SCOPE, [document()])

    graph = await entity_graph(kb.store, SCOPE)
    edges = [data for _, _, data in graph.edges(data=True)]
    (said,) = [edge for edge in edges if "description" in edge]
    assert (said["predicate"], said["description"]) == ("supplies", "Halvorix Components supplies PMX-48.")
    assert said["sentence"] == "Halvorix Components supplies the PMX-48 power module."
