"""`graphrag usage`: what calls of language models used, by day, key and job."""

from typing import Annotated

import typer

from api.cli.options import JsonOption, TenantOption, scope_of, with_stores
from api.cli.output import line, print_json, show, table
from api.views import account_out
from graphrag.llm.usage import Account, Usage, latest
from graphrag.stores.base import GraphStore
from graphrag.stores.system import SystemStore


def usage(
    tenant: TenantOption = "default",
    limit: Annotated[
        int, typer.Option("--limit", metavar="N", min=1, max=10_000, help="Accounts shown, of days and of jobs each.")
    ] = 50,
    as_json: JsonOption = False,
) -> None:
    """Show the tokens and cost of language models.

    By day: of everybody together, and of each key of the tenant; of each ingest job as a whole.
    """
    scope = scope_of(tenant)

    async def work(_: GraphStore, system: SystemStore) -> tuple[list[tuple[Account, Usage]], bool]:
        most = limit + 1
        totals, own = await system.usage("", kind="total", limit=most), await system.usage(scope.tenant, limit=most)
        return latest(totals + own, limit)

    accounts, more = with_stores(work)
    if as_json:
        told = [account_out(account, used).model_dump() | {"kind": account.kind} for account, used in accounts]
        print_json({"accounts": told, "more": more})
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
    if more:
        line("... and more: give a larger --limit")
