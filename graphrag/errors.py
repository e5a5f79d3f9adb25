"""Errors: each says what failed, with which value, and what to do about it.

    GraphRAGError
    ├ ConfigError              settings or start-up; the process should not go on
    ├ InputError               the caller's input is wrong; nothing was written
    │  ├ UnsupportedFormatError
    │  └ DocumentParseError
    ├ NotFoundError
    ├ StoreError               the store failed or is busy
    │  ├ SchemaMismatchError   the store was written by other software or another model
    │  └ LeaseLostError        another worker took over the job, or it was cancelled
    └ ModelError               an embedder, extractor or language model failed
       ├ ModelUnavailableError it cannot be reached, is overloaded, or is too slow: later it may answer
       ├ ModelRefusedError     it does not accept the request: its text, parameters
       │  ├ ModelDeniedError      nor any other one: key, rights, credit, model name, address
       │  └ ContextOverflowError  the request is longer than it can read
       ├ ModelOutputError      it answered, but not in the form that was asked for
       └ BudgetError           the call would exceed a budget; it was not made

Exceptions carry text only and do no I/O.
"""


class GraphRAGError(Exception):
    """Base of every error this software raises on purpose."""

    exit_code = 1


class ConfigError(GraphRAGError):
    """A setting is unknown, malformed or contradicts another one."""

    exit_code = 2


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
    plainly = "failed"
    """What it did, for people who do not run the service: the message may name settings and servers."""


class ModelUnavailableError(ModelError):
    """The model cannot be reached, is overloaded, or did not answer in time.

    Args:
        message: what failed, and what to do.
        retry_after: seconds after which the server wants to be asked again, if it said so.
    """

    plainly = "could not be reached, or did not answer in time"

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ModelRefusedError(ModelError):
    """The server does not accept the request, and will not accept it again."""

    plainly = "refused the request"


class ModelDeniedError(ModelRefusedError):
    """The server accepts no request: for the key, its rights or credit, the model's name, or the address."""

    plainly = "refuses every request"


class ContextOverflowError(ModelRefusedError):
    """The request is longer than the model can read."""

    plainly = "cannot read so much at once"


class ModelOutputError(ModelError):
    """The reply does not have the form that was asked for."""

    plainly = "gave no usable reply"


class BudgetError(ModelError):
    """The call would exceed a budget of tokens or money; it was not made."""

    plainly = "was not asked, since a budget is used up"


FAILED_CALLS = (ModelUnavailableError, ModelRefusedError, ModelOutputError, BudgetError)
"""What a call of a model over the network raises. A question goes on without that model, and says so; a local model that
fails raises ModelError itself, which ends the question."""
ENDS_A_RUN = (ModelUnavailableError, ModelDeniedError, BudgetError)
"""Whatever document is next, it fails, too. Other failures of a model may be those of one document."""
