"""Filling a form and sending it, and once more where the page lost what was typed before anything was sent."""

import asyncio
from collections.abc import Awaitable, Callable, Collection

from playwright.async_api import ElementHandle, Locator

from seezar.signin.filling import FieldRefused, keep_out_of_address, press, type_value
from seezar.signin.flow import NO_ANSWER, Flow
from seezar.signin.outcome import Outcome
from seezar.signin.policy import checked_field
from seezar.signin.reading import Reading
from seezar.signin.stage import Effect, Role, lost

# Enter presses the form's first button that submits, whatever it is for.
_DEFAULT_BUTTON = """(field, submit) => {
  const form = field.form;
  if (!form || !submit || submit.form !== form) return true;
  for (const element of HTMLFormElement.prototype.__lookupGetter__('elements').call(form))
    if (['submit', 'image'].includes(element.type) && !element.disabled) return element === submit;
  return true;
}"""


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
    """
    stage = flow.stage
    before, url = stage.fingerprint(reading), stage.page.url
    for last in (False, True):
        stage.mark(reading)
        filled = await fill()
        if sends_itself and not reading.still:
            # Many code fields send themselves when they are full; a click would then hit the next page.
            if not await stage.quiet():
                return NO_ANSWER
            if stage.network.reacted:
                flow.sent = True
                stage.recipes.note(url, reading)
                return None
        # What is typed into a page before it has woken up is gone when it has.
        forgotten = not (last or reading.still) and await lost(await stage.read(), reading, filled)
        if stage.network.reacted:
            flow.sent = True
            return None
        if forgotten:
            continue
        if ready is not None:
            await ready()
            ready = None
        page = stage.page
        effect = await _send(flow, reading, field, before, filled)
        # A window that was opened for it has got it.
        flow.sent = stage.network.reacted or stage.network.sent_frames > 0 or stage.page is not page
        if effect == "unanswered":
            return NO_ANSWER
        if effect == "moved":
            stage.recipes.note(url, reading)
            return None
        if effect == "nothing" or last:
            break
    return Outcome("unknown", "The form did not react to being submitted.")


async def _send(flow: Flow, reading: Reading, field: Locator | None, before: str, filled: Collection[Role]) -> Effect:
    stage = flow.stage
    stage.mark(reading)
    if reading.submit is not None:
        await press(reading.submit, still=reading.still)
    elif field is not None:
        await field.press("Enter", no_wait_after=True)
    effect = await stage.effect(before, reading, filled)
    if effect != "nothing" or field is None or reading.submit is None:
        return effect
    # Nothing was sent and nothing moved: the click did not arrive where the form listens.
    if not await field.evaluate(_DEFAULT_BUTTON, await reading.submit.element_handle()):
        return effect
    await field.press("Enter", no_wait_after=True)
    return await stage.effect(before, reading, filled)


async def type_checked(
    flow: Flow, field: Locator, submit: Locator | None, value: Callable[[str], Awaitable[str]], *, what: str
) -> str:
    """Type the value for the origin of `field` into it; returns that origin.

    Raises:
        OriginNotAllowed: nothing may be typed there.
        FieldRefused: the field does not keep it.
    """
    origins = flow.account.origins
    element, origin = await checked_field(field, origins, submit=submit)
    typed, _ = await asyncio.gather(value(origin), keep_out_of_address(element))
    try:
        await type_value(element, typed, what=what)
    except FieldRefused:
        # The page may have put another element in its place, as it does when it comes to life.
        element, now = await checked_field(field, origins, submit=submit)
        await keep_out_of_address(element)
        await type_value(element, typed if now == origin else await value(now), what=what)
    return origin


async def checked_boxes(flow: Flow, reading: Reading) -> tuple[list[ElementHandle], set[str]]:
    """The boxes of the code, each checked, and the origins that they are of.

    Raises:
        OriginNotAllowed: nothing may be typed there.
    """
    checked = [await checked_field(box, flow.account.origins, submit=reading.submit) for box in reading.otp]
    return [element for element, _ in checked], {origin for _, origin in checked}
