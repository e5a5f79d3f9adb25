"""Parts of the language model layer that need no server: settings, prices, prompts, repair, thinking, breakers, estimates."""

import json
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphrag.bootstrap import limits_of, open_llm
from graphrag.errors import BudgetError, ConfigError, ModelOutputError
from graphrag.llm.calls import Breaker, Patience
from graphrag.llm.presets import PRESETS, preset
from graphrag.llm.prompts import DEFAULTS, load_prompts
from graphrag.llm.repair import _Mender, read_json
from graphrag.llm.thinking import ThinkingFilter, without_thinking
from graphrag.llm.translate import retry_after
from graphrag.llm.usage import Account, Charge, Limit, Price, Usage, check_charges, estimate_tokens, used
from graphrag.settings import load_settings

SECRET = "sk-proj-very-secret-0123456789"

# Budgets


@pytest.mark.parametrize(
    ("account", "limit", "said"),
    [
        (
            Account("job", "default", "j1"),
            Limit(1_000),
            r"come to 1,200 of 1,000 tokens: raise GRAPHRAG_LLM_JOB_TOKENS$",
        ),
        (Account("job", "default", "j1"), Limit(0, 1e-9), r"US dollars: raise GRAPHRAG_LLM_JOB_COST$"),
        (Account("key", "default", "k", "2026-01-02"), Limit(1_000), r"raise GRAPHRAG_LLM_KEY_DAILY_TOKENS, or wait"),
        (Account("total", "", "", "2026-01-02"), Limit(1_000), r"raise GRAPHRAG_LLM_DAILY_TOKENS, or wait"),
    ],
)
def test_a_budget_that_does_not_suffice_names_its_setting_and_only_a_daily_one_comes_back(
    account: Account, limit: Limit, said: str
):
    with pytest.raises(BudgetError, match=said):
        check_charges([Charge(account, Usage(1, 200, 0, 5), limit)], [Usage(9, 1_000, 0, 0)])


# Settings


def test_a_key_from_a_file_loses_its_line_break():
    assert settings(llm_api_key=f"{SECRET}\n").llm_api_key.get_secret_value() == SECRET


@pytest.mark.parametrize("name", ["llm_api_key", "embedding_api_key", "rerank_api_key"])
@pytest.mark.parametrize("key", ["sk-s\u00e9cret", "sk-one\nsk-two"])
def test_a_key_that_no_header_can_hold_is_told_at_the_start_and_not_shown(name: str, key: str):
    with pytest.raises(ConfigError, match=rf"GRAPHRAG_{name.upper()}=\(hidden\): .*printable ASCII") as error:
        settings(**{name: key})
    assert key not in str(error.value)


def settings(**given: Any):
    return load_settings(**{"llm_provider": "openai", "llm_model": "gpt-4o-mini", "llm_api_key": SECRET, **given})


