"""IMAP connections in an event loop: each has a thread of its own, in which it waits for the server."""

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor

from seezar.errors import SeezarError
from seezar.mail.errors import MailError
from seezar.mail.providers.imap_dialogue import ConnectionLost, ImapDialogue, ImapServer, translated

# Seconds that one call may take in all: ten megabytes over a slow line.
CALL_TIMEOUT = 120.0
_CLOSE_TIMEOUT = 2.0
# Seconds that a connection goes on in IDLE when nobody waits: the next wait often follows at once. The IDLE is issued
# anew as often, which is how it is noticed that nobody waits; a server may end one after 30 minutes (RFC 2177).
LINGER = 60.0
_RECONNECT = (0.1, 0.5, 1.0, 2.0, 5.0, 15.0, 30.0)

log = logging.getLogger(__name__)


class ImapConnection:
    """A connection that is made when it is needed, kept, and made anew when it broke. Calls take turns.

    Args:
        secret: gives the password or token; asked again for every connection, since it may have been changed.
    """

    def __init__(self, server: ImapServer, username: str, secret: Callable[[], Awaitable[str]]) -> None:
        self._server = server
        self._username = username
        self._secret = secret
        self._lock = asyncio.Lock()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="imap")
        self._dialogue: ImapDialogue | None = None
        self._opening: asyncio.Future[ImapDialogue] | None = None
        self._closed = False

    async def call[T](self, work: Callable[[ImapDialogue], T]) -> T:
        """Run blocking work on the connection, in its thread.

        Raises:
            MailProviderRefused, MailProviderUnavailable, MailQuotaFull: see `MailProvider`.
            SecretMissing: there is no password.
        """
        async with self._lock:
            if self._dialogue is not None:
                # The server may have closed a connection that was not used for long.
                with contextlib.suppress(ConnectionLost):
                    return await self._run(self._dialogue, work)
            return await self._run(await self._connect(), work)

    async def idle(self, seconds: float) -> bool:
        """Let the server speak for at most `seconds`; True when it told of a new message.

        Raises:
            MailProviderUnavailable: the connection broke, or there is none: begin with `call`.
        """
        async with self._lock:
            dialogue = self._dialogue
            if dialogue is None:
                raise ConnectionLost(self._server.provider, "there is no connection")
            try:
                if not await self._run(dialogue, ImapDialogue.idle):
                    await _readable(dialogue, seconds)
                return await self._run(dialogue, ImapDialogue.idle_done)
            except asyncio.CancelledError:
                self._drop()
                raise

    async def close(self) -> None:
        """Log out for good. A call that is under way fails."""
        self._closed = True
        if self._opening is not None:
            self._opening.cancel()
        await self.release()
        self._thread.shutdown(wait=False)

    async def release(self) -> None:
        """Log out; the next call connects again."""
        dialogue, self._dialogue = self._dialogue, None
        if dialogue is not None:
            if self._lock.locked():
                dialogue.abort()
            ended = asyncio.wrap_future(self._thread.submit(dialogue.close))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE_TIMEOUT):
                    await ended
            dialogue.abort()

    async def _connect(self) -> ImapDialogue:
        secret = await self._secret()
        if self._closed:
            raise self._was_closed()
        opening = self._thread.submit(lambda: ImapDialogue(self._server, self._username, secret))
        self._opening = asyncio.wrap_future(opening)
        try:
            async with asyncio.timeout(CALL_TIMEOUT):
                self._dialogue = await self._opening
        except TimeoutError as error:
            opening.add_done_callback(_abandoned)
            raise translated(self._server, error) from None
        except asyncio.CancelledError:
            opening.add_done_callback(_abandoned)
            task = asyncio.current_task()
            if self._closed and task is not None and not task.cancelling():
                raise self._was_closed() from None
            raise
        return self._dialogue

    def _was_closed(self) -> ConnectionLost:
        return ConnectionLost(self._server.provider, "its connections were closed")

    async def _run[T](self, dialogue: ImapDialogue, work: Callable[[ImapDialogue], T]) -> T:
        try:
            async with asyncio.timeout(CALL_TIMEOUT):
                return await asyncio.wrap_future(self._thread.submit(work, dialogue))
        except MailError:
            raise
        except asyncio.CancelledError:
            self._drop()
            raise
        except Exception as error:  # noqa: BLE001 - parsers of answers raise what they like; it is raised as ours
            # Where a dialogue broke off is not known: it cannot be taken up again.
            self._drop()
            raise translated(self._server, error) from None

    def _drop(self) -> None:
        dialogue, self._dialogue = self._dialogue, None
        if dialogue is not None:
            dialogue.abort()
            with contextlib.suppress(RuntimeError):  # the thread has been told to end
                self._thread.submit(dialogue.close)


