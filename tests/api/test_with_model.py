"""The service with a language model: a scripted server for behaviour, a real small model for the protocol."""

import json
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.serving import Served, serve
from tests.llama_server import NAME, LlamaServer
from tests.model_server import ModelServer, fails, model_server, replies

QUESTION = "Which company supplies the power module that burnt out at Maasvliet Terminal?"
DOCUMENTS = [
    {
        "source": "inc.md",
        "text": "The gateways at Maasvliet Terminal went dark. The PMX-48 power module had burnt out.",
    },
    {"source": "sa.md", "text": "# Supply agreement\n\nHalvorix Components supplies the PMX-48 power module."},
]
FINISH = replies(None, ("finish", {"sufficient": True, "missing": []}))
SAYS = replies("Halvorix Components supplies the PMX-48 power module [P1][P2].", pause=0.05)


@contextmanager
def service(
    folder: Path, url: str, provider: str, model: str, **settings: str
) -> Generator[tuple[Served, httpx.Client]]:
    """A service with a model and two documents."""
    environment = {
        "GRAPHRAG_LLM_PROVIDER": provider,
        "GRAPHRAG_LLM_MODEL": model,
        "GRAPHRAG_LLM_BASE_URL": url,
        **settings,
    }
    with serve(folder, "--dev", **environment) as served:
        client = served.client()
        job = client.post("/v1/admin/documents", json={"documents": DOCUMENTS}).raise_for_status().json()["job"]["id"]
        end = time.monotonic() + 60
        while client.get(f"/v1/admin/jobs/{job}").json()["state"] != "succeeded":
            assert time.monotonic() < end
            time.sleep(0.1)
        yield served, client


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[ModelServer, httpx.Client]]:
    """A service whose model answers by a script; it takes seconds to start."""
    with (
        model_server() as server,
        service(
            tmp_path_factory.mktemp("service"),
            server.url,
            "openai",
            "gpt-4o-mini",
            GRAPHRAG_LLM_API_KEY="sk-secret-0123456789",
        ) as (_, client),
    ):
        yield server, client


@pytest.fixture
def scripted(running: tuple[ModelServer, httpx.Client]) -> tuple[ModelServer, httpx.Client]:
    """The same, and nothing of what another test wrote into the script."""
    server, client = running
    server.script, server.otherwise, server.exchanges = [], replies("Yes."), []
    return server, client


def streamed(client: httpx.Client, **body: Any) -> list[tuple[str, Any, float]]:
    """The events of a question with the seconds at which they came."""
    found: list[tuple[str, Any, float]] = []
    begun, name = time.monotonic(), ""
    with client.stream("POST", "/v1/query", json={"question": QUESTION, "stream": True, **body}) as response:
        for line in response.iter_lines():
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                found.append((name, json.loads(line[6:]), time.monotonic() - begun))
    return found


def test_tokens_are_streamed_while_the_model_writes_with_citations_resolved(scripted: tuple[ModelServer, httpx.Client]):
    server, client = scripted
    server.next(FINISH, SAYS)
    found = streamed(client)

    names = [name for name, _, _ in found]
    assert names[:2] == ["step", "evidence"]
    assert names[-1] == "done"
    done = found[-1][1]
    assert done["written_by"] == "model"
    assert done["answer"] == "Halvorix Components supplies the PMX-48 power module [1][2]."
    assert "".join(data["text"] for name, data, _ in found if name == "token") == done["answer"]
    assert [data["id"] for name, data, _ in found if name == "citation"] == [1, 2]
    tokens = [at for name, _, at in found if name == "token"]
    assert tokens[-1] - tokens[0] > 0.2, "the words come as they are written"
    assert done["usage"]["model_calls"] == 2
    assert done["claims"] == [{"text": done["answer"], "citations": [1, 2], "supported": True, "support": 1.0}]
    assert done["degraded"] == []


def test_the_log_holds_no_text_of_questions_and_documents_whatever_its_level(tmp_path: Path):
    with (
        model_server() as server,
        service(tmp_path, server.url, "vllm", "m", GRAPHRAG_LOG_LEVEL="debug") as (served, client),
    ):
        server.next(FINISH, SAYS)
        answer = client.post("/v1/query", json={"question": QUESTION}).raise_for_status().json()
        log = served.log()

    assert answer["usage"]["model_calls"] == 2
    assert '"event": "answered"' in log
    for text in (QUESTION, "had burnt out", "supplies the PMX-48"):
        assert text not in log
    assert server.url not in log, "one line a request, not one more for each call of the model"


