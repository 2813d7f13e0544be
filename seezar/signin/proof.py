"""Proof that an account is signed in: a fresh navigation to the verify URL that does not end at a form."""

import time
from dataclasses import replace
from urllib.parse import urldefrag

from playwright.async_api import Error, Page, Response

from seezar.accounts.records import Account
from seezar.browser.way_out import gate_said
from seezar.errors import InvalidInput
from seezar.retry_after import retry_after_seconds
from seezar.signin.detector import detect
from seezar.signin.network import NetworkWatch
from seezar.signin.outcome import Outcome
from seezar.signin.reading import NEVER_FILLED, Reading
from seezar.signin.telling import decided_on
from seezar.telemetry.spans import traced
from seezar.vault.origins import origin_of

_FORMS = ("login", "username", "password", "otp", "await_link", "captcha", "sso")
_BUILD_S = 1.5
# A script that was told that nobody is signed in is about to show the form.
_DENIED_S = 3.0


@traced("browser.verify")
async def prove(page: Page, account: Account, *, timeout: float) -> Outcome:
    """Navigate `page` afresh to the account's verify URL and look at where that leads.

    Args:
        timeout: seconds that the site may take.

    Returns:
        `signed_in`; `signed_out` when the site asks to sign in; `needs_person` when it asks for what is never filled;
        `rate_limited`, `site_error` or `unknown` when nothing is sure.
    """
    watch = NetworkWatch(page, account.origins)
    try:
        if "#" in page.url + account.verify_url and urldefrag(page.url).url == urldefrag(account.verify_url).url:
            # Another part of the same document would be no visit at all: the script that is there would go on.
            await page.goto("about:blank")
            watch.mark()
        response = await page.goto(account.verify_url, wait_until="domcontentloaded")
        await watch.settled(timeout)
        reading = await detect(page, origins=account.origins)
        # A page without scripts is what it is; any other may be about to show the form, or what is behind it.
        if not reading.still or watch.refreshes:
            await watch.quiet(timeout)
            reading = await _settled(page, watch, account.origins)
    except Error:
        return Outcome("site_error", "The page behind the login cannot be reached.")
    if (said := gate_said(response)) is not None:
        # Not the word of the site: it ends no session.
        return Outcome("site_error", f"The page behind the login cannot be reached ({said}).")
    if response is not None and response.status >= 400:
        return replace(_refused(response), evidence=(f"answer {response.status}",))
    return decided_on(_told(page, account, reading), reading)


def _refused(response: Response) -> Outcome:
    status = response.status
    if status >= 500:
        return Outcome("site_error", f"The page behind the login answered {status}.")
    if status == 429:
        after = retry_after_seconds(response.headers.get("retry-after"))
        return Outcome(
            "rate_limited", "The page behind the login answered 429: too many requests.", retry_after_s=after
        )
    if status in (401, 403):
        return Outcome("signed_out", f"The page behind the login answered {status}.")
    return Outcome("unknown", f"The page behind the login answered {status}.")


def _told(page: Page, account: Account, reading: Reading) -> Outcome:
    """What it means that the visit ended at the page of `reading`."""
    try:
        origin = origin_of(page.url)
    except InvalidInput:
        origin = ""
    if origin not in account.origins:
        return Outcome("unknown", "The page behind the login led to an origin that is not registered for the account.")
    if reading.kind in _FORMS:
        return Outcome("signed_out", "A fresh visit to the page behind the login ends at a sign-in form.")
    there = urldefrag(page.url).url == urldefrag(account.verify_url).url
    if reading.challenge != "none" and not (there and reading.session):
        if reading.challenge == "perhaps":
            return Outcome("unknown", "It is not certain whether the page behind the login asks for something more.")
        return Outcome(
            "signed_out", "A fresh visit to the page behind the login ends where the site asks to prove who one is."
        )
    if reading.session and (reading.kind not in NEVER_FILLED or there):
        return Outcome("signed_in", "A fresh visit to the page behind the login stays signed in.")
    if reading.kind != "signed_in" and reading.opener is not None and not reading.weak_opener:
        # A public page: it looks the same to everybody, and invites to sign in.
        return Outcome("signed_out", "A fresh visit to the page behind the login still offers to sign in.")
    if reading.kind in NEVER_FILLED:
        return Outcome(
            "needs_person",
            f"A fresh visit to the page behind the login ends at a {reading.kind} form, which is never filled.",
        )
    return Outcome("signed_in", "A fresh visit to the page behind the login stays signed in.")


async def _settled(page: Page, watch: NetworkWatch, origins: tuple[str, ...]) -> Reading:
    """The reading once no script is about to put a form over an empty page, or over one that says "Loading"."""
    begun = time.monotonic()
    while True:
        # Before the look: what comes after it is looked at again.
        empty = not await _has_text(page)
        reading = await detect(page, origins=origins)
        patience = _DENIED_S if watch.denied else _BUILD_S if empty and reading.kind != "signed_in" else 0.0
        if reading.kind in _FORMS or time.monotonic() - begun >= patience:
            return reading
        await watch.quiet(_BUILD_S)


async def _has_text(page: Page) -> bool:
    return bool(await page.evaluate("() => !!document.body && document.body.innerText.trim().length > 0"))
