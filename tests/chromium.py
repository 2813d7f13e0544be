"""A real Chromium for the tests of a module: one pool, a context for each test."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from seezar.browser.pool import BrowserPool
from seezar.egress import EgressPolicy, HostPattern, PrivateHosts
from seezar.settings import Settings


def browser_settings(**changes: object) -> Settings:
    """Settings for a machine under any load: what is late here is not broken."""
    values: dict[str, object] = {"home": Path(tempfile.gettempdir()) / "seezar-unused", "page_timeout": 60.0}
    return Settings(_env_file=None, **(values | changes))  # pyright: ignore[reportCallIssue]


def loopback() -> EgressPolicy:
    """A policy for pages of sites that a test makes later: all of this machine."""
    hosts = [HostPattern.parse(host) for host in ("127.0.0.1:*", "localhost:*", "[::1]:*")]
    return EgressPolicy(hosts=hosts, private=PrivateHosts.parse(["127.0.0.0/8", "::1"]))


@asynccontextmanager
async def make_pool(**changes: object) -> AsyncIterator[BrowserPool]:
    """A pool that is closed at the end."""
    pool = BrowserPool(browser_settings(**changes))
    try:
        yield pool
    finally:
        await pool.close()
