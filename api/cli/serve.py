"""`graphrag serve`: the HTTP service."""

import asyncio
from typing import Annotated

import typer

from api.cli.options import lacks_store, store_named_by
from api.cli.output import line
from graphrag.bootstrap import open_stores
from graphrag.errors import ConfigError
from graphrag.settings import Settings, load_settings
from graphrag.stores.system_rows import now


def serve(
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on (GRAPHRAG_HOST).")] = None,
    port: Annotated[int | None, typer.Option("--port", help="Port to listen on (GRAPHRAG_PORT).")] = None,
    dev: Annotated[
        bool, typer.Option("--dev", help="Without keys, on loopback only: every caller is an admin. For trying things.")
    ] = False,
) -> None:
    """Serve the knowledge base over HTTP.

    Needs a key ('graphrag keys create'). Ends on SIGTERM or Ctrl-C once open requests are answered.
    """
    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    settings = load_settings(**given)
    if not dev and (lacks_store(settings) or not asyncio.run(_has_key(settings))):
        raise ConfigError(
            f"{store_named_by(settings)} holds no valid API key, so nobody could use the service. Make one:\n"
            "  graphrag keys create me --role admin --access '*'\n"
            "or try things on this machine without keys: graphrag serve --dev"
        )
    from api.server import run  # the web framework takes a while to import, and no other command needs it

    run(settings, development=dev, announce=line)


async def _has_key(settings: Settings) -> bool:
    async with open_stores(settings) as (_, system):
        return await system.has_key(now())
