"""Tokens and money: what model calls used, and budgets that no call may exceed.

Whoever answers a question or works on a job opens a Purse (`paying`); every model call inside reserves from it what it may
cost at most, its input and the longest output, and settles with what it did cost. Reservations are made in the store, in
one transaction over all accounts, so they hold between tasks and between processes. So a budget is exceeded by no more than
the input was underestimated.

A process that dies between the two leaves its reservation counted as spent, until the end of the day on daily accounts.
"""

import asyncio
import logging
import math
from collections.abc import Collection, Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, Protocol

from graphrag.errors import BudgetError, GraphRAGError

AccountKind = Literal["total", "key", "job"]
NANO = 1_000_000_000
BYTES_PER_TOKEN = 3
"""Of UTF-8, at least: English has about four, other scripts one token for each character of three bytes."""
TOKENS_PER_MESSAGE = 8
"""What a chat template adds to a message, at most in the models met."""

_SETTINGS = {"total": "GRAPHRAG_LLM_DAILY", "key": "GRAPHRAG_LLM_KEY_DAILY", "job": "GRAPHRAG_LLM_JOB"}
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens."""

    input: float
    output: float


@dataclass(frozen=True, slots=True)
class Usage:
    """What calls used. Costs are billionths of a US dollar, so that sums are exact."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: int = 0

    @property
    def tokens(self) -> int:
        """Input and output."""
        return self.input_tokens + self.output_tokens

    @property
    def dollars(self) -> float:
        """The cost in US dollars."""
        return self.cost / NANO

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.calls + other.calls,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cost + other.cost,
        )

    def __sub__(self, other: "Usage") -> "Usage":
        return Usage(
            self.calls - other.calls,
            self.input_tokens - other.input_tokens,
            self.output_tokens - other.output_tokens,
            self.cost - other.cost,
        )


def used(price: Price | None, input_tokens: int, output_tokens: int) -> Usage:
    """The usage of one call; the cost is 0 where the price is not known."""
    rates = price or Price(0.0, 0.0)
    # Dollars per million tokens are thousands of billionths per token.
    cost = math.ceil(input_tokens * rates.input * 1000) + math.ceil(output_tokens * rates.output * 1000)
    return Usage(1, input_tokens, output_tokens, cost)


@dataclass(frozen=True, slots=True)
class Limit:
    """The most that an account may hold; 0 is no limit."""

    tokens: int = 0
    dollars: float = 0.0

    def exceeded_by(self, usage: Usage) -> str:
        """What is wrong with a usage, such as "1,200 of 1,000 tokens"; empty if it is within the limit."""
        if self.tokens and usage.tokens > self.tokens:
            return f"{usage.tokens:,} of {self.tokens:,} tokens"
        if self.dollars and usage.cost > round(self.dollars * NANO):
            return f"{usage.dollars:.6f} of {self.dollars:.6f} US dollars"
        return ""


@dataclass(frozen=True, slots=True, order=True)
class Account:
    """Something that usage is counted for: everything, a key or a job; by day, but for jobs."""

    kind: AccountKind
    tenant: str = ""
    """Empty for `total`, which is over all tenants."""
    id: str = ""
    day: str = ""
    """UTC, ISO 8601; empty where it is over all days."""


@dataclass(frozen=True, slots=True)
class Charge:
    """A usage to be added to an account, whose limit it must not exceed. With negative numbers it is given back."""

    account: Account
    usage: Usage
    limit: Limit = Limit()


class Books(Protocol):
    """Where accounts are kept. SystemStore is one."""

    async def charge(self, charges: Sequence[Charge]) -> None:
        """Add to all accounts, or to none if that would exceed the limit of one.

        Raises:
            BudgetError: which account, and by how much.
        """
        ...

    async def usage(
        self,
        tenant: str,
        *,
        kind: AccountKind | None = None,
        access: Collection[str] | None = None,
        limit: int = 1000,
    ) -> list[tuple[Account, Usage]]:
        """Accounts of a tenant (of all of them for "", which has the kind `total` alone), the latest day first.

        Those of jobs, which are over all days, come last: by when the job was submitted, the newest first, and at the end those
        of jobs that are not kept any more.

        Args:
            access: labels held. Jobs that need another one are left out, and those that are not kept, of which nobody knows;
                with ALL_ACCESS among them, and with None, there is nothing that is not seen.
            limit: accounts of each kind.
        """
        ...


def latest(accounts: Collection[tuple[Account, Usage]], limit: int) -> tuple[list[tuple[Account, Usage]], bool]:
    """The first `limit` accounts of days, the latest day first, and of what is over all days; and whether there are more."""
    by_day = sorted((held for held in accounts if held[0].day), key=lambda held: held[0].day, reverse=True)
    of_jobs = [held for held in accounts if not held[0].day]
    shown = by_day[:limit] + of_jobs[:limit]
    return shown, len(shown) < len(accounts)


