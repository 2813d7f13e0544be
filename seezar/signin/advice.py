"""Who is asked when the detector is not sure of a page."""

from typing import Protocol

from playwright.async_api import Page

from seezar.signin.reading import Reading


class Advisor(Protocol):
    """Gives a surer reading of a page. What it says passes the same policy as the detector's own readings."""

    async def advise(self, page: Page, reading: Reading) -> Reading | None:
        """A reading to act upon instead of `reading`, or None when there is no better one.

        Args:
            page: as it is now.
            reading: the detector's, not sure or without a form.
        """
        ...
