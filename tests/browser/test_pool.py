"""The pool: a browser that dies is replaced, an old one is, and nobody's page is taken away for it."""

import asyncio
import logging
import re
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psutil
import pytest
from playwright.async_api import BrowserContext, Error

from seezar.accounts.records import SessionState
from seezar.browser import launching, memory
from seezar.browser import pool as module
from seezar.browser.executable import find_chromium
from seezar.browser.memory import family_bytes
from seezar.browser.pool import BrowserPool, turns
from seezar.errors import BrowserMissing
from tests.chromium import browser_settings, loopback, make_pool
from tests.site import page as html
from tests.site import serve

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


def kill_zygotes() -> int:
    """Kill the processes from which Chromium makes those of its pages; how many there were."""
    killed = 0
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            if "--type=zygote" in child.cmdline():
                child.kill()
                killed += 1
    return killed


async def three_pages(pool: BrowserPool, context: BrowserContext) -> None:
    """More than can have been ready before."""
    for _ in range(3):
        await pool.new_page(context)


async def works(pool: BrowserPool) -> bool:
    async with pool.context(loopback()) as context:
        page = await pool.new_page(context)
        await page.set_content("<p>alive</p>")
        return await page.inner_text("p") == "alive"


async def test_a_killed_browser_is_replaced() -> None:
    async with make_pool() as pool:
        context = await pool.new_context(loopback())
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


async def test_a_browser_of_which_a_part_was_killed_is_replaced() -> None:
    """Without its zygotes, Chromium makes no new process for a page, and says nothing."""
    async with make_pool() as pool:
        async with pool.context(loopback()) as ready:
            old = browsers()
            assert kill_zygotes()
            with pytest.raises(Error):
                await three_pages(pool, ready)
        assert await works(pool)
        assert set(browsers()).isdisjoint(old)


async def test_an_old_browser_is_replaced_when_nobody_uses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CONTEXTS_PER_BROWSER", 2)
    async with make_pool() as pool:
        first = await pool.new_context(loopback())
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
        dead, forgotten = await pool.new_context(loopback()), await pool.new_context(loopback())
        kill_browsers()
        held = await pool.new_context(loopback())
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
            await pool.new_context(loopback())
        assert "\n" not in str(told.value)
        # The machine may be repaired meanwhile; the pool is not stuck.
        program.unlink()
        with pytest.raises(BrowserMissing, match="does not exist"):
            await pool.new_context(loopback())


async def idle(pool: BrowserPool) -> None:
    """Once the pool has done what it does when nobody uses it."""
    while pool._tidying is not None and not pool._tidying.done():
        await asyncio.wait([pool._tidying])


async def test_a_page_is_ready_before_it_is_asked_for_and_belongs_to_one() -> None:
    async with make_pool() as pool:
        await pool.prepare()
        first = await pool.new_context(loopback())
        assert len(first.pages) == 1, "the context that was ready was not used"
        (waiting,) = first.pages
        assert await pool.new_page(first) is waiting
        assert await pool.new_page(first) is not waiting
        second = await pool.new_context(loopback())
        assert second is not first
        await first.add_cookies([{"name": "sid", "value": "mine", "url": "https://a.example"}])
        await pool.close_context(first)
        await pool.close_context(second)
        await idle(pool)
        third = await pool.new_context(loopback())
        assert len(third.pages) == 1
        assert await third.cookies() == []
        await pool.close_context(third)


async def test_a_stored_state_gets_a_context_of_its_own() -> None:
    async with make_pool() as pool:
        await pool.prepare()
        cookie = {"name": "sid", "value": "1", "domain": "a.example", "path": "/", "expires": -1.0}
        cookie |= {"httpOnly": True, "secure": True, "sameSite": "Lax"}
        state = SessionState(storage={"cookies": [cookie], "origins": []}, session_storage={})
        async with pool.context(loopback(), state) as restored:
            assert [page.url for page in restored.pages] == ["about:blank"]
            assert [c["name"] for c in await restored.cookies()] == ["sid"]  # pyright: ignore[reportTypedDictNotRequiredAccess]
        async with pool.context(loopback()) as blank:
            assert await blank.cookies() == []


async def test_a_ready_page_that_died_is_not_given_out() -> None:
    async with make_pool() as pool:
        await pool.prepare()
        kill_browsers()
        assert await works(pool)


