"""JSON bodies of documents that hold more than anybody means to send."""

import json
from typing import Any

import pytest

from api.http.texts import MAX_METADATA, MAX_VALUES, TextDocuments, read_texts
from api.problems import ProblemError
from graphrag.errors import InputError
from graphrag.types import MAX_METADATA_KEYS, MAX_METADATA_TEXT

MANY = {f"k{number}": 1 for number in range(50_000)}


def _document(**more: Any) -> dict[str, Any]:
    return {"source": "a", "text": "b", **more}


@pytest.mark.parametrize(
    ("body", "fields", "message"),
    [
        ({"documents": [_document(**MANY)]}, ["documents.0"], "has 50,002 fields, more than 24"),
        ({"documents": [_document()], **MANY}, [""], "has 50,001 fields, more than 23"),
        ({"documents": [_document(metadata=MANY)]}, ["documents.0.metadata"], "has 50,000 fields, more than 1,000"),
        ({"documents": [_document()], "metadata": MANY}, ["metadata"], "has 50,000 fields, more than 1,000"),
        ({"documents": [{}] * 1000}, ["documents.0.source", "documents.0.text"], "Field required"),
    ],
)
def test_a_thousand_faults_of_a_kind_are_one_error(body: object, fields: list[str], message: str):
    with pytest.raises(ProblemError) as refused:
        read_texts(json.dumps(body).encode())

    assert refused.value.status == 400
    assert [error[0] for error in refused.value.errors] == fields
    assert refused.value.errors[0][1] == message


@pytest.mark.parametrize("value", [b"{}", b"1", b'"\\",{["', b"[]"])
def test_a_body_of_too_many_values_is_not_read(value: bytes):
    with pytest.raises(ProblemError, match="more than 500,000 values; send fewer documents"):
        read_texts(b'{"documents": [' + b",".join([value] * MAX_VALUES) + b"]}")


@pytest.mark.parametrize("piece", [",", "{[", '",', "\\,", '\\",', "\\\\"])
def test_what_a_text_holds_is_no_value_of_the_body(piece: str):
    text = piece * MAX_VALUES * 2

    assert read_texts(json.dumps({"documents": [_document(text=text)]}).encode()).documents[0].text == text


@pytest.mark.parametrize("place", ["document", "body"])
def test_a_value_of_metadata_is_no_text_of_its_own(place: str):
    long = {"a": "x" * (MAX_METADATA_TEXT + 1)}
    body = {"documents": [_document(metadata=long if place == "document" else {})]}

    with pytest.raises(InputError, match="metadata 'a' has 50,001 characters, more than 50,000"):
        read_texts(json.dumps(body | {"metadata": {} if place == "document" else long}).encode())


def test_a_body_may_hold_as_much_metadata_as_is_allowed():
    most = {f"k{number}": "x" for number in range(MAX_METADATA_KEYS)} | {"k1": "x" * MAX_METADATA_TEXT}

    assert read_texts(json.dumps({"documents": [_document(metadata=most)]}).encode()).documents[0].metadata == most


@pytest.mark.parametrize("documents", [1, 100])
def test_metadata_that_is_too_much_together_is_refused_before_it_is_read(
    documents: int, monkeypatch: pytest.MonkeyPatch
):
    read: list[object] = []
    monkeypatch.setattr(TextDocuments, "model_validate_json", lambda body: read.append(body))
    each = {f"k{number}": "x" * 40_000 for number in range(1 + MAX_METADATA // 40_000 // documents)}
    body = {"documents": [_document(metadata=each)] * documents}

    with pytest.raises(ProblemError, match=r"bytes, more than 5,000,000: send fewer documents at once") as refused:
        read_texts(json.dumps(body).encode())

    assert (refused.value.status, refused.value.errors) == (413, [("metadata", "too long")])
    assert read == []


def test_what_the_texts_hold_is_no_metadata():
    text = '"metadata": {' * (MAX_METADATA // 10)

    assert read_texts(json.dumps({"documents": [_document(text=text)]}).encode()).documents[0].text == text
