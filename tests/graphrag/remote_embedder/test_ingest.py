"""An ingest whose embedder refuses some or all of it."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

import pytest

from graphrag.bootstrap import open_knowledge_base
from graphrag.errors import ModelDeniedError, ModelRefusedError
from graphrag.ingest import ingest_documents
from graphrag.knowledge import KnowledgeBase
from graphrag.loaders import load_bytes
from graphrag.settings import load_settings
from graphrag.types import Scope, document_id
from tests.graphrag.remote_embedder.conftest import Open
from tests.model_server import Action, Exchange, ModelServer, embeds, fails

LONG = "\n\n".join(f"Paragraph {n} tells of harbours and ships. " * 30 for n in range(80))


@pytest.fixture
async def remote(opened: Open, tmp_path: Path) -> AsyncGenerator[KnowledgeBase]:
    """An empty knowledge base with the embedder of the server."""
    settings = load_settings(store_url=f"sqlite:///{tmp_path}/kb.db", embedder="hashing")
    async with opened() as embedder, open_knowledge_base(settings, bind=False) as kb:
        yield replace(kb, embedder=embedder)


def _refuses(word: str) -> Action:
    """A server that has no vector for texts with a word, and refuses all that come with them."""

    async def act(exchange: Exchange) -> None:
        refused = any(word in text for text in exchange.body["input"])
        await (fails(400, f"no vector for {word}") if refused else embeds(8))(exchange)

    return act


@pytest.mark.parametrize("sources", [("a", "poison", "c"), ("a",), ("poison",), ("poison", "poison too")])
async def test_a_document_that_the_embedder_refuses_keeps_no_other_out(
    server: ModelServer, remote: KnowledgeBase, sources: tuple[str, ...]
) -> None:
    server.otherwise = _refuses("poison")
    scope = Scope()
    documents = [load_bytes(f"This is about {name}.".encode(), f"{name}.md")[0] for name in sources]
    good = [name for name in sources if "poison" not in name]
    if not good:  # as if the model took nothing at all
        with pytest.raises(ModelRefusedError, match="no vector for poison"):
            await ingest_documents(remote, scope, documents)
        return
    report = await ingest_documents(remote, scope, documents)
    assert [document.source for document in await remote.store.documents(scope)] == sorted(
        (f"{name}.md" for name in good), key=lambda source: document_id("default", source)
    )
    assert [(failed.source, "on no other" in failed.reason) for failed in report.failures] == [
        (f"{name}.md", True) for name in sources if name not in good
    ]


async def test_a_document_alone_that_the_embedder_refuses_fails_alone_where_it_took_others_before(
    server: ModelServer, remote: KnowledgeBase
) -> None:
    server.otherwise = _refuses("poison")
    documents = [load_bytes(text.encode(), name)[0] for name, text in (("a.md", LONG), ("b.md", "Of poison."))]
    report = await ingest_documents(remote, Scope(), documents)
    assert {one.source: one.outcome for one in report.results} == {"a.md": "created", "b.md": "failed"}


async def test_an_embedder_that_refuses_everything_from_some_time_on_ends_the_run(
    server: ModelServer, remote: KnowledgeBase
) -> None:
    server.otherwise = _refuses("poison")
    texts = {"a.md": LONG, "b.md": "Of poison.", "c.md": "More poison.", "d.md": "Poison is poison."}
    documents = [load_bytes(text.encode(), name)[0] for name, text in texts.items()]
    with pytest.raises(ModelRefusedError, match="no vector for poison"):
        await ingest_documents(remote, Scope(), documents)
    assert [document.source for document in await remote.store.documents(Scope())] == ["a.md"]


def _revoked_at(word: str) -> Action:
    """A server whose key is revoked when a text with the word comes alone; until then as _refuses("poison")."""
    revoked = False

    async def act(exchange: Exchange) -> None:
        nonlocal revoked
        revoked = revoked or [word in text for text in exchange.body["input"]] == [True]
        await (fails(401) if revoked else _refuses("poison"))(exchange)

    return act


@pytest.mark.parametrize("long", [True, False])
async def test_a_key_that_is_revoked_ends_the_run_and_keeps_what_was_embedded(
    server: ModelServer, remote: KnowledgeBase, long: bool
) -> None:
    server.otherwise = _revoked_at("revoked")
    # Of one group, each of which is embedded alone, since one is refused; or a group of its own after a long document.
    group = {"a.md": LONG} if long else {"a.md": "This is about a.", "b.md": "This is about poison."}
    texts = {**group, "c.md": "This is about revoked."}
    outcomes: list[tuple[str, str]] = []
    documents = [load_bytes(text.encode(), name)[0] for name, text in texts.items()]
    with pytest.raises(ModelDeniedError, match="does not accept the key"):
        await ingest_documents(
            remote,
            Scope(),
            documents,
            progress=lambda one: outcomes.append((one.source, one.outcome)),
        )
    assert sorted(outcomes) == [("a.md", "created")] + [("b.md", "failed")] * (not long)


async def test_a_long_source_that_the_embedder_refuses_in_part_fails_alone(
    server: ModelServer, remote: KnowledgeBase
) -> None:
    server.otherwise = _refuses("poison")
    texts = {"a.md": LONG, "b.md": f"{LONG}\n\nOf poison.", "c.md": "Of ships."}
    documents = [load_bytes(text.encode(), name)[0] for name, text in texts.items()]
    report = await ingest_documents(remote, Scope(), documents, max_chunks=20)
    assert {one.source: one.outcome for one in report.results} == {
        "a.md": "created", "b.md": "failed", "c.md": "created",
    }  # fmt: skip
