"""API keys: how one is made, hashed and judged. The secret is shown once and stored only as its SHA-256."""

import hashlib
import hmac
import secrets
import time

from graphrag.stores.system import ApiKey, KeyRole
from graphrag.stores.system_rows import now
from graphrag.types import Scope

PREFIX = "graphrag_"
"""Begins every secret, so that scanners of leaked secrets can know one."""

REMEMBERED_SECONDS = 3600.0
_MAX_REMEMBERED = 100


def make_key(name: str, role: KeyRole, scope: Scope, *, days: int | None = None) -> tuple[ApiKey, str]:
    """A new key that ends after so many days, and its secret of 256 random bits."""
    secret = PREFIX + secrets.token_urlsafe(32)
    expires = now(ago=-86_400 * days) if days is not None else None
    return ApiKey(secrets.token_hex(6), name, hash_of(secret), role, scope, now(), expires), secret


def hash_of(secret: str) -> str:
    """What of a secret is stored. A fast hash is enough: nobody can try 2^256 secrets."""
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()


def is_valid(key: ApiKey, secret: str) -> bool:
    """Whether the secret is the key's, and the key neither revoked nor expired."""
    same = hmac.compare_digest(key.secret_sha256, hash_of(secret))
    return same and key.revoked_at is None and (key.expires_at is None or key.expires_at > now())


class LastSeen:
    """Valid keys that were seen lately, for what has to answer while the store is away."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[float, ApiKey]] = {}

    def note(self, hashed: str, key: ApiKey | None) -> None:
        """What the store says of a secret just now: a valid key, or none."""
        self._seen.pop(hashed, None)
        if key is not None:
            self._seen[hashed] = (time.monotonic(), key)
        while len(self._seen) > _MAX_REMEMBERED:
            del self._seen[next(iter(self._seen))]

    def key(self, hashed: str) -> ApiKey | None:
        """The key, if the store called it valid within REMEMBERED_SECONDS."""
        when, key = self._seen.get(hashed, (float("-inf"), None))
        return key if time.monotonic() - when < REMEMBERED_SECONDS else None
