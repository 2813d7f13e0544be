"""Putting a value into a field so that it stays there."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from playwright.async_api import ElementHandle, Error, Locator

from seezar.errors import SeezarError

_TIMEOUT_MS = 5_000.0
# A control that is not covered is clicked in milliseconds.
_CLICK_MS = 2_500.0
_STILL_THERE = "(element) => new Promise((resolve) => setTimeout(() => resolve(element.isConnected), 0))"


class FieldRefused(SeezarError):
    """The page did not keep what was typed."""

    status = "needs_person"


async def type_value(field: ElementHandle, value: str, *, what: str, sends_itself: bool = False) -> None:
    """Fill `field` with `value` and make sure that it is there; typed key by key when filling does not stick.

    Args:
        field: the element itself (`seezar.signin.policy.checked_field`), not a way to find one like it.
        what: name of the field for the error, e.g. "password".
        sends_itself: the page may move on as soon as the value is complete.

    Raises:
        FieldRefused: the field does not keep the value, or is gone.
    """
    try:
        await field.fill(value, timeout=_TIMEOUT_MS)
        kept = await _keeps(field, value)
        if kept or (kept is None and sends_itself):
            return
        # Masked and scripted inputs listen to keys and undo what was set from outside.
        await field.fill("", timeout=_TIMEOUT_MS)
        await field.type(value, timeout=_TIMEOUT_MS)
        kept = await _keeps(field, value)
        if kept or (kept is None and sends_itself):
            return
    # Playwright's message holds the call with its arguments, hence the value: it must not be passed on.
    except Error:
        raise _refused(what) from None
    raise _refused(what)


async def _keeps(field: ElementHandle, value: str) -> bool | None:
    """Whether the field holds `value` and still does once the page's scripts had their turn; None when it is gone."""
    held = await _held([field])
    return None if held is None else held == [value]


async def _held(fields: Sequence[ElementHandle]) -> list[str] | None:
    """What the fields hold once the page's scripts had their turn; None when they are gone, or the page is leaving."""
    try:
        # A page that is leaving does not answer until it has left.
        if not await asyncio.wait_for(fields[0].evaluate(_STILL_THERE), _TIMEOUT_MS / 1000):
            return None
        return [await field.input_value(timeout=_TIMEOUT_MS) for field in fields]
    except (Error, TimeoutError):
        return None


async def press(control: Locator) -> None:
    """Click `control` as a person would; if something lies over it (a cookie banner), tell it directly.

    Going past a banner gives no consent to anything, which is less than any of its buttons would.

    Raises:
        playwright.async_api.Error: it is gone.
    """
    try:
        await control.click(trial=True, timeout=_CLICK_MS)
    except Error:
        await control.evaluate("element => element.click()", timeout=_CLICK_MS)
        return
    # Once and never again, and without waiting for where it leads: a slow site would be sent everything twice.
    await control.click(no_wait_after=True)


async def tick(box: Locator) -> None:
    """Tick a "stay signed in" box; a box that will not be ticked is no reason to stop."""
    with suppress(Error):
        await box.set_checked(True, timeout=1_000)


async def type_code(boxes: Sequence[ElementHandle], code: str) -> None:
    """Enter a one-time code into one field, or over several boxes of one character each.

    Raises:
        FieldRefused: the boxes do not keep the code.
    """
    if len(boxes) == 1:
        await type_value(boxes[0], code, what="code", sends_itself=True)
        return
    try:
        await boxes[0].focus()
        # Most split boxes move the focus on by themselves; then the keys must not be sent box by box.
        await boxes[0].type(code, timeout=_TIMEOUT_MS)
        if await _boxes_hold(boxes, code):
            return
        for box, character in zip(boxes, code, strict=False):
            await box.fill(character, timeout=_TIMEOUT_MS)
        if await _boxes_hold(boxes, code):
            return
    except Error:
        raise _refused("code") from None
    raise _refused("code")


async def _boxes_hold(boxes: Sequence[ElementHandle], code: str) -> bool:
    held = await _held(boxes)
    # Gone are the boxes of a page that sent the full code by itself: it was right to type.
    return held is None or "".join(held) == code


def _refused(what: str) -> FieldRefused:
    return FieldRefused(
        f"The page does not keep what is typed into its {what} field.",
        kept="Nothing was submitted.",
        next_step="Sign in once by hand to see what the page expects.",
    )
