"""Settings come from the environment, are checked, and never fall back silently."""

import re

import pytest

from graphrag.bootstrap import open_stores
from graphrag.errors import ConfigError
from graphrag.settings import PREFIX, Settings, load_settings, without_credentials


def test_without_an_environment_every_setting_has_its_default():
    settings = load_settings()

    assert settings.store_url == "sqlite:///graphrag.db"
    assert settings.embedder == "auto"
    assert settings.filter_fields == ()
    assert settings.model_dump() == Settings().model_dump()


def test_values_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GRAPHRAG_STORE_URL", "sqlite:////data/kb.db")
    monkeypatch.setenv("GRAPHRAG_FILTER_FIELDS", "year, department,,")
    monkeypatch.setenv("GRAPHRAG_CHUNK_TOKENS", "512")

    settings = load_settings()

    assert settings.store_url == "sqlite:////data/kb.db"
    assert settings.filter_fields == ("year", "department")
    assert settings.chunk_tokens == 512


def test_arguments_win_over_the_environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GRAPHRAG_STORE_URL", "sqlite:///a.db")

    assert load_settings(store_url="sqlite:///b.db").store_url == "sqlite:///b.db"


def test_an_unknown_setting_is_refused_with_the_one_that_was_meant(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GRAPHRAG_STORE_ULR", "sqlite:///a.db")

    with pytest.raises(ConfigError, match="GRAPHRAG_STORE_ULR: did you mean GRAPHRAG_STORE_URL") as refused:
        load_settings()
    assert "GRAPHRAG_CHUNK_OVERLAP" not in str(refused.value)


def test_an_unknown_setting_that_is_like_no_other_is_refused_with_all_there_are(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GRAPHRAG_XQZJ", "1")

    with pytest.raises(
        ConfigError, match=r"unknown setting GRAPHRAG_XQZJ: unset it, or use one of .*GRAPHRAG_STORE_URL"
    ):
        load_settings()


def test_names_of_the_test_suite_are_no_settings(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GRAPHRAG_TEST_ANYTHING", "x")

    load_settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CHUNK_TOKENS", "many"),
        ("CHUNK_TOKENS", "255"),
        ("CHUNK_TOKENS", "1025"),
        ("CHUNK_TOKENS", ""),
        ("CHUNK_OVERLAP", "-1"),
        ("EMBEDDER", "MiniLM"),
        ("EMBEDDING_WORKERS", "0"),
        ("SPACY_PIPELINE", ""),
        ("MAX_DOCUMENT_BYTES", "0"),
        ("PARSE_SECONDS", "0"),
        ("PARSE_SECONDS", "nan"),
        ("LLM_DAILY_COST", "inf"),
        ("FILTER_FIELDS", "year,Department"),
        ("FILTER_FIELDS", "a-b"),
        ("FILTER_FIELDS", "tenant"),
        ("DATA_DIR", ""),
        ("KEY_RATE", "many"),
        ("LLM_KEY_DAILY_COST", "-1"),
        ("ALLOWED_HOSTS", ""),
        ("ALLOWED_HOSTS", "https://kb.example.org"),
        ("ALLOWED_HOSTS", "kb.example.org:8321"),
        ("ALLOWED_HOSTS", "*.example.org"),
        ("CORS_ORIGINS", "wiki.example.org"),
        ("CORS_ORIGINS", "https://wiki.example.org/"),
        ("TRUSTED_PROXIES", "nginx"),
        ("TRUSTED_PROXIES", "10.0.0.5/8"),
    ],
)
def test_a_malformed_value_is_refused_with_its_name_and_value(monkeypatch: pytest.MonkeyPatch, name: str, value: str):
    monkeypatch.setenv(f"{PREFIX}{name}", value)

    with pytest.raises(ConfigError, match=re.escape(f"invalid setting {PREFIX}{name}={value!r}: ")) as refused:
        load_settings()
    assert "Value error" not in str(refused.value)


@pytest.mark.parametrize("name", ["EXTRACTION_SCHEMA", "PROMPTS_DIR"])
def test_an_optional_path_that_is_empty_is_none_and_not_the_current_folder(monkeypatch: pytest.MonkeyPatch, name: str):
    monkeypatch.setenv(f"{PREFIX}{name}", "")

    assert getattr(load_settings(), name.lower()) is None


def test_addresses_names_and_origins_of_every_form_are_taken(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GRAPHRAG_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1],kb.example.org,*")
    monkeypatch.setenv("GRAPHRAG_CORS_ORIGINS", "https://wiki.example.org,http://[::1]:3000,https://*.example.org,*")
    monkeypatch.setenv("GRAPHRAG_TRUSTED_PROXIES", "10.0.0.5,10.0.0.0/24,::1,*")

    settings = load_settings()

    assert settings.allowed_hosts[-1] == settings.cors_origins[-1] == settings.trusted_proxies[-1] == "*"


def test_every_malformed_value_is_named_at_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GRAPHRAG_CHUNK_TOKENS", "many")
    monkeypatch.setenv("GRAPHRAG_PARSE_SECONDS", "-3")

    with pytest.raises(ConfigError, match=r"GRAPHRAG_CHUNK_TOKENS='many'.*GRAPHRAG_PARSE_SECONDS='-3'"):
        load_settings()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("neo4j://neo4j:secret@host:7687/kb", "neo4j://***@host:7687/kb"),
        ("neo4j://neo4j:sec/ret@host:7687/kb", "neo4j://***@host:7687/kb"),
        ("neo4j://neo4j:sec@ret@host:7687/kb", "neo4j://***@host:7687/kb"),
        ("neo4j://host:7687", "neo4j://host:7687"),
        ("sqlite:////data/a@b/graph.db", "sqlite:////data/a@b/graph.db"),
        ("https://host/v1?key=secret&a=b", "https://host/v1?***"),
    ],
)
def test_a_url_is_shown_without_its_credentials_whatever_characters_they_hold(url: str, shown: str):
    assert without_credentials(url) == shown


def test_a_malformed_value_is_shown_without_credentials(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GRAPHRAG_LLM_BASE_URL", "ftp://user:secret@host")

    with pytest.raises(ConfigError, match=r"GRAPHRAG_LLM_BASE_URL='ftp://\*\*\*@host'"):
        load_settings()


@pytest.mark.parametrize("name", ["LLM", "EMBEDDING", "RERANK"])
@pytest.mark.parametrize("rest", ["?key=secret", "#secret"])
def test_an_address_of_a_server_after_which_no_path_could_follow_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, rest: str
):
    monkeypatch.setenv(f"GRAPHRAG_{name}_BASE_URL", f"http://localhost:11434/v1{rest}")

    with pytest.raises(ConfigError, match=rf"GRAPHRAG_{name}_BASE_URL=.*: .*without \? and #") as caught:
        load_settings()
    assert "secret" not in str(caught.value)


async def test_what_is_no_store_url_is_not_repeated_where_it_may_hold_a_password():
    with pytest.raises(ConfigError, match=r"GRAPHRAG_STORE_URL=\(hidden\) is not a URL"):
        async with open_stores(load_settings(store_url="neo4j:/neo4j:secret@host")):
            pass


def test_every_setting_says_what_it_is_for():
    assert all(field.description for field in Settings.model_fields.values())
