"""Fetching what arrived at a provider into our own table. Everything above it works on that table alone.

Killed anywhere, or done twice at once, it neither loses a message nor stores it twice: messages are stored before the
cursor moves, and each is stored once.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from weakref import WeakValueDictionary

from seezar.errors import SeezarError
from seezar.mail.directory import Directory
from seezar.mail.errors import MailboxUnknown, MailProviderUnavailable, MessageGone
from seezar.mail.provider import Address, MailProvider, MailRef
from seezar.mail.providers import Providers
from seezar.mail.store import MAX_MESSAGE, MessageStore
from seezar.mail.table import LOCAL

# Longest sleeps, in seconds, of one `MailProvider.wait`. Without push they are the pauses between two looks: somebody
# waits for the code, so the first ones are close together. With push a look between is for wake-ups that were lost.
POLL_INTERVALS = (1.0, 1.0, 2.0, 3.0, 5.0)
PUSH_INTERVAL = 15.0
# Pauses after wake-ups that brought nothing, and after errors.
_VAIN = (0.05, 0.2, 0.5, 1.0, 2.0)
_BACK_OFF = (1.0, 2.0, 4.0, 8.0, 15.0)
# A provider that numbers anew may list what lay in a box before we came to it. Clocks differ by less.
_OLDER = timedelta(hours=1)
# So many messages in a row that cannot be fetched: the provider is away, not the messages.
_GIVE_UP = 3
# A message that cannot be fetched for so long is given up: while it is not, nobody can tell where the mail begins that
# a sign-in asks for, and the mailbox is of no use.
_UNREADABLE_AFTER = timedelta(hours=1)

log = logging.getLogger(__name__)

type Told = Callable[[SeezarError | None], Awaitable[None]]


class Collector:
    """Fetches messages of remote mailboxes.

    Args:
        directory: of all mailboxes, with how far each was collected.
        store: where messages go.
        providers: where they come from.
    """

    def __init__(self, directory: Directory, store: MessageStore, providers: Providers) -> None:
        self._directory = directory
        self._store = store
        self._providers = providers
        # Two collections of a mailbox in one process would only fetch the same things.
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def collect(self, address: Address) -> str:
        """Store what arrived since the last time; returns the provider's cursor behind it.

        Raises:
            MailProviderRefused, MailProviderUnavailable, MailProviderUnknown, SettingsInvalid, SecretMissing: the
                provider cannot be asked. What was fetched before is stored, and the rest is fetched the next time.
            MailboxUnknown: the mailbox was deleted, here or there.
        """
        if address.provider == LOCAL:
            return await self._store.cursor(address.address)
        provider = self._providers.get(address.provider)
        lock = self._locks.setdefault(address.address, asyncio.Lock())
        async with lock:
            before = await self._directory.cursor(address.address)
            while True:
                refs, after = await provider.list_since(address, before)
                await self._fetch(provider, address, refs)
                if after != before:
                    await self._directory.move_cursor(address.address, before, after)
                # A long list comes in parts. What is left out now would seem to have come later than it did.
                if after == before or not refs:
                    return after
                before = after

    async def _fetch(self, provider: MailProvider, address: Address, refs: list[MailRef]) -> None:
        unseen = await self._store.unseen(address.address, [ref.id for ref in refs])
        trouble: MailProviderUnavailable | None = None
        failures = 0
        unreadable: list[MailRef] = []
        for ref in refs:
            if ref.id not in unseen:
                continue
            try:
                await self._fetch_one(provider, address, ref)
                failures = 0
            except MailProviderUnavailable as error:
                # One message that the provider chokes on must not keep the newer ones away.
                failures += 1
                if datetime.now(UTC) - ref.received_at < _UNREADABLE_AFTER:
                    trouble = error
                else:
                    unreadable.append(ref)
                if failures == _GIVE_UP:
                    raise
        for ref in unreadable:
            await self._pass_over(address, ref, "unreadable")
        if trouble is not None:
            raise trouble

    async def _fetch_one(self, provider: MailProvider, address: Address, ref: MailRef) -> None:
        reason = _not_wanted(address, ref)
        if reason is None:
            try:
                raw = await provider.source(address, ref)
            except MessageGone:
                reason = "gone"
            else:
                if len(raw) <= MAX_MESSAGE:
                    await self._store.keep(address.address, raw, provider_message=ref.id, received_at=ref.received_at)
                    return
                reason = "too_large"
        await self._pass_over(address, ref, reason)

    async def _pass_over(self, address: Address, ref: MailRef, reason: str) -> None:
        log.warning("a message at mail provider %s is passed over: %s", address.provider, reason)
        await self._store.pass_over(address.address, ref.id, reason)

    async def follow(self, address: Address, told: Told | None = None) -> None:
        """Collect whatever arrives, until cancelled or the mailbox is deleted. Errors are tried again after a pause.

        Args:
            told: told how each look ended: with an error, or None. What it raises ends this.

        Raises:
            MailboxUnknown: the mailbox was deleted.
        """
        pace = _Pace()
        while True:
            try:
                provider = self._providers.get(address.provider)
                position = await self.collect(address)
                if told is not None:
                    await told(None)
                await asyncio.sleep(pace.collected(position))
                await _wait(provider, address, position, pace)
            except MailboxUnknown:
                raise
            except SeezarError as error:
                log.warning("mail provider %s: %s", address.provider, error.status)
                if told is not None:
                    await told(error)
                await asyncio.sleep(pace.failed())
            except Exception as error:  # noqa: BLE001 - whatever a provider's module does, mail is tried again
                log.error("mail provider %s: unexpected %s", address.provider, type(error).__name__)
                await asyncio.sleep(pace.failed())


async def _wait(provider: MailProvider, address: Address, position: str, pace: "_Pace") -> None:
    timeout = pace.timeout(push=provider.push)
    clock = asyncio.get_running_loop().time
    began = clock()
    pace.woken = await provider.wait(address, position, timeout)
    spent = clock() - began
    if not pace.woken and spent < timeout / 2:
        # A provider that gives up early must not turn this into a busy loop.
        await asyncio.sleep(timeout - spent)


class _Pace:
    """How long `follow` sleeps.

    Attributes:
        woken: whether the last wait ended with a wake-up.
    """

    def __init__(self) -> None:
        self.woken = False
        self._failures = 0
        self._looks = 0
        self._vain = 0
        self._position: str | None = None

    def failed(self) -> float:
        """Pause after an error, seconds."""
        pause = _BACK_OFF[min(self._failures, len(_BACK_OFF) - 1)]
        self._failures += 1
        return pause * random.uniform(1.0, 1.1)

    def collected(self, position: str) -> float:
        """Pause after a collection: none, unless it was asked for by a wake-up and brought nothing."""
        self._failures = 0
        vain = self.woken and position == self._position
        self._vain = self._vain + 1 if vain else 0
        self._position = position
        return _VAIN[min(self._vain, len(_VAIN)) - 1] if vain else 0.0

    def timeout(self, *, push: bool) -> float:
        """Longest sleep of the next wait. A tenth of jitter, so that many waits do not ask a provider in step."""
        interval = PUSH_INTERVAL if push else POLL_INTERVALS[min(self._looks, len(POLL_INTERVALS) - 1)]
        self._looks += 1
        return interval * random.uniform(1.0, 1.1)


def _not_wanted(address: Address, ref: MailRef) -> str | None:
    if ref.size > MAX_MESSAGE:
        return "too_large"
    if ref.received_at < address.created_at - _OLDER:
        return "older_than_mailbox"
    return None
