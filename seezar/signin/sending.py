"""Filling a form and sending it, and once more where the page lost what was typed before anything was sent."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection
from typing import Final

from playwright.async_api import ElementHandle, Locator

from seezar.signin.filling import FieldRefused, keep_out_of_address, press, type_value
from seezar.signin.flow import NO_ANSWER, Flow
from seezar.signin.outcome import Outcome
from seezar.signin.policy import DEFAULT_BUTTON, checked_field
from seezar.signin.reading import Reading
from seezar.signin.stage import Effect, Role, lost
from seezar.telemetry.spans import spans, traced

# A page may take so long to say what a value that was typed is worth, or to go on from a code that it has sent itself.
_CHECK_S: Final = 3.0
_POLL_S: Final = 0.1
# Pages that load anew while they are filled do so for one value, and have it then.
_MOVES: Final = 3
_GOES_AWAY: Final = Outcome("unknown", "The page goes to another one each time that it is filled.")
# Whether Enter sends the form and does nothing else. It presses the form's default button, whatever that is for: one
# that can be seen and was not chosen says something else, and one that cannot may not lead elsewhere.
_ENTER_SENDS: Final = f"""(field, submit) => {{
  const by = field.form && ({DEFAULT_BUTTON})(field.form);
  if (!by || by === submit) return true;
  const box = by.getBoundingClientRect();
  const seen = by.checkVisibility({{opacityProperty: true, visibilityProperty: true}}) && box.width > 1 &&
    box.height > 1 && box.right + scrollX > 0 && box.bottom + scrollY > 0;
  return !seen && !by.hasAttribute('formaction') && !by.hasAttribute('formmethod');
}}"""


@traced("browser.submit")
async def fill_and_send(
    flow: Flow,
    reading: Reading,
    fill: Callable[[], Awaitable[Collection[Role]]],
    field: Locator | None,
    *,
    ready: Callable[[], Awaitable[None]] | None = None,
    sends_itself: bool = False,
) -> Outcome | None:
    """Fill the form of `reading` and send it. A page that wakes up late and forgets what was typed gets it again, once.

    Args:
        fill: types the values and says which parts it filled.
        field: Enter is pressed in it when there is no button, or the button does nothing.
        ready: awaited once, when everything is filled and before it is sent.
        sends_itself: the page may send the form as soon as it is full.

    Raises:
        FieldRefused: a field does not keep its value, on a page that stays.
    """
    stage = flow.stage
    before, url = stage.fingerprint(reading), stage.page.url
    for last in (False, True):
        stage.mark(reading)
        filled = await _filled(flow, fill)
        if filled is None:
            return _went_on(flow)
        if sends_itself and not reading.still:
            # Many code fields send themselves when they are full; a click would then hit the next page.
            if not await stage.quiet():
                return NO_ANSWER
            if await _sent_itself(flow, reading, before, filled):
                flow.sent = True
                stage.recipes.note(url, reading)
                return None
        # What is typed into a page before it has woken up is gone when it has.
        forgotten = not (last or reading.still) and await lost(await stage.read(), reading, filled)
        if await _gone_on(flow):
            return _went_on(flow)
        if forgotten:
            continue
        if ready is not None:
            await ready()
            ready = None
        page = stage.page
        effect = await _send(flow, reading, field, before, filled)
        # A window that was opened for it has got it.
        network = stage.network
        flow.sent = network.reacted or network.sent_frames > 0 or network.sent_elsewhere or stage.page is not page
        if effect == "unanswered":
            return NO_ANSWER
        if effect == "moved":
            stage.recipes.note(url, reading)
            return None
        if effect == "nothing" or last:
            break
    return Outcome("unknown", "The form did not react to being submitted.")


async def _filled(flow: Flow, fill: Callable[[], Awaitable[Collection[Role]]]) -> Collection[Role] | None:
    """What was filled; None where the page went on meanwhile and took its fields with it."""
    try:
        return await fill()
    except FieldRefused:
        if not await _gone_on(flow):
            raise
        return None


def _went_on(flow: Flow) -> Outcome | None:
    return None if flow.may("gone on while filled", _MOVES) else _GOES_AWAY


async def _gone_on(flow: Flow) -> bool:
    """Whether the page has gone to another document while it was filled."""
    network = flow.stage.network
    if network.reacted and not network.navigated:
        # It has sent something of its own, to check a value or to count. Some forms wait for the answer.
        await network.settled(_CHECK_S)
    flow.sent = network.navigated
    return network.navigated


async def _sent_itself(flow: Flow, reading: Reading, before: str, filled: Collection[Role]) -> bool:
    """Whether the page has sent the form, and not only something of its own, while it was filled."""
    stage, network = flow.stage, flow.stage.network
    if not network.reacted:
        return False
    deadline = time.monotonic() + _CHECK_S
    while not network.navigated and all(status < 400 for status in network.statuses):
        now = await stage.read()
        if stage.fingerprint(now) != before or await lost(now, reading, filled):
            break
        if time.monotonic() >= deadline:
            return False
        await asyncio.sleep(_POLL_S)
    return True


async def _send(flow: Flow, reading: Reading, field: Locator | None, before: str, filled: Collection[Role]) -> Effect:
    stage = flow.stage
    stage.sends(reading)
    if reading.submit is not None:
        await press(reading.submit, still=reading.still)
    elif field is not None and await enter_sends(reading, field):
        await field.press("Enter", no_wait_after=True)
    effect = await stage.effect(before, reading, filled)
    if effect != "nothing" or field is None or reading.submit is None:
        return effect
    # Nothing was sent and nothing moved: the click did not arrive where the form listens.
    if not await enter_sends(reading, field):
        return effect
    await field.press("Enter", no_wait_after=True)
    return await stage.effect(before, reading, filled)


async def enter_sends(reading: Reading, field: Locator | None) -> bool:
    """Whether Enter in `field` sends its form, and presses no button but the chosen one.

    Raises:
        playwright.async_api.Error: the field is gone.
    """
    chosen = await reading.submit.element_handle() if reading.submit is not None else None
    return field is not None and await field.evaluate(_ENTER_SENDS, chosen)


async def type_checked(
    flow: Flow, field: Locator, submit: Locator | None, value: Callable[[str], Awaitable[str]], *, what: str
) -> str:
    """Type the value for the origin of `field` into it; returns that origin.

    Raises:
        OriginNotAllowed: nothing may be typed there.
        FieldRefused: the field does not keep it.
    """
    origins = flow.account.origins
    # A user name may be sent as part of an address, as some sites do that ask for it first.
    secret = what == "password"
    element, origin = await checked_field(field, origins, submit=submit)
    guard = keep_out_of_address(element) if secret else asyncio.sleep(0)
    typed, _ = await asyncio.gather(value(origin), guard)
    with spans.span("browser.fill", {"seezar.field": what}):
        try:
            await type_value(element, typed, what=what)
        except FieldRefused:
            # The page may have put another element in its place, as it does when it comes to life.
            element, now = await checked_field(field, origins, submit=submit)
            if secret:
                await keep_out_of_address(element)
            await type_value(element, typed if now == origin else await value(now), what=what)
    return origin


async def checked_boxes(flow: Flow, reading: Reading) -> tuple[list[ElementHandle], set[str]]:
    """The boxes of the code, each checked, and the origins that they are of.

    Raises:
        OriginNotAllowed: nothing may be typed there.
    """
    checked = await asyncio.gather(
        *(checked_field(box, flow.account.origins, submit=reading.submit) for box in reading.otp)
    )
    return [element for element, _ in checked], {origin for _, origin in checked}
