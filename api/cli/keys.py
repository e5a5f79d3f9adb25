"""`graphrag keys`: who may use the service."""

from typing import Annotated

import typer

from api.cli.options import JsonOption, TenantOption, id_named, scope_of, store_named_by, with_stores
from api.cli.output import line, print_json, say, show, table
from api.keys import make_key
from graphrag.errors import InputError
from graphrag.settings import load_settings
from graphrag.stores.system import ApiKey, KeyRole
from graphrag.stores.system_rows import now
from graphrag.types import PUBLIC

MAX_NAME = 100

keys = typer.Typer(no_args_is_help=True, help="API keys of the service.")


@keys.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who or what uses it, for people.")],
    role: Annotated[
        KeyRole, typer.Option("--role", help="reader: ask and look; admin: ingest and delete in the tenant, too.")
    ] = "reader",
    tenant: TenantOption = "default",
    access: Annotated[
        str,
        typer.Option("--access", metavar="LABELS", help="Labels it holds besides public, comma-separated; '*' is all."),
    ] = PUBLIC,
    days: Annotated[
        int | None, typer.Option("--days", metavar="N", min=1, max=36_500, help="Ends after so many days.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a key. Its secret is shown this once and cannot be read again."""
    if not name.strip() or len(name) > MAX_NAME or not name.isprintable():
        raise InputError(f"the name of a key has 1 to {MAX_NAME} printable characters")
    key, secret = make_key(name.strip(), role, scope_of(tenant, access), days=days)
    with_stores(lambda _, system: system.add_key(key), create=True)
    if as_json:
        print_json({**_to_json(key), "secret": secret})
        return
    ends = f", until {key.expires_at}" if key.expires_at else ""
    say(f"Key {key.id} ({key.name}): {key.role} of tenant {tenant!r}, access {_access(key)}{ends}.")
    line(f"Stored in {store_named_by(load_settings())}")  # which this may just have made, where a path was mistyped
    say("The secret, shown only now:")
    line(secret)


@keys.command("list")
def list_keys(tenant: TenantOption = "default", as_json: JsonOption = False) -> None:
    """List the keys of a tenant, without their secrets."""
    found = with_stores(lambda _, system: system.keys(scope_of(tenant).tenant))
    if as_json:
        print_json({"keys": [_to_json(key) for key in found]})
        return
    if not found:
        say(f"Tenant {tenant!r} has no keys; 'graphrag keys create NAME' makes one.")
        return
    listed = table("id", "name", "role", "access", "created", "state", whole=("id", "role", "created", "state"))
    for key in found:
        listed.add_row(key.id, key.name, key.role, _access(key), key.created_at[:10], _state(key))
    show(listed)


@keys.command()
def revoke(
    id: Annotated[str, typer.Argument(metavar="ID", callback=id_named, help="As 'graphrag keys list' shows it.")],
    tenant: TenantOption = "default",
    as_json: JsonOption = False,
) -> None:
    """Revoke a key. Running services refuse it from the next request on."""
    with_stores(lambda _, system: system.revoke_key(scope_of(tenant).tenant, id))
    if as_json:
        print_json({"revoked": id})
    else:
        line(f"revoked {id}")


def _to_json(key: ApiKey) -> dict[str, object]:
    return {
        "id": key.id,
        "name": key.name,
        "role": key.role,
        "tenant": key.scope.tenant,
        "access": sorted(key.scope.access),
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
    }


def _access(key: ApiKey) -> str:
    return ", ".join(sorted(key.scope.access))


def _state(key: ApiKey) -> str:
    if key.revoked_at is not None:
        return f"revoked {key.revoked_at[:10]}"
    if key.expires_at is None:
        return "active"
    return f"{'expired' if key.expires_at <= now() else 'active until'} {key.expires_at[:10]}"
