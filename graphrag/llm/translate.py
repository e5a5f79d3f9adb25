"""From what the SDK raises to errors of ours, which say what to do and never hold a key."""

import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import httpx2
import openai

from graphrag.errors import (
    ContextOverflowError,
    GraphRAGError,
    ModelDeniedError,
    ModelError,
    ModelOutputError,
    ModelRefusedError,
    ModelUnavailableError,
)

MAX_DETAIL = 200
_OVERFLOW = re.compile(
    r"context[ _]?(length|window|size)|maximum context|too many tokens|prompt is too long|exceeds? the (available|maximum)"
    r"|input is too long|n_ctx|reduce the length|is too large to process",
    re.IGNORECASE,
)
_SECRET = re.compile(r"\b(?:sk|key|gsk|xai|pa|co)[-_][\w*-]{6,}|\S*\*{3,}\S*|Bearer\s+\S+", re.IGNORECASE)
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]*@")
_AGAIN = frozenset({408, 409, 425, 500, 502, 503, 504, 520, 522, 524, 529})


@dataclass(frozen=True, slots=True)
class Target:
    """Who is called, for messages."""

    name: str
    """Such as "openai at https://api.openai.com/v1"."""
    model: str
    secret: str
    """Taken out of every message."""
    setting: str = "GRAPHRAG_LLM"
    """How the names of its settings begin."""

    def __repr__(self) -> str:
        return f"Target({self.name!r}, {self.model!r})"


def server_name(provider: str, url: str) -> str:
    """A server for messages, without the user and password that its URL may hold."""
    return f"{provider} at {_CREDENTIALS.sub('', url)}"


def redacted(text: str, secret: str) -> str:
    """A server's words, short and without anything that looks like a key."""
    text = _without_key(" ".join(text.split()), secret)
    return text if len(text) <= MAX_DETAIL else text[: MAX_DETAIL - 1] + "…"


def _without_key(text: str, secret: str) -> str:
    return _SECRET.sub("(key)", text.replace(secret, "(key)") if secret else text)


def _scrub(exc: BaseException, secret: str) -> None:
    """Take keys out of an error and what it came from: a log that holds the traceback shows the words of each."""
    met: set[int] = set()
    waiting: list[BaseException | None] = [exc]
    while waiting:
        one = waiting.pop()
        if one is not None and id(one) not in met:
            met.add(id(one))
            one.args = tuple(_without_key(a, secret) if isinstance(a, str) else a for a in one.args)
            waiting += [one.__cause__, one.__context__]


def model_error(exc: Exception, target: Target) -> GraphRAGError:
    """The error of ours for what a call raised; ours are passed through.

    What the SDK raises on replies that do not fit its models (TypeError, KeyError, pydantic's ValidationError) is a
    ModelOutputError. What was raised loses its keys, since it becomes the cause of ours.
    """
    name, setting = target.name, target.setting
    _scrub(exc, target.secret)
    match exc:
        case GraphRAGError():
            return exc
        # What is raised while a reply is read, the SDK takes for a fault of the connection.
        case openai.APIConnectionError(__cause__=GraphRAGError() as ours):
            return ours
        case openai.APITimeoutError():
            return ModelUnavailableError(f"{name} did not answer in time; try again, or use a faster model")
        case openai.APIConnectionError():
            return ModelUnavailableError(
                f"{name} cannot be reached: see whether it runs, and check {setting}_BASE_URL and the network"
            )
        case openai.APIResponseValidationError():
            return ModelOutputError(
                f"{name} answered something that is not of the OpenAI protocol: check {setting}_BASE_URL"
            )
        case openai.APIStatusError():
            return _status_error(exc, target)
        case openai.APIError():  # an error event within a stream
            detail = redacted(exc.message, target.secret)
            if _OVERFLOW.search(exc.message):
                return ContextOverflowError(_overflow(target, detail))
            return ModelUnavailableError(f"{name} broke the reply off: {detail}")
        case _:
            return ModelOutputError(
                f"{name} answered something that cannot be read ({type(exc).__name__}): check that {setting}_BASE_URL is "
                f"an OpenAI-compatible server"
            )


def nothing_generated(error: BaseException | None) -> bool:
    """Whether a failed call certainly cost nothing: the server answered with an error, or was never reached."""
    if isinstance(error, openai.APIStatusError):
        return True
    cause = error.__cause__ if isinstance(error, openai.APIConnectionError) else None
    return isinstance(cause, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout)


def _status_error(exc: openai.APIStatusError, target: Target) -> ModelError:
    name, setting, status = target.name, target.setting, exc.status_code
    detail = redacted(_detail(exc), target.secret)
    if status in (301, 302, 303, 307, 308):
        place = redacted(
            _CREDENTIALS.sub("", exc.response.headers.get("location", "?").partition("?")[0]), target.secret
        )
        return ModelDeniedError(
            f"{name} redirects to {place}, which is not followed, since the key would go there: set {setting}_BASE_URL to where "
            f"the server is"
        )
    if status in (401, 403):
        # Its words are left out: some servers quote the key.
        return ModelDeniedError(
            f"{name} does not accept the key (HTTP {status}): check {setting}_API_KEY and its rights"
        )
    if status == 404:
        return ModelDeniedError(
            f"{name} does not know the model {target.model!r} or the route (HTTP 404: {detail}): check {setting}_MODEL and "
            f"{setting}_BASE_URL"
        )
    if status == 429 and exc.code == "insufficient_quota":
        return ModelDeniedError(f"the account at {name} has no credit left: {detail}")
    if status in (400, 413, 422, 500) and (_OVERFLOW.search(_detail(exc)) or exc.code == "context_length_exceeded"):
        return ContextOverflowError(_overflow(target, detail))
    if status == 429 or status in _AGAIN:
        wait = retry_after(exc.response.headers, time.time())
        what = "gets too many requests" if status == 429 else f"failed (HTTP {status})"
        return ModelUnavailableError(f"{name} {what}: {detail}", retry_after=wait)
    if status == 501:
        return ModelDeniedError(f"{name} cannot do this with the model {target.model!r} (HTTP 501): {detail}")
    if status >= 500:
        return ModelUnavailableError(f"{name} failed (HTTP {status}): {detail}")
    return ModelRefusedError(f"{name} refuses the request (HTTP {status}): {detail}")


def _overflow(target: Target, detail: str) -> str:
    return f"the request is longer than {target.model!r} can read ({detail}): use a model with a larger context"


def _detail(exc: openai.APIStatusError) -> str:
    body = exc.body
    if isinstance(body, Mapping):
        for name in ("message", "detail", "error"):
            if isinstance(found := body.get(name), str):
                return found
    return exc.message


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds to wait as the headers of a response say: `retry-after-ms`, or Retry-After in seconds or as a date.

    None if they say nothing, or nothing sensible.
    """
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name, "").strip()
        try:
            seconds = float(value) * scale
        except ValueError:
            continue
        if math.isfinite(seconds) and seconds >= 0:
            return seconds
    try:
        return max(0.0, parsedate_to_datetime(headers.get("retry-after", "")).timestamp() - now)
    except (ValueError, TypeError):
        return None
