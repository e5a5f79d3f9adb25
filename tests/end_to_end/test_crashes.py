"""A few of the trials of `make crash-test`, with fewer documents: nothing acknowledged is lost, nothing is torn."""

from pathlib import Path

from tests.neo4j_server import refuse
from tools.crash_test import run
from tools.neo4j_server import ServerError

DOCUMENTS = 60


def test_killed_ingests_into_the_embedded_store_end_like_one_that_was_left_alone(tmp_path: Path):
    results = run([8, 9, 17], tmp_path / "trials", documents=DOCUMENTS, neo4j=False)

    assert {result.killed for result in results} == {"client", "worker", "server"}
    assert [result for result in results if not result.passed] == []
    assert any(0 < result.survived < DOCUMENTS for result in results), "all kills came too early or too late"


def test_a_killed_neo4j_loses_nothing_and_the_worker_goes_on(tmp_path: Path):
    try:
        (result,) = run([5], tmp_path / "trials", documents=DOCUMENTS)
    except ServerError as exc:
        refuse([str(exc)])
        raise
    assert (result.killed, result.store) == ("neo4j", "neo4j")
    assert result.passed, result
