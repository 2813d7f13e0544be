"""Wake-ups from a Mercure hub: one server-sent event stream an address, kept open by a task between waits.

What an event holds does not matter: providers send the account, the message, or a bare number. It says "look again".
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

import httpx
from httpx_sse import EventSource

from seezar.errors import SeezarError
from seezar.mail.providers.http import http_client

# A hub that is well sends a comment at least every minute; one that is silent for longer is gone.
_SILENCE = 90.0
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 60.0
# A stream that stood so long was a good one: the next is opened without much waiting.
_GOOD = 10.0
# Nobody waits for the address any more.
_IDLE = 300.0
_EVENT_LIMIT = 1024 * 1024
_ID_LIMIT = 1024

# The headers that show who listens; the argument says that the former ones were refused.
type Credentials = Callable[[bool], Awaitable[Mapping[str, str]]]


class PushStream:
    """Wake-ups of one topic.

    Args:
        url: of the hub.
        topic: which updates.
        credentials: gives the headers for each connection.
    """

    def __init__(self, url: str, topic: str, credentials: Credentials) -> None:
        self._url = url
        self._topic = topic
        self._credentials = credentials
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._last_id = ""
        self._waiting = 0
        self._idle: asyncio.TimerHandle | None = None

    async def wait(self, timeout: float) -> bool:
        """Sleep until an event came since the last wait (True), or `timeout` seconds passed (False).

        A stream that was opened anew counts as an event: what came before it stood was not announced.
        """
        if self._idle is not None:
            self._idle.cancel()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="mail-push")
        self._waiting += 1
        try:
            async with asyncio.timeout(timeout):
                await self._woken.wait()
        except TimeoutError:
            return False
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._idle = asyncio.get_running_loop().call_later(_IDLE, self._stop)
        self._woken.clear()
        return True

    async def close(self) -> None:
        """Close the stream; the next wait opens it again."""
        if self._idle is not None:
            self._idle.cancel()
        task = self._stop()
        if task is not None:
            await asyncio.wait([task])

    def _stop(self) -> asyncio.Task[None] | None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
        return task

    async def _run(self) -> None:
        pause = _FIRST_PAUSE
        refused = False
        loop = asyncio.get_running_loop()
        async with http_client(self._url, timeout=httpx.Timeout(10.0, read=_SILENCE)) as client:
            while True:
                began = loop.time()
                try:
                    refused = await self._listen(client, refused)
                except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, SeezarError):
                    # The list, which is asked anyway, says what is wrong.
                    refused = False
                if loop.time() - began >= _GOOD:
                    pause = _FIRST_PAUSE
                await asyncio.sleep(pause * random.uniform(1.0, 1.2))
                pause = min(pause * 2, _LONGEST_PAUSE)

    async def _listen(self, client: httpx.AsyncClient, refused: bool) -> bool:
        """Listen until the stream ends; True when the hub does not accept the credentials."""
        headers = {"accept": "text/event-stream", "cache-control": "no-store", **await self._credentials(refused)}
        if self._last_id:
            headers["last-event-id"] = self._last_id
        async with client.stream("GET", self._url, params={"topic": self._topic}, headers=headers) as response:
            if response.status_code != 200:
                return response.status_code in (401, 403)
            bounded = _Bounded(response)
            self._woken.set()
            async for event in EventSource(response).aiter_sse():
                bounded.seen = 0
                if event.id and event.id.isascii() and event.id.isprintable() and len(event.id) <= _ID_LIMIT:
                    self._last_id = event.id
                if event.data:
                    self._woken.set()
        return False


class _Bounded(httpx.AsyncByteStream):
    """The bytes of a response until one event would be larger than anybody needs."""

    def __init__(self, response: httpx.Response) -> None:
        self._stream = response.stream
        self.seen = 0
        response.stream = self

    async def __aiter__(self) -> AsyncIterator[bytes]:
        assert isinstance(self._stream, httpx.AsyncByteStream)
        async for chunk in self._stream:
            self.seen += len(chunk)
            if self.seen > _EVENT_LIMIT:
                raise httpx.RemoteProtocolError("an event is too large")
            yield chunk

    async def aclose(self) -> None:
        assert isinstance(self._stream, httpx.AsyncByteStream)
        await self._stream.aclose()


class PushStreams:
    """The streams of a provider, one a topic.

    Args:
        url: of the hub.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._streams: dict[str, PushStream] = {}

    async def wait(self, topic: str, credentials: Credentials, timeout: float) -> bool:
        """See `PushStream.wait`."""
        if topic not in self._streams:
            self._streams[topic] = PushStream(self._url, topic, credentials)
        return await self._streams[topic].wait(timeout)

    async def forget(self, topic: str) -> None:
        """Close the stream of a topic."""
        stream = self._streams.pop(topic, None)
        if stream is not None:
            await stream.close()

    async def close(self) -> None:
        """Close all streams."""
        for topic in list(self._streams):
            await self.forget(topic)
