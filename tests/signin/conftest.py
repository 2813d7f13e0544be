"""One Chromium a module, an account on a site of the test's own, and keys that remember where they were asked for."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Page

from seezar.browser.pool import BrowserPool
from tests.chromium import loopback, make_pool
from tests.signin.driving import Keys


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pool() -> AsyncIterator[BrowserPool]:
    async with make_pool() as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def page(pool: BrowserPool) -> AsyncIterator[Page]:
    async with pool.context(loopback()) as context:
        yield await pool.new_page(context)


@pytest.fixture
def keys() -> Keys:
    return Keys()
