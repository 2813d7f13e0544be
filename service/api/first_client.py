"""The first client: made when the API is started for the first time, its secret shown once, on a terminal."""

import asyncio
import sys
from typing import TYPE_CHECKING

from seezar.settings import Settings

if TYPE_CHECKING:
    from seezar.access.clients import NewClient

NAME = "admin"


def ensure_first_client(settings: Settings, url: str) -> None:
    """Make a client `admin` with the scope `admin` if there is no client, and show its secret.

    Only somebody at a terminal is shown it: what is printed elsewhere ends up in a log. Without one no client is made.

    Args:
        url: of the migrated database.
    """
    from service.terminal import note, say

    if not sys.stdout.isatty():
        if not asyncio.run(_has_client(settings, url)):
            note(f"There is no client of the API yet. Make one: seezar client add {NAME} --scope admin")
        return
    made = asyncio.run(_first(settings, url))
    if made is not None:
        say(f"This is the first start. Client {made.client.id} (name {NAME}, scope admin) was made.", style="green")
        say(f"Its secret, shown this once: {made.secret}")


async def _first(settings: Settings, url: str) -> "NewClient | None":
    from seezar.application import Application

    async with await Application.open(settings, url, application_name="seezar-client-api", max_connections=2) as app:
        return await app.access.clients.add_first(NAME)


async def _has_client(settings: Settings, url: str) -> bool:
    from seezar.application import Application

    async with await Application.open(settings, url, application_name="seezar-client-api", max_connections=2) as app:
        return bool(await app.access.clients.list())
