"""Long waits end when nobody wants their outcome any more."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from starlette.requests import Request


async def while_wanted[T](request: Request, waiting: Coroutine[Any, Any, T]) -> T | None:
    """The outcome of `waiting`; None when its client has gone, or the server stops, before that.

    What `waiting` raises is raised here.
    """
    stopping: asyncio.Event = request.app.state.mail.closing
    wanted = asyncio.ensure_future(waiting)
    others = [asyncio.ensure_future(_gone(request)), asyncio.ensure_future(stopping.wait())]
    try:
        await asyncio.wait([wanted, *others], return_when=asyncio.FIRST_COMPLETED)
        return await wanted if wanted.done() else None
    finally:
        for task in (wanted, *others):
            task.cancel()
        for task in (wanted, *others):
            # How it ends has been told, or is wanted by nobody.
            with suppress(asyncio.CancelledError, Exception):
                await task


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
