"""Ends the making of mailboxes that was broken off: whoever began it was killed, or got no answer.

Such a mailbox is in no list, and may be there at its provider, with a password that only we know. To make it once more
is what a provider answers with the very same one, so that it needs not be known how far the making came.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from seezar.errors import SeezarError
from seezar.mail.directory import Directory
from seezar.mail.provider import Address

# Longer than any making takes: whoever began it may still be at it.
GRACE = timedelta(minutes=5)

log = logging.getLogger(__name__)


async def finish(directory: Directory, make: Callable[[Address], Awaitable[Address]]) -> None:
    """Make the mailboxes that are reserved and not made, each when it is old enough.

    What its provider refuses is forgotten. What cannot be made now stays as it is, for the next time.

    Args:
        make: makes a reserved mailbox, or forgets it when it cannot be made at all.
    """
    try:
        for reserved in await directory.unfinished():
            await asyncio.sleep((reserved.created_at + GRACE - datetime.now(UTC)).total_seconds())
            await _finish_one(directory, reserved, make)
    except SeezarError as error:
        log.warning("mailboxes that are not made cannot be looked at: %s", error.status)


async def _finish_one(directory: Directory, reserved: Address, make: Callable[[Address], Awaitable[Address]]) -> None:
    found = await directory.find(reserved.address)
    if found is None or found.id:
        return
    try:
        await make(found)
    except SeezarError as error:
        log.warning("a mailbox at %s was not made: %s", found.provider, error.status)
    except Exception as error:  # noqa: BLE001 - whatever a provider's module does, the others are made
        log.error("a mailbox at %s was not made: unexpected %s", found.provider, type(error).__name__)
    else:
        log.info("a mailbox at %s was made to its end", found.provider)