def check_charges(charges: Sequence[Charge], held: Sequence[Usage]) -> list[Usage]:
    """What the accounts hold with the charges, in order. For stores, within their transaction.

    Raises:
        BudgetError: as Books.charge.
    """
    after = [usage + charge.usage for usage, charge in zip(held, charges, strict=True)]
    for charge, usage in zip(charges, after, strict=True):
        # Corrections come without a limit: what was used was used.
        if problem := charge.limit.exceeded_by(usage):
            account = charge.account
            later = ", or wait for the next day" if account.day else ""
            raise BudgetError(_too_little(spoken(account), problem, _SETTINGS[account.kind]) + later)
    return after


def _too_little(account: str, problem: str, setting: str) -> str:
    return (
        f"the budget of {account} does not suffice for this call, with which it could come to {problem}: raise "
        f"{setting}_{'TOKENS' if problem.endswith('tokens') else 'COST'}"
    )


def spoken(account: Account) -> str:
    """An account as people say it."""
    day = f" on {account.day}" if account.day else ""
    return {"total": "all model calls", "key": f"the key {account.id}", "job": f"the job {account.id}"}[
        account.kind
    ] + day


def today() -> str:
    """The day that accounts are kept for."""
    return datetime.now(UTC).strftime("%Y-%m-%d")


@dataclass(frozen=True, slots=True)
class Limits:
    """The budgets that are configured."""

    answer: Limit = Limit()
    key: Limit = Limit()
    job: Limit = Limit()
    total: Limit = Limit()


@dataclass(frozen=True, slots=True)
class Reservation:
    """What a call may use at most, until it is settled."""

    most: Usage
    charges: tuple[Charge, ...]


@dataclass(slots=True)
class Purse:
    """Pays for the model calls of one answer or job.

    Args:
        books: where the accounts of `charged` are kept; None keeps nothing.
        limit: of this purse alone; that of an answer, since a job has an account.
        charged: further accounts that each call counts for, with their limits. An empty day is filled in at the call, so
            that a long job is counted on the days on which it ran; jobs have none.
    """

    books: Books | None = None
    limit: Limit = field(default_factory=Limit)
    charged: Sequence[tuple[Account, Limit]] = ()
    spent: Usage = field(default_factory=Usage)
    """Settled so far."""
    reserved: Usage = field(default_factory=Usage)

    def affords(self, most: Usage) -> bool:
        """Whether the purse's own limit leaves room; the accounts are only known to the books."""
        return not self.limit.exceeded_by(self.spent + self.reserved + most)

    async def reserve(self, most: Usage) -> Reservation:
        """Set aside what a call may use.

        Raises:
            BudgetError: the purse or one of the accounts does not hold so much.
        """
        if problem := self.limit.exceeded_by(self.spent + self.reserved + most):
            raise BudgetError(_too_little("this answer", problem, "GRAPHRAG_LLM_ANSWER"))
        self.reserved += most
        day = today()
        charges = tuple(
            Charge(Account(a.kind, a.tenant, a.id, "" if a.kind == "job" else day), most, limit)
            for a, limit in self.charged
        )
        try:
            if self.books is not None and charges:
                await self.books.charge(charges)
        except BaseException:
            self.reserved -= most
            raise
        return Reservation(most, charges)

    async def settle(self, reservation: Reservation, actual: Usage) -> None:
        """Replace a reservation by what was used; goes through even when the caller is being cancelled."""
        self.reserved -= reservation.most
        self.spent += actual
        if self.books is not None and reservation.charges:
            difference = actual - reservation.most
            corrections = [Charge(charge.account, difference) for charge in reservation.charges]
            await asyncio.shield(asyncio.ensure_future(_correct(self.books, corrections)))


async def _correct(books: Books, corrections: Sequence[Charge]) -> None:
    try:
        await books.charge(corrections)
    except GraphRAGError:
        # The answer is there and paid for: it is not lost because of the count, which errs on the high side now.
        _log.warning("what a model call used could not be settled, its reservation stays", exc_info=True)


_current: ContextVar[Purse | None] = ContextVar("graphrag_purse", default=None)


@contextmanager
def paying(purse: Purse) -> Generator[Purse]:
    """Let a purse pay for the model calls inside the block, tasks started in it included."""
    token = _current.set(purse)
    try:
        yield purse
    finally:
        _current.reset(token)


def current_purse() -> Purse:
    """The purse that pays here; outside of any `paying`, one that counts for nobody."""
    return _current.get() or Purse()


def estimate_tokens(*texts: str) -> int:
    """Tokens of texts for a model whose tokenizer is not known: rather too many than too few."""
    return sum(math.ceil(len(text.encode(errors="replace")) / BYTES_PER_TOKEN) for text in texts)
