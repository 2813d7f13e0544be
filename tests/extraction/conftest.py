"""One Chromium a module; every test has a context and a page of its own."""

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import BrowserContext, Page

from seezar.browser.pool import BrowserPool
from tests.chromium import loopback, make_pool


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pool() -> AsyncIterator[BrowserPool]:
    async with make_pool() as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def context(pool: BrowserPool) -> AsyncIterator[BrowserContext]:
    async with pool.context(loopback()) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def page(pool: BrowserPool, context: BrowserContext) -> Page:
    return await pool.new_page(context)
