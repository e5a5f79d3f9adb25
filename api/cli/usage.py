"""`graphrag usage`: what calls of language models used, by day, key and job."""

from typing import Annotated

import typer

from api.cli.options import JsonOption, TenantOption, scope_of, with_stores
from api.cli.output import line, print_json, show, table
from graphrag.llm.usage import Account, Usage
from graphrag.stores.base import GraphStore
from graphrag.stores.system import SystemStore


def usage(
    tenant: TenantOption = "default",
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, max=10_000, help="Accounts shown.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """Show the tokens and cost of language models.

    By day: of everybody together, and of each key of the tenant; of each ingest job as a whole.
    """
    scope = scope_of(tenant)

    async def work(_: GraphStore, system: SystemStore) -> list[tuple[Account, Usage]]:
        accounts = [*await system.usage("", kind="total", limit=limit), *await system.usage(scope.tenant, limit=limit)]
        return sorted(accounts, key=lambda held: held[0].day, reverse=True)[:limit]

    accounts = with_stores(work)
    if as_json:
        print_json({"accounts": [account_to_json(account, used) for account, used in accounts]})
        return
    if not accounts:
        line("No language model has been used.")
        return
    rows = table("day", "of", "id", "calls", "input", "output", "USD", right=("calls", "input", "output", "USD"))
    for account, used in accounts:
        rows.add_row(
            account.day or "-",
            "everybody" if account.kind == "total" else account.kind,
            account.id,
            f"{used.calls:,}",
            f"{used.input_tokens:,}",
            f"{used.output_tokens:,}",
            f"{used.dollars:.4f}" if used.cost else "-",
        )
    show(rows)


def account_to_json(account: Account, used: Usage) -> dict[str, object]:
    """An account as JSON."""
    return {
        "kind": account.kind,
        "id": account.id,
        "day": account.day,
        "calls": used.calls,
        "input_tokens": used.input_tokens,
        "output_tokens": used.output_tokens,
        "cost_usd": used.dollars,
    }
