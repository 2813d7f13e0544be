"""Putting a value into a field so that it stays there."""

import asyncio
from collections.abc import Callable, Sequence
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


def _never() -> bool:
    return False


def _same(held: str, value: str) -> bool:
    return held == value


def _plain(code: str) -> str:
    """A code without what only makes it easier to read."""
    return "".join(c for c in code if c.isalnum())


def _same_code(held: str, code: str) -> bool:
    """Masks put blanks and hyphens in or take them out, and change the case."""
    return _plain(held).casefold() == _plain(code).casefold()


async def is_tick(control: Locator) -> bool:
    """Whether a control is there to be ticked, not pressed."""
    return await control.evaluate("element => ['checkbox', 'radio'].includes(element.type)")


# The options of a list that stand for something.
_OPTIONS = """(list) => [...list.options].map((option, index) => [index, option.label, option.value, option.disabled])
  .filter(([, , value, disabled]) => value !== '' && !disabled).map(([index, label]) => [index, label])"""


async def choose_only(choices: Locator, fits: Callable[[str], bool]) -> bool:
    """Choose the only option of a list, or of several the first whose words fit; False when none does.

    Args:
        choices: a select element in which nothing is chosen.
        fits: whether the words of an option name the right one.
    """
    options: list[tuple[int, str]] = await choices.evaluate(_OPTIONS)
    fitting = options if len(options) == 1 else [option for option in options if fits(option[1])]
    if not fitting:
        return False
    await choices.select_option(index=fitting[0][0], timeout=_TIMEOUT_MS)
    return True


async def type_value(
    field: ElementHandle,
    value: str,
    *,
    what: str,
    sends_itself: bool = False,
    sent: Callable[[], bool] = _never,
    same: Callable[[str, str], bool] = _same,
) -> None:
    """Fill `field` with `value` and make sure that it is there; typed key by key when filling does not stick.

    Args:
        field: the element itself (`seezar.signin.policy.checked_field`), not a way to find one like it.
        what: name of the field for the error, e.g. "password".
        sends_itself: the page may move on as soon as the value is complete.
        sent: whether it has sent something meanwhile; a form that sends itself may be emptied then.
        same: whether what the field holds is as good as the value.

    Raises:
        FieldRefused: the field does not keep the value, or is gone.
    """
    try:
        await field.fill(value, timeout=_TIMEOUT_MS)
        kept = await _keeps(field, value, same)
        if kept or (kept is None and sends_itself) or sent():
            return
        # Masked and scripted inputs listen to keys and undo what was set from outside.
        await field.fill("", timeout=_TIMEOUT_MS)
        await field.type(value, timeout=_TIMEOUT_MS)
        kept = await _keeps(field, value, same)
        if kept or (kept is None and sends_itself) or sent():
            return
    # Playwright's message holds the call with its arguments, hence the value: it must not be passed on.
    except Error:
        raise _refused(what) from None
    raise _refused(what)


async def _keeps(field: ElementHandle, value: str, same: Callable[[str, str], bool]) -> bool | None:
    """Whether the field holds `value` and still does once the page's scripts had their turn; None when it is gone."""
    held = await _held([field])
    return None if held is None else same(held[0], value)


async def _held(fields: Sequence[ElementHandle]) -> list[str] | None:
    """What the fields hold once the page's scripts had their turn; None when they are gone, or the page is leaving."""
    try:
        # A page that is leaving does not answer until it has left.
        if not await asyncio.wait_for(fields[0].evaluate(_STILL_THERE), _TIMEOUT_MS / 1000):
            return None
        return [await field.input_value(timeout=_TIMEOUT_MS) for field in fields]
    except (Error, TimeoutError):
        return None


