"""GraphRAG knowledge service: documents become an entity graph with chunk vectors, questions become cited answers.

The names below are those that callers need most; they are imported when first used, so that a process which needs
one small module (a parser's child process, say) does not pay for the rest.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from graphrag.errors import GraphRAGError
    from graphrag.filters import Filter
    from graphrag.types import Chunk, Document, Entity, Hit, Scope

__version__ = "0.1.0"
__all__ = ["Chunk", "Document", "Entity", "Filter", "GraphRAGError", "Hit", "Scope", "__version__"]

_HOME = {
    "Chunk": "graphrag.types",
    "Document": "graphrag.types",
    "Entity": "graphrag.types",
    "Filter": "graphrag.filters",
    "GraphRAGError": "graphrag.errors",
    "Hit": "graphrag.types",
    "Scope": "graphrag.types",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'graphrag' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
