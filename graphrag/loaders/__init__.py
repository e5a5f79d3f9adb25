"""Loaders: from the bytes of a file to the text of its documents, with headings, pages and metadata.

`find_files` lists what there is, `load_file` and `load_bytes` read it, and a `ParserProcess` holds the parsers of
untrusted formats. How to add a format: see `graphrag.loaders.registry`.
"""

from graphrag.loaders.base import LoadedDocument
from graphrag.loaders.discovery import find_files
from graphrag.loaders.loading import load_bytes, load_file
from graphrag.loaders.registry import suffix_of, supported
from graphrag.loaders.sandbox import ParserProcess

__all__ = [
    "LoadedDocument",
    "ParserProcess",
    "find_files",
    "load_bytes",
    "load_file",
    "suffix_of",
    "supported",
]
