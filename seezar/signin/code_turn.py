"""The turn of a form that asks for a one-time code."""

import asyncio
from collections.abc import Collection
from contextlib import suppress
from typing import Final

from playwright.async_api import Error, Locator

from seezar.signin.credentials import CodeSource
from seezar.signin.filling import choose_only, is_tick, tick, type_code
from seezar.signin.flow import Flow
from seezar.signin.outcome import Outcome
from seezar.signin.policy import checked_field, sure
from seezar.signin.reading import Method, Reading
from seezar.signin.refusals import refusal
from seezar.signin.sending import checked_boxes, fill_and_send, type_checked
from seezar.signin.stage import Role
from seezar.signin.ways import method_of
from seezar.signin.words import concepts_of
from seezar.telemetry.spans import spans

# A code that was wrong gets one more try with a fresh one (only TOTP can be fresh within the same page).
_CODE_TRIES: Final = 2
_METHODS: Final[dict[str, Method]] = {"totp": "totp", "email": "email", "link": "email"}


def method_of_account(second_factor: str) -> Method | None:
    """The way that codes take to the account; None when it has no second factor."""
    return _METHODS.get(second_factor)


async def code_turn(flow: Flow, reading: Reading, code: CodeSource | None) -> Outcome | None:
    """Enter a code, or say what is missing. None: look again."""
    progress = flow.progress
    if progress.codes_entered:
        again = await flow.stage.settled(reading)
        if again.kind != reading.kind or not again.otp:
            return None
        if refused := refusal(flow.stage, again):
            return refused
    given = code if not flow.answer_entered else None
    totp = flow.account.second_factor == "totp" and code is None
    if given is None and progress.codes_entered >= (_CODE_TRIES if totp else 1):
        return Outcome("bad_code", "The site refused the code.")
    if given is None:
        if _other_kind(flow, reading):
            return await _other_way(flow, reading)
        if not totp and reading.send_code is not None and not progress.code_requested:
            await _request_code(flow, reading, reading.send_code)
            return None
    if not sure(reading):
        return Outcome(
            "needs_person", f"It is not certain that this is the code field ({reading.confidence:.0%} sure)."
        )
    if given is None and not totp and flow.account.second_factor == "none":
        return Outcome(
            "needs_person",
            "The site asks for a code, but the account has no second factor registered.",
            question="code",
        )
    if given is None and not totp:
        # Where no code may be typed none is waited for; and the page has been asked once when it comes.
        with suppress(Error):
            await checked_boxes(flow, reading)
        return Outcome("challenge", "The site asks for the code that it sent by mail.")
    if given is not None:
        flow.answer_entered = True
        return await _enter(flow, reading, await given(), None)
    _, origin = await checked_field(reading.otp[0], flow.account.origins, submit=reading.submit)
    value = await flow.credentials.totp(origin, clock_skew=flow.stage.network.clock_skew)
    return await _enter(flow, reading, value, origin)


async def _request_code(flow: Flow, reading: Reading, send: Locator) -> None:
    """Have the site send a code; a form that asks for the user name or the way as well gets them first."""
    flow.progress.code_requested = True
    await _refill_login(flow, reading)
    if (channel := reading.methods.get("email")) is not None and await is_tick(channel):
        await tick(channel)
    await flow.take(send, reading, "second_factor", "Asking the site to send a code")


def _other_kind(flow: Flow, reading: Reading) -> bool:
    """Whether the page names another way for the code than the account's."""
    wanted = method_of_account(flow.account.second_factor)
    named = reading.channels
    if wanted is None or not named or wanted in named:
        return False
    if flow.progress.code_requested or flow.tried["method"]:
        # Chosen by us: what the page names beside it are the other ways.
        return False
    # The words for a telephone or an address stand on many pages; that something was sent there does not.
    return reading.code_sent if wanted == "totp" else len(named) == 1 and "totp" in named


async def _other_way(flow: Flow, reading: Reading) -> Outcome | None:
    wanted = method_of_account(flow.account.second_factor)
    if wanted is not None and wanted in reading.methods and flow.may("method", 2):
        await flow.choose(reading.methods[wanted], reading, "Choosing the account's own second factor")
        return None
    if reading.other_way is not None and flow.may("other way", 2):
        await flow.take(reading.other_way, reading, "second_factor", "Looking for the account's own second factor")
        return None
    return Outcome(
        "needs_person",
        "The site asks for a code that comes another way than the account's second factor.",
        question="code",
    )


async def _enter(flow: Flow, reading: Reading, value: str, origin: str | None) -> Outcome | None:
    """Type the code and send it.

    Args:
        origin: of the field that the code was made for; None for one that was given for whatever asks for it.
    """
    # Getting the code may have taken half a minute: the boxes are checked again, all of them, and the elements that
    # were checked are typed into.
    _, (boxes, origins) = await asyncio.gather(
        flow.tell(reading, "second_factor", "Entering the code"), checked_boxes(flow, reading)
    )
    if len(origins) != 1 or origin not in (None, *origins):
        return Outcome("challenge_lost", "The page with the code field was replaced by another.")
    unused = boxes if _nothing_else(reading) else None
    flow.progress.codes_entered += 1
    # From here on the form is one that asks for a code, whatever else it asks for again.
    flow.code_with_password = False
    wanted = method_of_account(flow.account.second_factor)

    async def fill() -> Collection[Role]:
        nonlocal unused
        boxes, unused = unused, None
        if boxes is None:
            await _fill_else(flow, reading, wanted)
            boxes, _ = await checked_boxes(flow, reading)
        with spans.span("browser.fill", {"seezar.field": "code"}):
            await type_code(boxes, value, sent=lambda: flow.stage.network.reacted)
        return ("otp",)

    flow.sent = False
    return await fill_and_send(flow, reading, fill, reading.otp[-1], sends_itself=True)


def _nothing_else(reading: Reading) -> bool:
    """Whether the form asks for the code alone: what was checked a moment ago needs no second check."""
    return all(part is None for part in (reading.remember, reading.username, reading.password, reading.device))


async def _fill_else(flow: Flow, reading: Reading, wanted: Method | None) -> None:
    """Fill what a form asks for beside the code."""
    if reading.remember is not None:
        await tick(reading.remember)
    await _refill_login(flow, reading)
    if reading.device is not None:
        await choose_only(reading.device, lambda words: method_of(concepts_of(words), words) == wanted)


async def _refill_login(flow: Flow, reading: Reading) -> None:
    """A code box that appeared in the login form is sent together with name and password: they must still be there."""

    async def user_name(_origin: str) -> str:
        return flow.account.username

    for field, value, what in (
        (reading.username, user_name, "user name"),
        (reading.password, flow.credentials.password, "password"),
    ):
        if field is not None and await field.is_editable(timeout=2_000) and not await field.input_value():
            await type_checked(flow, field, reading.submit, value, what=what)
