"""`graphrag doctor` looks at the models that searches and ingests use, too."""

from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from api.cli import doctor
from graphrag import bootstrap
from graphrag.settings import Settings
from graphrag.stores.base import GraphStore
from graphrag.stores.system import SystemStore
from tests.api.conftest import Run
from tests.model_server import fails, model_server, ranks


def test_a_reranker_that_works_is_said_to(run: Run, monkeypatch: pytest.MonkeyPatch):
    with model_server() as server:
        server.otherwise = ranks(lambda query, text: float(len(text)))
        for name, value in {"RERANKER": "vllm", "RERANK_MODEL": "m", "RERANK_BASE_URL": server.url}.items():
            monkeypatch.setenv(f"GRAPHRAG_{name}", value)
        result = run("doctor")

    assert result.code == 0
    assert "reranker: m scores two passages" in result.out


def test_one_that_refuses_is_a_problem(run: Run, monkeypatch: pytest.MonkeyPatch):
    with model_server() as server:
        server.otherwise = fails(401)
        for name, value in {"RERANKER": "vllm", "RERANK_MODEL": "m", "RERANK_BASE_URL": server.url}.items():
            monkeypatch.setenv(f"GRAPHRAG_{name}", value)
        result = run("doctor")

    assert result.code == 1
    assert "PROBLEM reranker" in result.out
    assert "GRAPHRAG_RERANK_API_KEY" in result.out


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"RERANKER": "cohere"}, "PROBLEM reranker"),
        ({"EXTRACTOR": "llm"}, "needs a language model"),
        ({"EXTRACTION_SCHEMA": "none.toml"}, "set GRAPHRAG_EXTRACTOR=llm"),
    ],
)
def test_settings_with_which_nothing_starts_are_a_problem(
    run: Run, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], said: str
):
    for name, value in settings.items():
        monkeypatch.setenv(f"GRAPHRAG_{name}", value)
    result = run("doctor")

    assert result.code == 1
    assert said in result.out


def test_the_store_is_opened_once_for_all_that_is_asked_of_it(filled: Run, monkeypatch: pytest.MonkeyPatch):
    opened: list[Settings] = []

    def opening(settings: Settings) -> AbstractAsyncContextManager[tuple[GraphStore, SystemStore]]:
        opened.append(settings)
        return bootstrap.open_stores(settings.model_copy(update={"store_url": "sqlite:///graphrag.db"}))

    monkeypatch.setenv("GRAPHRAG_STORE_URL", "neo4j://127.0.0.1:1")  # a file is looked into without being opened
    monkeypatch.setattr(doctor, "open_stores", opening)
    checks: list[Any] = filled("doctor", "--json").json["checks"]

    assert len(opened) == 1
    assert "the store's vectors are of the configured model" in {check["name"]: check["detail"] for check in checks}["fingerprints"]  # fmt: skip