def test_usage_is_counted_by_key_and_day(scripted: tuple[ModelServer, httpx.Client]):
    server, client = scripted

    def accounts() -> list[dict[str, Any]]:
        return client.get("/v1/admin/usage").raise_for_status().json()["accounts"]

    before = accounts()
    server.next(FINISH, SAYS)
    client.post("/v1/query", json={"question": QUESTION}).raise_for_status()

    (account,) = accounts()
    (earlier,) = before or [dict.fromkeys(("calls", "input_tokens", "cost_usd"), 0)]
    assert account["kind"] == "key"
    assert account["id"] == "development"
    assert account["calls"] - earlier["calls"] == 2
    assert account["input_tokens"] - earlier["input_tokens"] == 200
    assert account["cost_usd"] > earlier["cost_usd"]


def test_a_question_may_leave_the_model_out(scripted: tuple[ModelServer, httpx.Client]):
    server, client = scripted

    answer = client.post("/v1/query", json={"question": QUESTION, "model": False}).raise_for_status().json()

    assert answer["written_by"] == "quotation"
    assert server.exchanges == []


def test_what_was_done_without_is_told(scripted: tuple[ModelServer, httpx.Client]):
    server, client = scripted
    server.otherwise = fails(401, "Incorrect API key provided: sk-secret-0123456789")

    response = client.post("/v1/query", json={"question": QUESTION}).raise_for_status()

    answer = response.json()
    assert [note["part"] for note in answer["degraded"]] == ["planning", "writing"]
    assert answer["written_by"] == "quotation"
    assert answer["answer"]
    assert "sk-secret" not in response.text


def test_settings_and_servers_of_a_model_that_is_away_are_for_the_log(tmp_path: Path):
    away = "http://model.internal.invalid:9/v1"
    remote = {"GRAPHRAG_RERANKER": "vllm", "GRAPHRAG_RERANK_MODEL": "m", "GRAPHRAG_RERANK_BASE_URL": away}
    with service(tmp_path, away, "vllm", "m", GRAPHRAG_LLM_SECONDS="1", GRAPHRAG_RERANK_SECONDS="1", **remote) as (
        served,
        client,
    ):
        answer = client.post("/v1/query", json={"question": QUESTION}).raise_for_status()
        found = client.post("/v1/search", json={"query": QUESTION, "tool": "hybrid"}).raise_for_status()

        reason = "could not be reached, or did not answer in time"
        assert answer.json()["degraded"] == [
            {"part": part, "reason": f"the language model {reason}"} for part in ("planning", "writing")
        ]
        assert found.json()["degraded"] == [{"part": "reranking", "reason": f"the re-ranking model {reason}"}]
        for response in (answer, found):
            assert "internal" not in response.text
            assert "GRAPHRAG_" not in response.text
        assert "GRAPHRAG_LLM_BASE_URL" in served.log()
        assert "GRAPHRAG_RERANK_BASE_URL" in served.log()


def test_who_leaves_ends_the_call_of_the_model(scripted: tuple[ModelServer, httpx.Client]):
    server, client = scripted
    server.next(FINISH, replies("word " * 200, pause=0.05))
    with client.stream("POST", "/v1/query", json={"question": QUESTION, "stream": True}) as response:
        for line in response.iter_lines():
            if line == "event: token":
                break

    end = time.monotonic() + 5
    while not server.exchanges[-1].left:
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_real_small_model_answers_and_is_cancelled(llama: LlamaServer, tmp_path: Path):
    with service(
        tmp_path, llama.url, "llamacpp", NAME, GRAPHRAG_QUESTION_SECONDS="120", GRAPHRAG_LLM_CONTEXT_TOKENS="2000",
        GRAPHRAG_LLM_OUTPUT_TOKENS="64", GRAPHRAG_LLM_SECONDS="90",
    ) as (_, client):  # fmt: skip
        found = streamed(client, mode="graph")
        done = found[-1][1]
        assert found[-1][0] == "done"
        assert done["usage"]["model_calls"] >= 1
        assert done["usage"]["output_tokens"] > 0
        # What so small a model writes is not judged; that it went through is.
        assert done["written_by"] == "model" or done["degraded"]
        cancelled = llama.log().count("cancel task")

        with client.stream(
            "POST", "/v1/query", json={"question": QUESTION, "mode": "graph", "stream": True}
        ) as response:
            for line in response.iter_lines():
                if line == "event: token":
                    break

        end = time.monotonic() + 20
        while llama.log().count("cancel task") == cancelled:
            assert time.monotonic() < end
            time.sleep(0.1)
