"""What a user would write instead: a Playwright script for one site whose selectors are known.

It does the same work as a sign-in by seezar: open, fill, submit, fetch the code from the mailbox as soon as it is
there, enter it, verify by one navigation, save `storage_state`. It stores in a plain file and survives no crash.
"""

import asyncio
import re
from pathlib import Path

from playwright.async_api import Browser

from playground.world import DemoAccount
from seezar.mail.service import Mail

_CODE_FIELD = "input[autocomplete=one-time-code]"
_MAIL_S = 10.0


async def sign_in(
    browser: Browser,
    account: DemoAccount,
    base: str,
    mail: Mail,
    saved: Path,
    *,
    every: float | None = None,
) -> None:
    """Sign in to the playground's `mail` site in a context of its own.

    Args:
        base: address of the playground.
        saved: where `storage_state` goes.
        every: look into the mailbox every so many seconds; None to be woken by it.

    Raises:
        AssertionError: it did not end signed in.
    """
    assert account.mailbox is not None
    address = await mail.address(account.mailbox)
    since = await mail.cursor(address)
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(account.url(base))
    await page.fill("input[name=username]", account.username)
    await page.fill("input[name=password]", account.password)
    await page.click("button[type=submit]")
    await page.wait_for_selector(_CODE_FIELD)
    refs, _ = await mail.list_since(address, since)
    while not refs:
        await (mail.store.wait(address.address, since, _MAIL_S) if every is None else asyncio.sleep(every))
        refs, _ = await mail.list_since(address, since)
    code = re.search(rb"\b\d{6}\b", await mail.source(refs[-1]))
    assert code is not None
    await page.fill(_CODE_FIELD, code[0].decode())
    await page.click(f"form:has({_CODE_FIELD}) button[type=submit]")
    await page.wait_for_url("**/dashboard")
    await page.goto(account.verify_url(base))
    assert page.url == account.verify_url(base)
    await context.storage_state(path=saved)
    await context.close()


async def restore(browser: Browser, account: DemoAccount, base: str, saved: Path) -> None:
    """Use the saved state again: a context from it, one visit, a look at where it led.

    Raises:
        AssertionError: it is not signed in any more.
    """
    context = await browser.new_context(storage_state=saved)
    page = await context.new_page()
    await page.goto(account.verify_url(base))
    assert page.url == account.verify_url(base)
    await context.close()
