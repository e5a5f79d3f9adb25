"""A schema of what the model is to find, and settings that do not fit."""

import re
from pathlib import Path
from typing import Any

import pytest

from graphrag.bootstrap import open_knowledge_base
from graphrag.errors import ConfigError
from graphrag.extraction.schema import ExtractionSchema, load_schema
from graphrag.settings import load_settings
from tests.graphrag.extracting import document, ingest, opened, says, spoken, stored
from tests.model_server import ModelServer

SCHEMA = """
[entities]
ORG = "companies"
"Power Module" = ""

[relations.supplies]
description = "delivers"
subject = ["ORG"]
object = ["power_module"]
"""


async def test_a_schema_is_told_constrains_the_server_and_is_enforced_afterwards(server: ModelServer, tmp_path: Path):
    (tmp_path / "schema.toml").write_text(SCHEMA)
    server.next(
        says(
            ("Halvorix Components", "org"),
            ("PMX-48", "power module"),
            ("Anneke Brouwer", "ENGINEER"),
            ("quay", "FAC"),
            relations=[
                ("Halvorix Components", "SUPPLIES", "PMX-48"),
                ("PMX-48", "supplies", "Halvorix Components"),
                ("Halvorix Components", "employs", "PMX-48"),
                ("Halvorix Components", "supplies", "Anneke Brouwer"),
            ],
        )
    )
    async with opened(server, tmp_path, extraction_schema=tmp_path / "schema.toml") as kb:
        await ingest(kb, document())
        chunks, relations = await stored(kb)

    assert spoken(chunks, relations) == {("halvorix components", "supplies", "pmx 48")}
    types = {mention.key: mention.type for mention in chunks[0].mentions}
    assert types["pmx 48"] == "Power Module"
    assert "quay" not in types
    body = server.bodies[0]
    constraint = body["response_format"]["json_schema"]["schema"]["properties"]
    assert constraint["entities"]["items"]["properties"]["type"]["enum"] == ["ORG", "Power Module"]
    assert constraint["relations"]["items"]["properties"]["relation"]["enum"] == ["supplies"]
    assert "supplies (from ORG to power_module: delivers)" in body["messages"][0]["content"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[entities", "cannot be read as TOML"),
        ("[things]\nA = 1", "things: Extra inputs are not permitted"),
        ('[entities]\n"a\\nb" = ""', "cannot be a name"),
        ('[entities]\nORG = ""\norg = ""', "the same but for case"),
        ('[entities]\nORG = ""\n[relations.owns]\nsubject = ["PERSON"]', "'PERSON', which is not in 'entities'"),
        ("[entities]\nORG = 5", "entities.ORG: Input should be a valid string"),
    ],
)
def test_a_schema_file_that_is_wrong_says_what_is_wrong(tmp_path: Path, text: str, problem: str):
    path = tmp_path / "schema.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=re.escape(problem)):
        load_schema(path)


def test_a_schema_may_be_json_and_leave_everything_open(tmp_path: Path):
    path = tmp_path / "schema.json"
    path.write_text('{"relations": {"owns": {}}}')
    schema = load_schema(path)
    assert schema.entity("ANYTHING") == "ANYTHING"
    assert schema.relation("Owns", "A", "B") == "owns"
    assert schema.relation("sells", "A", "B") is None
    assert ExtractionSchema.model_validate({}).relation("sells", "A", "B") == "sells"
    with pytest.raises(ConfigError, match="cannot be read"):
        load_schema(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"extractor": "llm"}, "GRAPHRAG_LLM_PROVIDER"),
        ({"extraction_schema": "schema.toml"}, "GRAPHRAG_EXTRACTOR=llm, too"),
    ],
)
async def test_settings_that_do_not_fit_are_refused(tmp_path: Path, settings: dict[str, Any], problem: str):
    chosen = load_settings(store_url=f"sqlite:///{tmp_path}/kb.db", embedder="hashing", **settings)
    with pytest.raises(ConfigError, match=problem):
        async with open_knowledge_base(chosen):
            pass
