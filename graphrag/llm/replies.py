"""Replies of models that are kept, so that none is paid for twice: after a crash, at a retry, when a document changes in part.

A reply is kept as soon as it has come, apart from whatever is made of it. It is known by a hash of all that decides what the
model would say; who keeps it makes the key. Replies belong to a tenant: nobody learns from what another one has paid for.
They repeat what the texts say that the model read, and stay until they are removed.
"""

from collections.abc import Sequence
from typing import Protocol


class Replies(Protocol):
    """Where replies are kept. SystemStore is one."""

    async def replies(self, tenant: str, keys: Sequence[str]) -> dict[str, str]:
        """Kept replies of a tenant by key; keys without one are left out."""
        ...

    async def keep_reply(self, tenant: str, key: str, text: str) -> None:
        """Keep a reply; one that is kept under the key already stays."""
        ...

    async def count_replies(self, tenant: str, *, before: str = "") -> int:
        """How many replies of a tenant are kept; with `before` (UTC, ISO 8601, seconds), those that were kept earlier."""
        ...

    async def remove_replies(self, tenant: str, *, before: str = "") -> int:
        """Remove what `count_replies` counts, and return how many were removed."""
        ...
