"""What must hold before a credential is typed. Wrong is worse than "not sure"."""

import asyncio
from typing import Final
from urllib.parse import urljoin

from playwright.async_api import ElementHandle, Error, Locator

from seezar.errors import InvalidInput, OriginNotAllowed
from seezar.signin.reading import Reading
from seezar.vault.origins import is_secure, origin_of

# From this confidence on the reading is acted upon (DESIGN.md §5); below it, a person or a model must look.
SURE = 0.75

# The button that Enter presses: the form's first that submits, wherever in the tree it stands. `form.elements` lacks
# those that are pictures, and a field may hide that property.
DEFAULT_BUTTON: Final = """(form) => [...form.getRootNode().querySelectorAll('button, input')]
  .find((e) => e.form === form && ['submit', 'image'].includes(e.type))"""
# Where the form of a field sends it: [of the button, of the form, base of relative ones, the page itself]. Attributes,
# because a field named "action" hides the property of that name. Without a button Enter sends it.
_TARGET: Final = f"""(field, submit) => {{
  const form = field.form;
  if (!form) return null;
  const of = (element, name) => Element.prototype.getAttribute.call(element, name);
  const by = submit || ({DEFAULT_BUTTON})(form);
  return [by && by.form === form ? of(by, 'formaction') : null, of(form, 'action'),
          document.baseURI, document.URL];
}}"""


def sure(reading: Reading) -> bool:
    """Whether the reading may be acted upon without asking."""
    return reading.confidence >= SURE


async def checked_field(
    field: Locator, allowed: tuple[str, ...], *, submit: Locator | None = None
) -> tuple[ElementHandle, str]:
    """The element of `field` and the origin of its frame, if a credential may be typed there.

    The field's own frame counts, not the page: a foreign frame inside the right page is how credentials are phished.
    Its address is taken from the browser, not from the page's scripts, which could say anything. The element is
    returned because it belongs to the document that was checked: a locator would find its like in the next document,
    whoever's that is.

    Args:
        allowed: the origins of the account.
        submit: the button that will send it, when there is one; else the one that Enter presses.

    Raises:
        OriginNotAllowed: the origin, or that which the form sends to, is not registered or not encrypted.
        playwright.async_api.Error: the field is gone.
    """
    element, button = await asyncio.gather(field.element_handle(), _handle(submit))
    frame, target = await asyncio.gather(element.owner_frame(), _target(element, button))
    if frame is None:
        raise Error("the field is not in a frame any more")
    origin = _checked(frame.url, allowed, "The form is on")
    if target is not None:
        _checked(target, allowed, "The form sends to")
    return element, origin


async def _handle(control: Locator | None) -> ElementHandle | None:
    return await control.element_handle() if control is not None else None


async def _target(element: ElementHandle, button: ElementHandle | None) -> str | None:
    """Where the form of a field sends it to by itself; None when it has no form or leaves it to a script."""
    found: list[str | None] | None = await element.evaluate(_TARGET, button)
    if found is None:
        return None
    of_button, of_form, base, page = found
    action = (of_button or of_form or "").strip()
    if action.lower().startswith("javascript:"):
        return None
    try:
        return urljoin(base or "", action) if action else page
    except ValueError:
        return action


def _checked(url: str, allowed: tuple[str, ...], what: str) -> str:
    try:
        origin = origin_of(url)
    except InvalidInput:
        # Its words may be the page's own.
        raise OriginNotAllowed(
            f"{what} an address that can be no site's.",
            kept="Nothing was typed into it.",
            next_step="Sign in once by hand to see where the form belongs and leads.",
        ) from None
    if origin not in allowed or not is_secure(origin):
        raise OriginNotAllowed(
            f"{what} {origin}, which is not registered for this account.",
            kept="Nothing was typed into it.",
            next_step=f"If it belongs to the site, add the account again with --origin {origin}.",
        )
    return origin
