"""The pool: a browser that dies is replaced, an old one is, and nobody's page is taken away for it."""

import re
import signal
from contextlib import suppress

import psutil
import pytest
from playwright.async_api import Error

from seezar.browser import pool as module
from seezar.browser.pool import BrowserPool
from seezar.errors import BrowserMissing
from tests.chromium import browser_settings, make_pool

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser]


def browsers() -> list[psutil.Process]:
    """The Chromium main processes that this test process has started."""
    found: list[psutil.Process] = []
    for child in psutil.Process().children(recursive=True):
        # One that is just ending has no command line any more.
        with suppress(psutil.NoSuchProcess):
            parent = child.parent()
            # Of the family of processes the one that Playwright's own process has started.
            if re.search("chrom|headless", child.name()) and parent is not None and "node" in parent.name():
                found.append(child)
    return found


def kill_browsers() -> None:
    found = browsers()
    assert found, "no browser runs"
    for process in found:
        process.send_signal(signal.SIGKILL)
    psutil.wait_procs(found, timeout=60)


async def works(pool: BrowserPool) -> bool:
    async with pool.context() as context:
        page = await pool.new_page(context)
        await page.set_content("<p>alive</p>")
        return await page.inner_text("p") == "alive"


async def test_a_killed_browser_is_replaced() -> None:
    async with make_pool() as pool:
        context = await pool.new_context()
        page = await pool.new_page(context)
        kill_browsers()
        assert await works(pool)
        with pytest.raises(Error):
            await page.title()
        assert page.is_closed()
        # What was open in the old one can still be closed, and the new one is not disturbed by it.
        await pool.close_context(context)
        assert await works(pool)
        assert len(browsers()) == 1


async def test_a_killed_driver_is_replaced() -> None:
    """Playwright's own process can be the victim of the machine's lack of memory, too."""
    async with make_pool() as pool:
        assert await works(pool)
        drivers = [child for child in psutil.Process().children() if "node" in child.name()]
        assert drivers
        for process in [*drivers, *browsers()]:
            process.send_signal(signal.SIGKILL)
        psutil.wait_procs(drivers, timeout=60)
        assert await works(pool)


async def test_an_old_browser_is_replaced_when_nobody_uses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CONTEXTS_PER_BROWSER", 2)
    async with make_pool() as pool:
        first = await pool.new_context()
        page = await pool.new_page(first)
        old = browsers()
        assert await works(pool)
        assert await works(pool)
        assert browsers() == old, "it was replaced under a page that is open"
        await page.set_content("<p>still here</p>")
        await pool.close_context(first)
        assert await works(pool)
        assert browsers() != old


async def test_after_a_crash_the_count_of_open_pages_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    """Contexts that died with their browser do not count for or against the next one."""
    monkeypatch.setattr(module, "CONTEXTS_PER_BROWSER", 1)
    async with make_pool() as pool:
        dead, forgotten = await pool.new_context(), await pool.new_context()
        kill_browsers()
        held = await pool.new_context()
        page = await pool.new_page(held)
        await pool.close_context(dead)
        assert await works(pool)
        await page.set_content("<p>still here</p>")
        await pool.close_context(held)
        old = browsers()
        assert await works(pool)
        assert browsers() != old
        await pool.close_context(forgotten)


async def test_closed_without_a_trace() -> None:
    async with make_pool() as pool:
        assert await works(pool)
    assert browsers() == []
    # Closing twice, or what never ran, is fine.
    await pool.close()
    await BrowserPool(browser_settings()).close()


async def test_a_program_that_is_no_browser(tmp_path) -> None:
    program = tmp_path / "chromium"
    program.write_text("#!/bin/sh\necho broken >&2\nexit 3\n")
    program.chmod(0o755)
    async with make_pool(chromium=program) as pool:
        with pytest.raises(BrowserMissing, match=r"does not start.*SEEZAR_CHROMIUM") as told:
            await pool.new_context()
        assert "\n" not in str(told.value)
        # The machine may be repaired meanwhile; the pool is not stuck.
        program.unlink()
        with pytest.raises(BrowserMissing, match="does not exist"):
            await pool.new_context()
