"""What is kept of the page on which a sign-in came to a stop: a picture in which no value can be read."""

import asyncio
import logging

from playwright.async_api import Error

from seezar.accounts.records import Account
from seezar.application import Application
from seezar.browser.reader import screenshot
from seezar.errors import SeezarError
from seezar.signin.credentials import Report
from seezar.signin.driver import SignInDriver
from seezar.signin.outcome import Outcome
from seezar.signin.secrets import account_redactor

log = logging.getLogger("seezar.signin")

_PATIENCE_S = 15.0


async def keep_picture(
    app: Application,
    run_id: str,
    attempt: int,
    account: Account,
    driver: SignInDriver,
    outcome: Outcome,
    report: Report,
) -> None:
    """Take and store the picture of the driver's page; when that fails the sign-in ends as it would have without.

    Fields, the account's secrets and its name on the site, and everything that looks like a code are covered.
    """
    page = driver.page
    if (
        outcome.status in ("browser_lost", "page_lost")
        or page.is_closed()
        or not page.url.startswith(("http://", "https://"))
    ):
        return
    try:
        redact = await account_redactor(app.vault, account, user_name=True)
        image = await asyncio.wait_for(screenshot(page, redact, codes=True), _PATIENCE_S)
        await app.pictures.store(run_id, attempt, outcome.status, image)
    except (Error, TimeoutError, SeezarError) as error:
        log.info("no picture of %s: %s", run_id, type(error).__name__)
        return
    await report(
        "picture",
        f"A picture of the page is kept: seezar runs picture {run_id} --attempt {attempt} --output FILE",
        picture=attempt,
        page=redact(driver.place),
        evidence=list(outcome.evidence),
    )
