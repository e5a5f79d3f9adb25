"""`graphrag replies`: replies of the language model that are kept, so that none is paid for twice."""

from typing import Annotated

import typer

from api.cli.options import JsonOption, TenantOption, scope_of, with_stores
from api.cli.output import line, print_json
from graphrag.stores.system_rows import now

replies = typer.Typer(no_args_is_help=True, help="Kept replies of the language model.")

DaysOption = Annotated[
    int, typer.Option("--days", metavar="N", min=0, max=36_500, help="Only those kept more than N days ago.")
]


@replies.command()
def count(tenant: TenantOption = "default", days: DaysOption = 0, as_json: JsonOption = False) -> None:
    """Count the replies that are kept of a tenant."""
    before, name = _before(days), scope_of(tenant).tenant
    _print(with_stores(lambda _, system: system.count_replies(name, before=before)), "kept", as_json)


@replies.command()
def remove(tenant: TenantOption = "default", days: DaysOption = 0, as_json: JsonOption = False) -> None:
    """Remove replies of a tenant: all, or the older ones. What was stored from them stays.

    They repeat what the documents say, deleted ones included. A document that is ingested anew without them is paid for anew.
    """
    before, name = _before(days), scope_of(tenant).tenant
    _print(with_stores(lambda _, system: system.remove_replies(name, before=before)), "removed", as_json)


def _before(days: int) -> str:
    return now(ago=86_400 * days) if days else ""


def _print(number: int, what: str, as_json: bool) -> None:
    if as_json:
        print_json({what: number})
    else:
        line(f"{number:,} {'reply' if number == 1 else 'replies'} {what}")