class ImapWatch:
    """Keeps a folder in IDLE while somebody waits for mail in it, and a little longer.

    It can miss nothing without knowing it: all who wait are woken whenever the connection was made anew.

    Attributes:
        watching: the server would tell of new mail now.
        can_idle: False once a server has said that it cannot.
        refusal: why the watch ended, when another try would not help.
    """

    def __init__(self, connection: ImapConnection, folder: str) -> None:
        self._connection = connection
        self._folder = folder
        self._waiting: set[asyncio.Event] = set()
        self.watching = False
        self._task: asyncio.Task[None] | None = None
        self.can_idle = True
        self.refusal: SeezarError | None = None

    def start(self) -> None:
        """Watch, unless that is done already, or the server cannot tell of mail."""
        if self.can_idle and self._task is None:
            self.refusal = None
            self._task = asyncio.create_task(self._run(), name="imap-watch")

    @contextlib.contextmanager
    def subscribe(self) -> Generator[asyncio.Event]:
        """An event that is set when mail came, or may have come."""
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            yield event
        finally:
            self._waiting.discard(event)

    async def close(self) -> None:
        """Stop watching."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        await self._connection.close()

    async def _run(self) -> None:
        try:
            await self._watch()
        finally:
            # In this order: whoever began to wait just while this ended is woken, and starts it anew.
            self._task = None
            self._wake()

    async def _watch(self) -> None:
        failures = 0
        while True:
            try:
                await self._connection.call(lambda dialogue: dialogue.examine(self._folder))
                failures = 0
                self.can_idle = await self._connection.call(ImapDialogue.can_idle)
                if self.can_idle:
                    await self._idle()
                await self._connection.release()
                return
            except SeezarError as error:
                if not error.retryable:
                    # A password that was refused is not tried again and again: servers lock accounts for that.
                    self.refusal = error
                    return
                log.info("mail wake-ups interrupted (%s); mail is found by polling meanwhile", error.status)
            finally:
                self.watching = False
                self._wake()
            await asyncio.sleep(_RECONNECT[min(failures, len(_RECONNECT) - 1)] * random.uniform(1.0, 1.2))
            failures += 1

    async def _idle(self) -> None:
        self.watching = True
        self._wake()
        quiet = 0.0
        while self._waiting or quiet < LINGER:
            waited = bool(self._waiting)
            began = asyncio.get_running_loop().time()
            if await self._connection.idle(LINGER):
                self._wake()
            quiet = 0.0 if waited or self._waiting else quiet + asyncio.get_running_loop().time() - began

    def _wake(self) -> None:
        for event in self._waiting:
            event.set()


async def _readable(dialogue: ImapDialogue, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    descriptor = dialogue.socket().fileno()
    if descriptor < 0:
        return
    loop.add_reader(descriptor, readable.set)
    try:
        async with asyncio.timeout(seconds):
            await readable.wait()
    except TimeoutError:
        pass
    finally:
        loop.remove_reader(descriptor)


def _abandoned(opening: Future[ImapDialogue]) -> None:
    """Close a connection that nobody wants any more by the time it stands."""
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()
