"""What a language model is to look for: kinds of entities and of relations, ours or those of a user's file.

A file is TOML or JSON, all of it optional:

    [entities]
    ORG = "companies, authorities and other organisations"
    MODULE = "hardware modules, by product name"

    [relations.supplies]
    description = "delivers goods to"
    subject = ["ORG"]
    object = ["MODULE", "ORG"]

Without entities, or without relations, every kind is taken; without `subject` or `object`, every kind of entity may stand there.
Entities of types that are not listed are dropped, or kept without a type with `other_types = true`.
"""

import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from graphrag.errors import ConfigError
from graphrag.types import canonical_json, stable_id

MAX_KINDS = 100
_NAME = re.compile(r"[^\W_](?:[\w -]{0,38}\w)?")


def plain(name: str) -> str:
    """A name of a kind without case, spaces, underscores and hyphens."""
    return re.sub(r"[\s_-]+", "", name).casefold()


class RelationKind(BaseModel):
    """A kind of relation, and what it may hold between."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    description: str = Field("", max_length=500)
    subject: tuple[str, ...] = Field(())
    object: tuple[str, ...] = Field(())


class ExtractionSchema(BaseModel):
    """Kinds by name. Names are compared without regard to case, spaces and underscores."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    entities: Mapping[str, str] = Field({}, max_length=MAX_KINDS)
    relations: Mapping[str, RelationKind] = Field({}, max_length=MAX_KINDS)
    other_types: bool = False

    @model_validator(mode="after")
    def _holds_together(self) -> "ExtractionSchema":
        for kinds in (self.entities, self.relations):
            for name in kinds:
                if not _NAME.fullmatch(name):
                    raise ValueError(
                        f"{name[:60]!r} cannot be a name: use up to 40 letters, digits, spaces, '_' and '-'"
                    )
            if len({plain(name) for name in kinds}) < len(kinds):
                raise ValueError(f"two names of {', '.join(kinds)} are the same but for case, spaces and underscores")
        for name, relation in self.relations.items():
            for kind in (*relation.subject, *relation.object):
                if self.entities and not self.entity(kind):
                    raise ValueError(
                        f"the relation {name!r} names the entity type {kind!r}, which is not in 'entities'"
                    )
        return self

    @property
    def fingerprint(self) -> str:
        """Changes with anything in it."""
        return stable_id("schema", canonical_json(self.model_dump(mode="json")))[:12]

    def entity(self, name: str) -> str | None:
        """The name of an entity type as the schema writes it; None if entities of this type are not wanted."""
        if not self.entities:
            return name
        known = next((known for known in self.entities if plain(known) == plain(name)), None)
        return "" if known is None and self.other_types else known

    def relation(self, name: str, subject: str, object_: str) -> str | None:
        """The name of a relation as the schema writes it; None if there is none between entities of these types."""
        if not self.relations:
            return name
        for known, kind in self.relations.items():
            if plain(known) == plain(name):
                fits = _allows(kind.subject, subject) and _allows(kind.object, object_)
                return known if fits else None
        return None

    @property
    def entities_told(self) -> str:
        """The entity types, as a model is told of them."""
        if not self.entities:
            return "a word in capitals of your choice, such as PERSON, ORG or PRODUCT"
        told = "; ".join(f"{name} ({text})" if text else name for name, text in self.entities.items())
        return f"one of: {told}"

    @property
    def relations_told(self) -> str:
        """The relations, as a model is told of them."""
        if not self.relations:
            return 'a verb phrase of one to four words that reads from subject to object, such as "works for"'
        told = [
            f"{name} (from {_kinds(kind.subject)} to {_kinds(kind.object)}{': ' if kind.description else ''}{kind.description})"
            for name, kind in self.relations.items()
        ]
        return f"one of: {'; '.join(told)}"


DEFAULT_SCHEMA = ExtractionSchema(
    entities={
        "PERSON": "people",
        "ORG": "companies, authorities, teams",
        "GPE": "countries, cities",
        "LOC": "other places",
        "FAC": "buildings, sites",
        "PRODUCT": "products, systems, software, devices",
        "EVENT": "named events, incidents, projects",
        "WORK_OF_ART": "titles of works and documents",
        "LAW": "laws, contracts, standards",
        "CODE": "identifiers such as INC-2041",
        "CONCEPT": "named methods, diseases, substances and the like",
    },
    relations={},
    other_types=True,
)
"""The labels of spaCy as far as they go, so that both speak of the same types."""


def load_schema(path: Path | None) -> ExtractionSchema:
    """The schema of a file, or the default one.

    Raises:
        ConfigError: the file cannot be read or is not a schema; says what is wrong where.
    """
    if path is None:
        return DEFAULT_SCHEMA
    name = f"GRAPHRAG_EXTRACTION_SCHEMA={str(path)!r}"
    try:
        text = path.read_text(encoding="utf-8")
        data = cast(object, json.loads(text) if path.suffix.lower() == ".json" else tomllib.loads(text))
    except (OSError, ValueError, RecursionError) as exc:
        raise ConfigError(
            f"{name} cannot be read as {'JSON' if path.suffix.lower() == '.json' else 'TOML'}: {exc}"
        ) from exc
    try:
        return ExtractionSchema.model_validate(data)
    except ValidationError as exc:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in error['loc']) or 'the file'}: {error['msg']}"
            for error in exc.errors()[:5]
        )
        raise ConfigError(f"{name} is not a schema of entities and relations: {problems}") from exc


def _allows(kinds: tuple[str, ...], kind: str) -> bool:
    return not kinds or any(plain(one) == plain(kind) for one in kinds)


def _kinds(kinds: tuple[str, ...]) -> str:
    return " or ".join(kinds) or "any"