def test_nothing_configured_means_no_model():
    assert open_llm(load_settings()) is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"llm_provider": ""}, "not GRAPHRAG_LLM_PROVIDER"),
        ({"llm_model": ""}, "set GRAPHRAG_LLM_MODEL"),
        ({"llm_api_key": ""}, "set GRAPHRAG_LLM_API_KEY"),
        ({"llm_model": "gpt-99", "llm_daily_cost": 1.0}, "price of 'gpt-99' is not known"),
        ({"llm_model": "gpt-99", "llm_input_price": 1.0}, "set both"),
        ({"prompts_dir": "nowhere"}, "nowhere"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(given: dict[str, Any], said: str):
    with pytest.raises(ConfigError, match=said) as error:
        open_llm(settings(**given))
    assert SECRET not in str(error.value)


@pytest.mark.parametrize(
    "given", [{"llm_provider": "other"}, {"llm_base_url": "example.org"}, {"llm_concurrency": 0}, {"llm_api_key": 5}]
)
def test_a_malformed_setting_is_refused_without_the_key(given: dict[str, Any]):
    with pytest.raises(ConfigError) as error:
        settings(**given)
    assert SECRET not in str(error.value)


async def test_the_model_is_opened_as_configured_without_showing_its_key():
    configured = settings(llm_input_price=9.0, llm_tools="json", llm_daily_cost=2.5, llm_answer_tokens=7)
    model = open_llm(configured)
    assert model is not None
    await model.chat.close()

    assert model.chat.price == Price(9.0, 0.60)
    assert not model.native_tools
    assert limits_of(configured).total == Limit(0, 2.5)
    assert limits_of(configured).answer == Limit(7, 0.0)
    assert SECRET not in repr(configured) + repr(model) + repr(model.chat.target)


async def test_a_server_of_ones_own_needs_no_key_and_costs_nothing():
    model = open_llm(load_settings(llm_provider="ollama", llm_model="qwen3:4b", llm_daily_cost=1.0))
    assert model is not None
    await model.chat.close()
    assert model.chat.price == Price(0.0, 0.0)


def test_the_longest_name_that_fits_gives_the_price():
    openai = preset("openai")
    assert openai.price("gpt-4o-mini-2024-07-18") == Price(0.15, 0.60)
    assert openai.price("gpt-4o-2024-08-06") == Price(2.50, 10.00)
    assert openai.price("o99") is None
    with pytest.raises(ConfigError, match="choose one of: openai, anthropic"):
        preset("nobody")


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_every_preset_is_one_of_the_setting_and_has_an_address(name: str):
    assert load_settings(llm_provider=name).llm_provider == name
    assert preset(name).base_url.startswith("https://" if preset(name).needs_key else "http://localhost:")


# Money


def test_costs_are_exact_and_rounded_up():
    assert used(Price(0.15, 0.60), 1_000_000, 1_000_000).dollars == 0.75
    assert used(Price(0.0001, 0.0), 1, 0).cost == 1
    assert used(None, 5, 5) == Usage(1, 5, 5, 0)


def test_tokens_are_estimated_rather_high():
    english = "The quick brown fox jumps over the lazy dog. " * 10  # 100 tokens and a few
    assert 100 <= estimate_tokens(english) <= 160
    assert estimate_tokens("日本語") >= 3
    assert estimate_tokens("") == 0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": "0.5", "retry-after-ms": "120"}, 0.12),
        ({"retry-after": "Thu, 01 Jan 1970 00:01:00 GMT"}, 50.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:01 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "inf"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_in_all_its_forms(headers: dict[str, str], seconds: float | None):
    assert retry_after(headers, now=10.0) == seconds


def test_a_breaker_lets_one_probe_through_and_waits_longer_after_it_failed(monkeypatch: pytest.MonkeyPatch):
    now = 1000.0
    monkeypatch.setattr("graphrag.llm.calls.time", SimpleNamespace(monotonic=lambda: now))
    breaker = Breaker(Patience(failures=2, open_seconds=5, longest_open=15))
    assert breaker.admit() and breaker.admit()
    breaker.failed()
    breaker.failed()
    assert (breaker.state, breaker.admit(), breaker.remaining) == ("open", False, 5)
    now += 6
    assert (breaker.state, breaker.admit(), breaker.admit()) == ("half-open", True, False)
    breaker.left()
    assert breaker.admit()
    breaker.failed()
    assert breaker.remaining == 10
    now += 10
    assert breaker.admit()
    breaker.failed()
    assert breaker.remaining == 15  # the longest
    now += 15
    assert breaker.admit()
    breaker.succeeded()
    assert breaker.state == "closed"


# Prompts


def test_a_file_replaces_a_prompt_and_changes_its_version(tmp_path: Path):
    (tmp_path / "rewrite.txt").write_text("Say it in {count} ways. {{literally}}")
    (tmp_path / "notes.md").write_text("ignored")
    prompts, ours = load_prompts(tmp_path), load_prompts(None)

    assert prompts.get("rewrite", count=3) == "Say it in 3 ways. {literally}"
    assert prompts.version("rewrite") != ours.version("rewrite")
    assert prompts.version("answer") == ours.version("answer")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("unknown", "x", "replaces nothing"),
        ("rewrite", "without its place", "{count}"),
        ("rewrite", "{count} {other}", "{count}"),
        ("rewrite", "{count", "brace"),
    ],
)
def test_a_prompt_file_that_does_not_fit_is_refused(tmp_path: Path, name: str, text: str, said: str):
    (tmp_path / f"{name}.txt").write_text(text)
    with pytest.raises(ConfigError, match=said):
        load_prompts(tmp_path)


@pytest.mark.parametrize("name", sorted(DEFAULTS))
def test_every_prompt_can_be_filled_in(name: str):
    values = dict.fromkeys(("marker", "tools", "count", "types", "relations"), "7")
    assert "{" not in load_prompts(None).get(name, **values).replace(
        '{"calls": [{"tool": NAME, "arguments": {...}}', ""
    )


# Repair

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text(max_size=5), JSON_VALUES, max_size=4)


