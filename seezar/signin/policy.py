"""What must hold before a credential is typed. Wrong is worse than "not sure"."""

from playwright.async_api import Error, Locator

from seezar.errors import InvalidInput, OriginNotAllowed
from seezar.signin.reading import Reading
from seezar.vault.origins import is_secure, origin_of

# From this confidence on the reading is acted upon (DESIGN.md §5); below it, a person or a model must look.
SURE = 0.75


def sure(reading: Reading) -> bool:
    """Whether the reading may be acted upon without asking."""
    return reading.confidence >= SURE


async def checked_origin(field: Locator, allowed: tuple[str, ...]) -> str:
    """The origin of the frame that `field` is in, if a credential may be typed there.

    The field's own frame counts, not the page: a foreign frame inside the right page is how credentials are phished.
    It is taken from the browser, not from the page's scripts, which could say anything.

    Raises:
        OriginNotAllowed: the origin is not registered, or is not encrypted.
        playwright.async_api.Error: the field is gone.
    """
    handle = await field.element_handle()
    try:
        frame = await handle.owner_frame()
    finally:
        await handle.dispose()
    if frame is None:
        raise Error("the field is not in a frame any more")
    try:
        origin = origin_of(frame.url)
    except InvalidInput:
        origin = frame.url.partition(":")[0] + ":"
    if origin not in allowed or not is_secure(origin):
        raise OriginNotAllowed(
            f"The form is on {origin}, which is not registered for this account.",
            kept="Nothing was typed into it.",
            next_step="If it belongs to the site, add the account again with --origin " + origin + ".",
        )
    return origin
