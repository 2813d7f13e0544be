"""A wait ends with its client, and with the server."""

import asyncio
import time

import httpx

from seezar.access import Scope
from service.api.app import close_streams
from tests.api.v1.server import ApiServer


def _waits() -> int:
    """How many wait for a message in this process, which is that of the server, too."""
    names = [getattr(task.get_coro(), "__qualname__", "") for task in asyncio.all_tasks()]
    return sum(name.endswith("MessageStore.wait") for name in names)


async def _until(waits: int) -> None:
    async with asyncio.timeout(20):
        while _waits() != waits:  # noqa: ASYNC110 - nothing tells that a task has ended
            await asyncio.sleep(0.01)


async def _waiting(api: ApiServer, client: httpx.AsyncClient) -> asyncio.Task[httpx.Response]:
    box = await api.application.mail.create("ops")
    asked = asyncio.create_task(client.get(f"/v1/mailboxes/{box.address}/wait?seconds=60"))
    await _until(1)
    return asked


async def test_nobody_waits_for_a_client_that_has_gone(api: ApiServer) -> None:
    async with await api.client(Scope.MAIL_READ) as client:
        asked = await _waiting(api, client)
        asked.cancel()
        await _until(0)


async def test_a_server_that_stops_ends_the_waits(api: ApiServer) -> None:
    async with await api.client(Scope.MAIL_READ) as client:
        asked = await _waiting(api, client)
        begun = time.monotonic()
        close_streams(api.app)
        assert (await asked).status_code == 204
        assert time.monotonic() - begun < 20
        await _until(0)
