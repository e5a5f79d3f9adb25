"""Errors: each says what failed, with which value, and what to do about it.

    GraphRAGError
    ├ ConfigError              settings or start-up; the process should not go on
    │  └ MissingExtraError     an optional package is not installed
    ├ InputError               the caller's input is wrong; nothing was written
    │  ├ UnsupportedFormatError
    │  └ DocumentParseError
    ├ NotFoundError
    ├ StoreError               the store failed or is busy
    │  ├ SchemaMismatchError   the store was written by other software or another model
    │  └ LeaseLostError        another worker took over the job, or it was cancelled
    └ ModelError               an embedder, extractor or language model failed

Exceptions carry text only and do no I/O.
"""


class GraphRAGError(Exception):
    """Base of every error this software raises on purpose."""

    exit_code = 1


class ConfigError(GraphRAGError):
    """A setting is unknown, malformed or contradicts another one."""

    exit_code = 2


class MissingExtraError(ConfigError, ImportError):
    """An optional package is missing; the message holds the command that installs it."""


class InputError(GraphRAGError):
    """The input cannot be accepted as it is."""

    exit_code = 3


class UnsupportedFormatError(InputError):
    """No loader knows this kind of document."""


class DocumentParseError(InputError):
    """A loader knows the kind of document but cannot read this one."""


class NotFoundError(GraphRAGError):
    """The id does not exist, or the caller's scope does not see it."""

    exit_code = 4


class StoreError(GraphRAGError):
    """The store could not do what was asked."""

    exit_code = 5


class SchemaMismatchError(StoreError):
    """The store holds data of another schema version or another embedding model."""


class LeaseLostError(StoreError):
    """The worker no longer holds the job; nothing of the refused call was done."""


class ModelError(GraphRAGError):
    """A model failed to load or to answer."""

    exit_code = 6