# The listener comes last, after those of the page's own scripts; what these have taken over is none of our business.
# They may keep the event from it, or send the form without one: then the navigation is cancelled, whatever began it.
_NOT_INTO_ADDRESS = """(field) => {
  let typed = field.value;
  field.addEventListener('input', () => { typed = field.value || typed; });
  window.navigation?.addEventListener('navigate', (event) => {
    const sent = new URL(event.destination.url).searchParams;
    // What a page in another encoding than UTF-8 sends cannot be read back.
    const foreign = document.characterSet !== 'UTF-8' && /[^\\x00-\\x7f]/.test(typed);
    const holds = ([name, value]) => value && (value === typed || value === field.value ||
      (foreign && (name === field.name || value.includes('\\ufffd'))));
    if (event.cancelable && [...sent].some(holds)) event.preventDefault();
  });
  const form = field.form;
  const method = form && Element.prototype.getAttribute.call(form, 'method');
  if (!form || /^(post|dialog)$/i.test(method || '')) return;
  const root = form.getRootNode();
  (root === document ? window : root).addEventListener('submit', (event) => {
    const by = event.submitter && Element.prototype.getAttribute.call(event.submitter, 'formmethod');
    if (event.target === form && !/^post$/i.test(by || '')) event.preventDefault();
  });
}"""


async def keep_out_of_address(field: ElementHandle) -> None:
    """See to it that what is typed into a password field never becomes part of the address of a page.

    A form without a method is sent that way by the browser itself, if it is submitted before the page's script, which
    would have sent it otherwise, has woken up. Addresses end up in histories and logs. Nothing of the page is changed:
    its submission and the navigation are cancelled, and those of a page whose script takes over are not begun.
    """
    with suppress(Error):
        await field.evaluate(_NOT_INTO_ADDRESS)


async def press(control: Locator, *, still: bool = False) -> None:
    """Click `control` as a person would; if something lies over it (a cookie banner), tell it directly.

    Going past a banner gives no consent to anything, which is less than any of its buttons would.

    Args:
        still: nothing can move in between (`Reading.still`), so that looking once where it is will do.

    Raises:
        playwright.async_api.Error: it is gone.
    """
    try:
        await control.click(trial=True, timeout=_CLICK_MS)
    except Error:
        await control.evaluate("element => element.click()", timeout=_CLICK_MS)
        return
    # Once and never again, and without waiting for where it leads: a slow site would be sent everything twice.
    await control.click(no_wait_after=True, force=still)


async def tick(box: Locator) -> None:
    """Tick a box such as "stay signed in"; a box that will not be ticked is no reason to stop."""
    with suppress(Error):
        # The box itself may be hidden behind one that is drawn: the click reaches it all the same.
        await box.evaluate("element => { if (!element.checked) element.click(); }", timeout=1_000)


async def type_code(boxes: Sequence[ElementHandle], code: str, *, sent: Callable[[], bool] = _never) -> None:
    """Enter a one-time code into one field, or over several boxes of one character each.

    Args:
        sent: whether the page has sent something meanwhile; it may have emptied the boxes then.

    Raises:
        FieldRefused: the boxes do not keep the code.
    """
    if len(boxes) == 1:
        fits = code
        if fits != _plain(code):
            room = int(await boxes[0].evaluate("field => field.maxLength ?? -1"))
            fits = _plain(code) if 0 < room < len(code) else code
        await type_value(boxes[0], fits, what="code", sends_itself=True, sent=sent, same=_same_code)
        return
    code = _plain(code)
    try:
        await boxes[0].focus()
        # Most split boxes move the focus on by themselves; then the keys must not be sent box by box.
        await boxes[0].type(code, timeout=_TIMEOUT_MS)
        if await _boxes_hold(boxes, code) or sent():
            return
        for box, character in zip(boxes, code, strict=False):
            await box.fill(character, timeout=_TIMEOUT_MS)
        if await _boxes_hold(boxes, code) or sent():
            return
    except Error:
        raise _refused("code") from None
    raise _refused("code")


async def _boxes_hold(boxes: Sequence[ElementHandle], code: str) -> bool:
    held = await _held(boxes)
    # Gone are the boxes of a page that sent the full code by itself: it was right to type.
    return held is None or _same_code("".join(held), code)


def _refused(what: str) -> FieldRefused:
    return FieldRefused(
        f"The page does not keep what is typed into its {what} field.",
        kept="Nothing was submitted.",
        next_step="Sign in once by hand to see what the page expects.",
    )
