"""Asking a mail provider over HTTP: pacing, back-off, size limits, and the errors that a caller can act on.

Neither what was sent nor what came back is part of an error: both may hold a password, a token or mail.
"""

import asyncio
import json
import random
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, cast
from urllib.parse import urljoin, urlsplit

import httpx

from seezar.domains import is_loopback
from seezar.errors import SettingsInvalid
from seezar.mail.errors import MailProviderUnavailable
from seezar.mail.table import ProviderEntry
from seezar.retry_after import retry_after_seconds

# Seconds that one call may take with all its repetitions and pauses.
PATIENCE = 30.0
_TIMEOUT = httpx.Timeout(10.0)
# How often a request that got no answer, or a server's error, is sent.
_TRIES = 3
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 8.0
# What a provider may ask for; a header of a year would silence it for good.
_LONGEST_HOLD = 600.0
_REDIRECTS = 3
_JSON_LIMIT = 8 * 1024 * 1024
USER_AGENT = "seezar"


class AnswerTooLarge(MailProviderUnavailable):
    """The answer is larger than the caller takes."""


class Pace:
    """Turns of the requests to one origin, from all threads and loops of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next = 0.0
        self._held_until = 0.0

    async def turn(self, interval: float, patience: float) -> float | None:
        """Wait for the next turn.

        Args:
            interval: seconds that no other request is sent after this one.
            patience: seconds that may be waited.

        Returns:
            None when it is the caller's turn; else seconds until it would be, at once, when that takes too long.
        """
        until = time.monotonic() + patience
        while True:
            with self._lock:
                now = time.monotonic()
                start = max(now, self._next, self._held_until)
                if start > until:
                    return start - now
                self._next = start + interval
            await asyncio.sleep(start - now)
            # A provider may have asked for silence while this one slept.
            if self._held_until <= time.monotonic():
                return None

    def hold(self, seconds: float) -> None:
        """No turn for so many seconds."""
        with self._lock:
            self._held_until = max(self._held_until, time.monotonic() + min(seconds, _LONGEST_HOLD))


@lru_cache(maxsize=256)
def pace_of(origin: str) -> Pace:
    """The pace of an origin: one in the process, whichever provider object asks."""
    return Pace()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider answered.

    Attributes:
        status: of HTTP; never 429, 3xx or 5xx.
        media: type of the body, e.g. `application/json`.
    """

    status: int
    media: str
    body: bytes = field(repr=False)

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    def json(self) -> Any:
        """The body as JSON; None when it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    def record(self) -> dict[str, Any]:
        """The body as a JSON object; an empty one when it is something else."""
        value = self.json()
        return cast("dict[str, Any]", value) if isinstance(value, dict) else {}

    def mentions(self, *words: str) -> bool:
        """Whether the body holds one of `words`, in any case. The body itself is not for showing."""
        text = self.body.lower()
        return any(word.encode() in text for word in words)


class HttpApi:
    """The HTTP API of a provider.

    Args:
        entry: of the configuration table.
        interval: seconds between two requests.
    """

    def __init__(self, entry: ProviderEntry, *, interval: float) -> None:
        self.name = entry.name
        self._origin = entry.origin
        self._base = entry.url
        self._interval = interval
        self._pace = pace_of(entry.origin)
        self._client: httpx.AsyncClient | None = None

    async def ask(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        params: Mapping[str, str] | None = None,
        limit: int = _JSON_LIMIT,
    ) -> Answer:
        """Send a request that may be repeated without harm, and again after a pause when it fails for the moment.

        Args:
            path: below the provider's address, or a whole URL at its origin.
            headers: those that show who asks.
            body: sent as JSON.
            limit: of the answer, bytes.

        Raises:
            MailProviderUnavailable: no answer, an error of the server, too many requests, or a redirect elsewhere.
            AnswerTooLarge: it is larger than `limit`.
        """
        deadline = time.monotonic() + PATIENCE
        url = self._url(path)
        failures, busy = 0, 0
        while True:
            await self._turn(deadline)
            try:
                async with asyncio.timeout(deadline - time.monotonic()):
                    response, content = await self._send(method, url, headers, body, params, limit)
            except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, TimeoutError, UnicodeError) as error:
                failures += 1
                trouble, pause, cause = "it does not answer", _back_off(failures), error
            else:
                status, cause = response.status_code, None
                asked = retry_after_seconds(response.headers.get("retry-after"))
                if status == 429:
                    # Being too early is no failure: it ends with the patience only.
                    busy += 1
                    pause = _back_off(busy) if asked is None else max(asked, _FIRST_PAUSE)
                    # Others must not run into the same wall.
                    self._pace.hold(pause)
                    trouble = f"too many requests, it asks to be left alone for {pause:.0f} s"
                elif status >= 500 or response.is_redirect:
                    failures += 1
                    pause = max(asked or 0.0, _back_off(failures))
                    trouble = f"it answers with status {status}"
                else:
                    media = response.headers.get("content-type", "").partition(";")[0].strip().lower()
                    return Answer(status, media, content)
            if failures >= _TRIES or time.monotonic() + pause >= deadline:
                raise MailProviderUnavailable(self.name, trouble) from cause
            await asyncio.sleep(pause)

    def unknown(self, answer: Answer, what: str) -> MailProviderUnavailable:
        """The error for an answer that nobody expects.

        Args:
            what: was asked for, e.g. "the list of messages".
        """
        told = "something else" if answer.ok else f"status {answer.status}"
        return MailProviderUnavailable(self.name, f"asked for {what}, it answers with {told}")

    async def close(self) -> None:
        """Close connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _turn(self, deadline: float) -> None:
        wait = await self._pace.turn(self._interval, deadline - time.monotonic())
        if wait is not None:
            raise MailProviderUnavailable(self.name, f"too many requests, its next turn is in {wait:.0f} s")

    async def _send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        body: Any,
        params: Mapping[str, str] | None,
        limit: int,
    ) -> tuple[httpx.Response, bytes]:
        if self._client is None:
            self._client = http_client(self._base)
        sent = {"accept": "application/ld+json, application/json;q=0.9, */*;q=0.5", **(headers or {})}
        for _ in range(_REDIRECTS):
            async with self._client.stream(method, url, headers=sent, json=body, params=params) as response:
                location = response.headers.get("location")
                if not (response.is_redirect and location):
                    return response, await self._read(response, limit)
            url, params = self._same_origin(urljoin(url, location)), None
        raise MailProviderUnavailable(self.name, "it redirects in a circle")

    async def _read(self, response: httpx.Response, limit: int) -> bytes:
        content = bytearray()
        async for chunk in response.aiter_bytes():
            content += chunk
            if len(content) > limit:
                raise AnswerTooLarge(self.name, f"its answer is larger than {limit} bytes")
        return bytes(content)

    def _url(self, path: str) -> str:
        if "://" in path:
            return self._same_origin(path)
        prefix = urlsplit(self._base).path
        # A provider below a path of its host may name its resources from the root or from there.
        if prefix and path.startswith(f"{prefix}/"):
            return self._origin + path
        return self._base + path

    def reaches(self, path: str) -> bool:
        """Whether a path or URL that the provider named is at its own origin, where our key or token may go."""
        if "://" not in path:
            return path.startswith("/") and not path.startswith("//")
        try:
            return _origin_parts(path) == _origin_parts(self._base)
        except ValueError:
            return False

    def _same_origin(self, url: str) -> str:
        if not self.reaches(url):
            raise MailProviderUnavailable(self.name, "it sends us to another host, where its key is not sent")
        return url


