"""Waiting at a provider whose wake-ups may be lost: its list is looked at after each of them, and at times without."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from seezar.mail.errors import MailProviderUnavailable


async def look_until(
    look: Callable[[], Awaitable[bool]], woken: asyncio.Event, timeout: float, pause: Callable[[], float]
) -> bool:
    """Look after every wake-up, and after a pause without one, until there is something (True) or time is up.

    Args:
        look: whether there is something. While the provider is away there is nothing.
        woken: set by whoever has a reason to look again.
        timeout: seconds.
        pause: seconds until the next look, should nobody wake.
    """
    clock = asyncio.get_running_loop().time
    deadline = clock() + timeout
    while True:
        # Whatever comes from here on sets the event; what came before is found by looking.
        woken.clear()
        with contextlib.suppress(MailProviderUnavailable):
            if await look():
                return True
        remaining = deadline - clock()
        if remaining <= 0:
            return False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(remaining, pause())):
                await woken.wait()
