"""Implementations by name: a new one is a file and a line here. Modules are imported only when chosen."""

from collections.abc import Mapping
from pkgutil import resolve_name

from graphrag.errors import ConfigError

NEO4J_SCHEMES = ("neo4j", "neo4j+s", "neo4j+ssc", "bolt", "bolt+s", "bolt+ssc")
STORES: Mapping[str, str] = {
    "sqlite": "graphrag.stores.embedded.open:open_stores",
    **dict.fromkeys(NEO4J_SCHEMES, "graphrag.stores.neo4j.open:open_stores"),
}
EMBEDDERS: Mapping[str, str] = {
    "auto": "graphrag.embedding.installed:open_installed",
    "minilm": "graphrag.embedding.minilm:open_minilm",
    "local": "graphrag.embedding.folder:open_folder",
    "hashing": "graphrag.embedding.hashing:Hashing",
    **dict.fromkeys(
        ("openai", "gemini", "cohere", "mistral", "ollama", "vllm", "llamacpp"), "graphrag.embedding.remote:open_remote"
    ),
}


def resolve(registry: Mapping[str, str], name: str) -> object:
    """The class or function registered under a name.

    Raises:
        ConfigError: the name is unknown; lists the known ones.
    """
    if name not in registry:
        raise ConfigError(f"{name!r} is not known here; choose one of: {', '.join(sorted(registry))}")
    return resolve_name(registry[name])