@pytest.mark.parametrize("worn", ["SECONDS_PER_BROWSER", "BYTES_PER_BROWSER"])
async def test_a_browser_grows_old_by_time_and_by_memory(monkeypatch: pytest.MonkeyPatch, worn: str) -> None:
    async with make_pool() as pool:
        context = await pool.new_context(loopback())
        old = browsers()
        monkeypatch.setattr(module, worn, 1)
        other = await pool.new_context(loopback())
        await pool.close_context(other)
        await idle(pool)
        assert browsers() == old, "it was replaced under a page that is open"
        monkeypatch.setattr(module, "SECONDS_PER_BROWSER", 0 if worn.startswith("SECONDS") else 1e9)
        await pool.close_context(context)
        await idle(pool)
        assert browsers() != old
        assert len(browsers()) == 1


async def test_memory_of_the_whole_family(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async with make_pool() as pool:
        context = await pool.new_context(loopback())
        await (await pool.new_page(context)).set_content("<p>x</p>")
        (main,) = browsers()
        taken = family_bytes(pool._mark)
        assert taken is not None
        resident = [p.memory_info().rss for p in (main, *main.children(recursive=True))]
        assert max(resident) / 4 < taken < sum(resident)
        assert family_bytes("--seezar-pool=of-nobody") is None
        monkeypatch.setattr(memory, "_PROC", tmp_path / "no-proc")
        assert family_bytes(pool._mark) is None
        await pool.close_context(context)


async def test_turns_are_given_in_order_and_no_more_than_there_are() -> None:
    async with make_pool(browsers=1) as pool:
        order: list[int] = []
        working = 0

        async def work(number: int) -> None:
            nonlocal working
            async with pool.turn():
                working += 1
                assert working == 1
                order.append(number)
                await asyncio.sleep(0)
                working -= 1

        await asyncio.gather(*(work(number) for number in range(20)))
        assert order == list(range(20))


async def test_no_more_turns_than_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.os, "sched_getaffinity", lambda _: {0, 1, 2}, raising=False)
    assert turns(browser_settings(browsers=64)) == 3
    assert turns(browser_settings(browsers=1)) == 1
    assert turns(browser_settings(browsers=8, cdp_url="http://127.0.0.1:1")) == 8


async def test_popups_are_closed_dialogs_dismissed_downloads_refused() -> None:
    body = """<button onclick="window.open('/other')">open</button>
    <button onclick="document.title = confirm('sure?') ? 'yes' : 'no'">ask</button><a href="/file">file</a>"""
    async with serve({"/": html(body), "/other": html("other")}) as site, make_pool() as pool:
        context = await pool.new_context(loopback())
        page = await pool.new_page(context)
        await page.goto(site.url)
        async with page.expect_popup() as opened:
            await page.click("text=open")
        popup = await opened.value
        if not popup.is_closed():
            await popup.wait_for_event("close")
        assert context.pages == [page]
        await page.click("text=ask")
        assert await page.title() == "no"
        await pool.close_context(context)


@asynccontextmanager
async def foreign_browser(tmp_path: Path) -> AsyncIterator[str]:
    """A Chromium that somebody else has started; its DevTools address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        find_chromium(browser_settings()),
        "--headless",
        "--no-sandbox",
        "--no-first-run",
        f"--user-data-dir={tmp_path}",
        f"--remote-debugging-port={port}",
        "data:text/html,<title>theirs</title>",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        while True:
            with suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                break
            await asyncio.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


async def test_a_browser_that_runs_elsewhere(tmp_path: Path) -> None:
    async with foreign_browser(tmp_path) as address:
        for _ in range(2):
            async with make_pool(cdp_url=address) as pool:
                await pool.prepare()
                assert await works(pool)
                assert pool._browser is not None
                theirs = pool._browser.contexts[0]
                assert [await page.title() for page in theirs.pages] == ["theirs"]
        assert browsers() == []


async def test_nothing_at_the_address_of_the_browser() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{probe.getsockname()[1]}/?token=geheim-4711"
    async with make_pool(cdp_url=address) as pool:
        with pytest.raises(BrowserMissing, match="SEEZAR_CDP_URL") as told:
            await pool.new_context(loopback())
        assert "geheim" not in str(told.value)


async def test_a_sandbox_that_does_not_work_is_left_out_and_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    if not launching.is_root():
        pytest.skip("only root's Chromium is sure to refuse the sandbox")
    monkeypatch.setattr(launching, "is_root", lambda: False)
    with caplog.at_level(logging.WARNING):
        async with make_pool() as pool:
            assert await works(pool)
            kill_browsers()
            assert await works(pool)
    assert [record.message for record in caplog.records if "sandbox" in record.message] == [
        "Chromium runs without its sandbox: it does not work on this machine"
    ]