def http_client(url: str, *, timeout: httpx.Timeout = _TIMEOUT) -> httpx.AsyncClient:
    """A client that follows no redirect. What is on this machine is not asked through a proxy."""
    return httpx.AsyncClient(
        verify=_trust(),
        timeout=timeout,
        follow_redirects=False,
        trust_env=not is_loopback(urlsplit(url).hostname or ""),
        # A compressed answer could be far larger than the bytes that are counted at a time.
        headers={"user-agent": USER_AGENT, "accept-encoding": "identity"},
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=8),
    )


@lru_cache(maxsize=1)
def _trust() -> ssl.SSLContext:
    """The certificates that are trusted; reading them takes longer than a request on the same machine."""
    return httpx.create_ssl_context()


def read_options(entry: ProviderEntry, defaults: Mapping[str, bool | float]) -> dict[str, Any]:
    """The options of an entry over their defaults.

    Raises:
        SettingsInvalid: an option that is not one of `defaults`, or not of its type; a negative number.
    """
    found: dict[str, Any] = dict(defaults)
    for key, value in entry.options.items():
        if key not in defaults:
            known = ", ".join(sorted(defaults))
            raise SettingsInvalid(f"mail.toml: provider {entry.name!r} has an unknown option {key!r}; known: {known}")
        if isinstance(defaults[key], bool) != isinstance(value, bool) or not isinstance(value, bool | int | float):
            kind = "true or false" if isinstance(defaults[key], bool) else "a number"
            raise SettingsInvalid(f"mail.toml: option {key!r} of provider {entry.name!r} is not {kind}")
        if value < 0:
            raise SettingsInvalid(f"mail.toml: option {key!r} of provider {entry.name!r} is negative")
        found[key] = value
    return found


def _back_off(tries: int) -> float:
    """Seconds before the next try: doubled each time, with jitter so that many clients do not come back in step."""
    return min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** (tries - 1)) * random.uniform(1.0, 1.5)


def _origin_parts(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or {"https": 443, "http": 80}.get(parts.scheme)
