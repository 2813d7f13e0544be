"""Which Chromium to drive."""

import shutil
import sys
from pathlib import Path

from seezar.errors import BrowserMissing
from seezar.settings import Settings

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_MAC = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)


def find_chromium(settings: Settings, *, bundled: Path | None = None) -> Path:
    """The browser of `SEEZAR_CHROMIUM`, else one on PATH, else Playwright's own.

    Args:
        bundled: where Playwright would have put its own build (`playwright.chromium.executable_path`).

    Raises:
        BrowserMissing: there is none.
    """
    if settings.chromium is not None:
        if not settings.chromium.is_file():
            raise BrowserMissing(
                f"SEEZAR_CHROMIUM names {settings.chromium}, which does not exist.",
                kept="Nothing was sent anywhere.",
                next_step="Correct it, or unset it to use the browser found on this machine.",
            )
        return settings.chromium
    for name in _NAMES:
        found = shutil.which(name)
        if found:
            return Path(found)
    if sys.platform == "darwin":
        for path in map(Path, _MAC):
            if path.is_file():
                return path
    if bundled is not None and bundled.is_file():
        return bundled
    raise BrowserMissing(
        "No Chromium or Chrome was found.",
        kept="Nothing was sent anywhere.",
        next_step="Run `make setup`, install the package `chromium`, or set SEEZAR_CHROMIUM.",
    )
