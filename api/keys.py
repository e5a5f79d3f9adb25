"""API keys: how one is made, hashed and judged. The secret is shown once and stored only as its SHA-256."""

import hashlib
import hmac
import secrets
from datetime import UTC, datetime, timedelta

from graphrag.stores.system import ApiKey, KeyRole
from graphrag.types import Scope

PREFIX = "graphrag_"
"""Begins every secret, so that scanners of leaked secrets can know one."""


def make_key(name: str, role: KeyRole, scope: Scope, *, days: int | None = None) -> tuple[ApiKey, str]:
    """A new key that ends after so many days, and its secret of 256 random bits."""
    secret = PREFIX + secrets.token_urlsafe(32)
    now = datetime.now(UTC)
    expires = timestamp(now + timedelta(days=days)) if days is not None else None
    return ApiKey(secrets.token_hex(6), name, hash_of(secret), role, scope, timestamp(now), expires), secret


def hash_of(secret: str) -> str:
    """What of a secret is stored. A fast hash is enough: nobody can try 2^256 secrets."""
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()


def is_valid(key: ApiKey, secret: str, now: str) -> bool:
    """Whether the secret is the key's, and the key neither revoked nor expired at `now` (as `timestamp` gives it)."""
    same = hmac.compare_digest(key.secret_sha256, hash_of(secret))
    return same and key.revoked_at is None and (key.expires_at is None or key.expires_at > now)


def timestamp(moment: datetime | None = None) -> str:
    """A moment, by default now, as the SystemStore writes it."""
    return (moment or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")