@given(OBJECTS, st.sampled_from(["", "Here: ", "```json\n"]), st.sampled_from(["", "\n```", " Done."]), st.booleans())
def test_json_is_read_out_of_whatever_stands_around_it(value: dict[str, Any], before: str, after: str, plain: bool):
    assert read_json(before + json.dumps(value, ensure_ascii=plain) + after) == value


@given(OBJECTS, st.integers(1, 60))
def test_json_that_was_cut_anywhere_is_read_as_far_as_it_goes(value: dict[str, Any], keep: int):
    got = read_json(json.dumps(value)[:keep])
    assert isinstance(got, dict)
    assert set(list(got)[:-1]) <= set(value)


@given(st.text(alphabet="{}[]\",:'\\ tnu01\n/*“”", max_size=30))
def test_any_text_is_read_or_refused(text: str):
    with suppress(ModelOutputError):
        read_json(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{'a': 'it\\'s', 'b': True, 'c': None}", {"a": "it's", "b": True, "c": None}),
        ('{"a": 1,, "b": 2,}', {"a": 1, "b": 2}),
        ('{"a": "line\nbreak", "b": "tab\there"}', {"a": "line\nbreak", "b": "tab\there"}),
        ('{"a": [1, 2, {"b": "c', {"a": [1, 2, {"b": "c"}]}),
        ('{"a": 1, "b":', {"a": 1}),
        ('{"a": 1, "b', {"a": 1}),
        ("{a: yes, b: tru", {"a": "yes", "b": True}),
        ('// note\n{"a": 1} trailing {"b": 2}', {"a": 1}),
        ('{"a": 1.5e3}', {"a": 1500.0}),
        ('{"a": "\\u00e', {"a": ""}),
        ("[1, 2", [1, 2]),
    ],
)
def test_slips_are_mended(text: str, value: object):
    assert read_json(text) == value


@pytest.mark.parametrize("text", ["[" * 3_000, '{"a":' * 3_000, "```json\n" + "[" * 3_000])
def test_nesting_without_end_is_no_json(text: str):
    with pytest.raises(ModelOutputError):
        read_json(text)


class Looked(list[str]):
    """Pieces of what is mended, and how many of them were looked at."""

    looked = 0

    def __contains__(self, key: object) -> bool:
        self.looked += len(self)
        return super().__contains__(key)

    def __reversed__(self) -> Iterator[str]:
        for piece in super().__reversed__():
            self.looked += 1
            yield piece

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        self.looked += len(found) if isinstance(key, slice) else 1
        return found


class Copied(str):
    """A text, and how many of its characters were copied."""

    looked = 0

    def __getitem__(self, key: Any) -> str:
        found = super().__getitem__(key)
        self.looked += len(found)
        return found


@pytest.mark.parametrize(
    "text",
    [
        "[" + " " * 1_000 + "," * 1_000,
        "[" + " ," * 1_000,
        "[" * 1_000 + "}" * 1_000,
        "[" + "a " * 1_000,
        "[" + '{"a": "b"},' * 300,
    ],
)
def test_mending_looks_at_a_text_a_few_times_whatever_it_is(text: str):
    copied, written, brackets = Copied(text), Looked(), Looked()
    mender = _Mender(copied)
    vars(mender).update(_out=written, _open=brackets)

    mender.mended()

    assert copied.looked + written.looked + brackets.looked < 10 * len(text)


@pytest.mark.parametrize(("space", "read"), [(" \t\n", True), (" \u00a0 ", False), ("\u00a0  ", False)])
def test_white_space_that_is_none_to_json_stays_refused(space: str, read: bool):
    with nullcontext() if read else pytest.raises(ModelOutputError):
        assert read_json(f"[1,{space}2,]") == [1, 2]


# Thinking


@given(st.lists(st.sampled_from(["<think>", "</think>", "a", " b", "<", "think", ">", "<thi", "\n"]), max_size=12))
def test_a_text_in_pieces_is_filtered_as_it_is_at_once(pieces: list[str]):
    def filtered(parts: list[str]) -> str:
        thinking = ThinkingFilter()
        return "".join(thinking.feed(part) for part in parts) + thinking.end()

    assert filtered(list("".join(pieces))) == filtered(pieces) == filtered(["".join(pieces)])


def test_a_thought_whose_beginning_the_template_ate_is_taken_out_of_a_whole_text():
    assert without_thinking("they say hello\n</think>\nHello!") == "Hello!"
