"""Windows that a page opens: closed at once, unless whoever drives the page takes charge of them."""

from collections.abc import Callable
from contextlib import suppress

from playwright.async_api import Error, Page


async def close_popup(popup: Page) -> None:
    """Close a window that is nobody's: nothing watches its requests or knows what it asks for."""
    with suppress(Error):
        await popup.close()


def take_charge(page: Page, opened: Callable[[Page], None]) -> None:
    """From now on the windows that `page` opens are given to `opened`, which sees to it that they are closed."""
    with suppress(KeyError):
        page.remove_listener("popup", close_popup)
    page.on("popup", opened)
