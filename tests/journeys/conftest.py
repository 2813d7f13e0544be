"""Fixtures: the playground with the accounts of the journeys, with and without a whole seezar around it."""

from collections.abc import AsyncIterator

import pytest_asyncio

from playground.journeys import JOURNEYS
from playground.server import PlaygroundServer
from seezar.browser.pool import BrowserPool
from seezar.settings import Settings
from tests.world import World, make_world


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(postgres: str) -> AsyncIterator[World]:
    """A seezar that knows the accounts of the journeys."""
    # A mail is handed over before the page answers, so a code that does not come soon was never sent.
    async with make_world(postgres, accounts=JOURNEYS, mail_timeout=25, page_timeout=15, sign_in_timeout=150) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[PlaygroundServer]:
    """The playground alone."""
    async with PlaygroundServer(accounts=JOURNEYS) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pool() -> AsyncIterator[BrowserPool]:
    """The browser as the worker has it."""
    pool = BrowserPool(Settings(_env_file=None))  # pyright: ignore[reportCallIssue]
    yield pool
    await pool.close()
