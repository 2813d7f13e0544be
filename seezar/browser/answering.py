"""Whether a browser still does what it is asked to, and the end of one that does not.

A Chromium of which only some processes were killed (by a machine that runs out of memory, say) stays connected, takes
every call, and answers none: Playwright waits for a new page without any limit.
"""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress

import psutil
from playwright.async_api import Browser, Error

# A context or a page takes a tenth of a second, on a busy machine a few.
_ANSWERS_S = 10.0
ENDS_S = 3.0
"""What a browser may take to end when it is told to, seconds."""


class NoAnswer(Error):
    """The browser is there and does not answer."""


async def in_time[T](call: Awaitable[T], seconds: float = _ANSWERS_S) -> T:
    """What the browser answers to `call`.

    Raises:
        NoAnswer: nothing within so many seconds.
        playwright.async_api.Error: it broke.
    """
    try:
        async with asyncio.timeout(seconds):
            return await call
    except TimeoutError:
        raise NoAnswer("The browser does not answer.") from None


async def answers(browser: Browser) -> bool:
    """Whether it can still make a page."""
    try:
        context = await in_time(browser.new_context())
        await in_time(context.new_page())
        await in_time(context.close())
    except Error:
        return False
    return True


def end_family(mark: str) -> None:
    """End what is left of the child process of this one whose command line holds `mark`, and of its children."""
    family: list[psutil.Process] = []
    for child in psutil.Process().children(recursive=True):
        # One that is just ending has no command line any more.
        with suppress(psutil.Error):
            if mark in child.cmdline():
                family += [child, *child.children(recursive=True)]
    for process in family:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(family, ENDS_S)
