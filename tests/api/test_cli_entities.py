"""`graphrag entities`, as people and programs use it."""

from tests.api.conftest import Run


def test_decisions_are_made_shown_and_taken_back(filled: Run):
    made = filled("entities", "merge", "PMX-48", "Halvorix Components", "--author", "ann", "--json")
    assert made.code == 0, made.err
    assert (made.json["kind"], made.json["author"]) == ("merge", "ann")

    shown = filled("entities", "show", "PMX-48", "--json")
    (same,) = [link for link in shown.json["same_as"] if link["decided"]]
    assert (same["score"], same["reason"]) == (1.0, "decided by ann")
    assert "decided by ann" in filled("entities", "show", "Halvorix Components").out
    assert filled("entities", "decisions", "--json").json["decisions"] == [made.json]
    assert made.json["id"][:8] in filled("entities", "decisions").out

    assert filled("entities", "undo", made.json["id"][:8], "--json").json == {"undone": made.json}
    assert filled("entities", "decisions", "--json").json == {"decisions": []}


def test_a_split_takes_a_candidate_off_the_list(run: Run, tmp_path):
    (tmp_path / "a.md").write_text(
        "# Terms\n\nThe Alder Pumps Ltd contract. Alder Pumps sells pumps to Alder Pumps Ltd.\n"
    )
    assert run("ingest", tmp_path / "a.md").code == 0
    before = run("entities", "candidates", "--json").json
    for pair in before["candidates"]:
        assert run("entities", "split", pair["a"]["id"], pair["b"]["name"]).code == 0
    assert run("entities", "candidates", "--json").json == {"candidates": [], "total": 0}


def test_an_unknown_name_is_refused_with_what_is_near(filled: Run):
    result = filled("entities", "show", "Halvorix", "--json")
    assert result.code == 4
    assert "Halvorix Components" in result.error


def test_decisions_are_exported_shown_in_the_graph_and_imported(filled: Run, monkeypatch, tmp_path):
    made = filled("entities", "merge", "PMX-48", "Halvorix Components", "--author", "ann", "--json").json
    graph = filled("export", "--format", "json").json
    (link,) = [edge for edge in graph["edges"] if edge.get("reason") == "decided by ann"]
    assert {link["source"], link["target"]} == {made["a"], made["b"]}
    assert filled("export", "--output", "kb.jsonl").code == 0
    whole = filled("export", "--format", "canonical").out

    monkeypatch.setenv("GRAPHRAG_STORE_URL", "sqlite:///other.db")
    assert filled("import", "kb.jsonl", "--json").json["decisions"] == 1
    assert filled("entities", "decisions", "--json").json["decisions"] == [made]
    assert filled("export", "--format", "canonical").out == whole
    assert "decisions on" not in filled("import", "kb.jsonl").out
