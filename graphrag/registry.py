"""Implementations by name: a new one is a file and a line here. Modules are imported only when chosen."""

import importlib
from collections.abc import Mapping

from graphrag.errors import ConfigError, MissingExtraError

STORES: Mapping[str, tuple[str, str]] = {
    "sqlite": ("graphrag.stores.embedded.open:open_stores", ""),
    **dict.fromkeys(
        ("neo4j", "neo4j+s", "neo4j+ssc", "bolt", "bolt+s", "bolt+ssc"), ("graphrag.stores.neo4j.open:open_stores", "")
    ),
}
EMBEDDERS: Mapping[str, tuple[str, str]] = {
    "minilm": ("graphrag.embedding.minilm:MiniLM", ""),
    "hashing": ("graphrag.embedding.hashing:Hashing", ""),
    **dict.fromkeys(
        ("openai", "gemini", "cohere", "mistral", "ollama", "vllm", "llamacpp"),
        ("graphrag.embedding.remote:open_remote", ""),
    ),
}


def resolve(registry: Mapping[str, tuple[str, str]], name: str) -> object:
    """The class or function registered under a name.

    Raises:
        ConfigError: the name is unknown; lists the known ones.
        MissingExtraError: its optional packages are missing; holds the command that installs them.
    """
    if name not in registry:
        raise ConfigError(f"{name!r} is not known here; choose one of: {', '.join(sorted(registry))}")
    path, extra = registry[name]
    module, _, attribute = path.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except ImportError as exc:
        if not extra:
            raise
        raise MissingExtraError(f"{name} needs: pip install 'agentic-graphrag-service[{extra}]'") from exc
