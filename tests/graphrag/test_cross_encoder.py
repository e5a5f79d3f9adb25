"""A local cross-encoder: a model in ONNX of six nodes that sums the weights of the passage's words, with a real tokenizer."""

import asyncio
import base64
from pathlib import Path

import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing

from graphrag.bootstrap import open_reranking
from graphrag.embedding.cross_encoder import CrossEncoder
from graphrag.errors import ConfigError, ModelError
from graphrag.settings import load_settings

WORDS = {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "ferry": 3, "ship": 4, "tea": 5, "nine": 6}
# Inputs input_ids, attention_mask, token_type_ids; output: the sum of (0, 0, 0, 1, 2, 4, 8)[id] where the type and mask are 1.
MODEL = base64.b64decode(
    """
    CAgSADqJAwoZCgF3CglpbnB1dF9pZHMSAWciBkdhdGhlcgokCg50b2tlbl90eXBlX2lkcxIBdCIEQ2FzdCoJCgJ0bxgBoAECCiQKDmF0dGVudGlv
    bl9tYXNrEgFtIgRDYXN0KgkKAnRvGAGgAQIKDwoBZwoBdBICZ3QiA011bAoRCgJndAoBbRIDZ3RtIgNNdWwKLQoDZ3RtCgJheBIGbG9naXRzIglS
    ZWR1Y2VTdW0qDwoIa2VlcGRpbXMYAaABAhIQd2VpZ2h0c19vZl93b3JkcyolCAcQAUIBd0ocAAAAAAAAAAAAAAAAAACAPwAAAEAAAIBAAAAAQSoS
    CAEQB0ICYXhKCAEAAAAAAAAAWh0KCWlucHV0X2lkcxIQCg4IBxIKCgMSAWIKAxIBbloiCg5hdHRlbnRpb25fbWFzaxIQCg4IBxIKCgMSAWIKAxIB
    bloiCg50b2tlbl90eXBlX2lkcxIQCg4IBxIKCgMSAWIKAxIBbmIZCgZsb2dpdHMSDwoNCAESCQoDEgFiCgIIAUIECgAQDQ==
    """
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tokenizer = Tokenizer(WordLevel(WORDS, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    made = tmp_path / "small-model"
    (made / "onnx").mkdir(parents=True)
    tokenizer.save(str(made / "tokenizer.json"))
    (made / "onnx" / "model.onnx").write_bytes(MODEL)
    return made


async def opened(folder: Path) -> CrossEncoder:
    """Opened as the service does it: reading files would block the event loop."""
    return await asyncio.to_thread(CrossEncoder, folder)


async def test_scores_come_in_the_order_of_the_texts_whatever_their_lengths(folder: Path):
    texts = ["nine", "tea tea and a long walk by the sea", "", "ship", *["ferry"] * 40]

    scores = await (await opened(folder)).rerank("ferry nine", texts)

    assert scores.tolist() == [8, 8, 0, 2, *[1] * 40], "words of the question count for nothing"


async def test_a_long_passage_is_cut_and_the_question_is_not(folder: Path):
    (score,) = await (await opened(folder)).rerank("ferry " * 100, ["tea " * 5_000])

    assert score == 4 * (512 - 3 - 100)


async def test_a_question_as_long_as_the_model_takes_is_cut_so_that_a_passage_has_room(folder: Path):
    encoder = await opened(folder)

    scores = await encoder.rerank("ferry " * 5_000, ["tea " * 5_000, "tea nine", ""])

    assert scores.tolist() == [4 * 255, 4 + 8, 0], "half of 512, and of what three marks leave"
    assert await encoder.rerank("ferry " * 254, ["tea " * 5_000]) == [4 * 255]


async def test_what_the_tokenizer_refuses_is_a_failure_of_the_model(folder: Path):
    with pytest.raises(ModelError, match="tokenizer of the cross-encoder small-model failed"):
        await (await opened(folder)).rerank("ferry \ud83d", ["tea"])


async def test_questions_at_once_do_not_disturb_each_other(folder: Path):
    encoder = await opened(folder)

    found = await asyncio.gather(*(encoder.rerank("a", ["ship"] * n) for n in range(5)))

    assert [scores.tolist() for scores in found] == [[2.0] * n for n in range(5)]


def test_it_is_opened_by_the_settings(folder: Path):
    opened = open_reranking(load_settings(reranker="local", rerank_model=str(folder), rerank_candidates=7))

    assert isinstance(opened, CrossEncoder)
    assert (opened.model, opened.candidates) == ("small-model", 7)


def test_what_is_missing_or_damaged_is_named(folder: Path):
    with pytest.raises(ConfigError, match="set GRAPHRAG_RERANK_MODEL to its folder"):
        open_reranking(load_settings(reranker="local"))
    (folder / "onnx" / "model.onnx").write_bytes(MODEL[:50])
    with pytest.raises(ModelError, match="cannot be read as an ONNX model"):
        CrossEncoder(folder)
    (folder / "onnx" / "model.onnx").unlink()
    with pytest.raises(ConfigError, match=r"holds no model\.onnx"):
        CrossEncoder(folder)
    (folder / "model.onnx").write_bytes(MODEL)
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(ModelError, match="cannot be read as a tokenizer"):
        CrossEncoder(folder)
    (folder / "tokenizer.json").unlink()
    with pytest.raises(ConfigError, match=r"tokenizer\.json is missing"):
        CrossEncoder(folder)
