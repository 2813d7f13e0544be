"""Take docs/images/adk-web.png: ADK Web after a sign-in, in a headless Chromium.

Needs `seezar playground` and `seezar web` running in the same home (take a temporary SEEZAR_HOME, so that the picture
shows a sign-in and not a stored session):

    .venv/bin/python scripts/picture_adk_web.py http://127.0.0.1:8888

ADK Web loads its icon fonts from fonts.gstatic.com and shows words in their place where that cannot be reached. There,
`--fonts FOLDER` answers these requests from `material-symbols-outlined.woff2` and `material-icons.woff2` in a folder,
as the npm packages `material-symbols` and `material-icons` have them.
"""

import argparse
import asyncio
from pathlib import Path

from playwright.async_api import Error, Page, Route, async_playwright

from seezar.browser.executable import find_chromium
from seezar.settings import get_settings

_PROMPT = "sign in to demo-totp and show me the top events"
_ANSWERED = "Total"
_OUTPUT = Path(__file__).resolve().parents[1] / "docs" / "images" / "adk-web.png"
_VIEWPORT = (1440, 900)
_ANSWER_MS = 120_000.0
# ADK Web draws its event list after the answer has arrived; there is nothing to wait for that says so.
_SETTLE_MS = 1_500.0
# Part of the address at Google → file in the folder of fonts.
_FONTS = {"/materialsymbolsoutlined/": "material-symbols-outlined.woff2", "/materialicons/": "material-icons.woff2"}


async def take(url: str, prompt: str, answered: str, output: Path, fonts: Path | None) -> None:
    """Ask the coordinator at `url` (of ADK Web) for `prompt` and photograph the page once `answered` is in a table.

    Raises:
        playwright.async_api.Error: the page does not show what is expected in time.
    """
    async with async_playwright() as playwright:
        bundled = Path(playwright.chromium.executable_path)
        browser = await playwright.chromium.launch(executable_path=find_chromium(get_settings(), bundled=bundled))
        page = await browser.new_page(viewport={"width": _VIEWPORT[0], "height": _VIEWPORT[1]})
        if fonts is not None:
            await _serve_fonts(page, fonts)
        await page.goto(f"{url.rstrip('/')}/dev-ui/?app=coordinator")
        question = page.locator("textarea").last
        await question.wait_for()
        await _decline_telemetry(page)
        await question.fill(prompt)
        await question.press("Enter")
        await page.get_by_role("cell", name=answered, exact=True).first.wait_for(timeout=_ANSWER_MS)
        await page.wait_for_timeout(_SETTLE_MS)
        output.parent.mkdir(parents=True, exist_ok=True)
        await page.screenshot(path=output)
        await browser.close()


async def _serve_fonts(page: Page, folder: Path) -> None:
    async def answer(route: Route) -> None:
        name = next((file for part, file in _FONTS.items() if part in route.request.url), None)
        if name is None:
            await route.abort()
        else:
            # Fonts are fetched across origins, so the answer must allow it.
            await route.fulfill(path=folder / name, headers={"access-control-allow-origin": "*"})

    await page.route("https://fonts.gstatic.com/**", answer)


async def _decline_telemetry(page: Page) -> None:
    """ADK asks once per user whether it may send usage data; the answer is in ~/.adk/config.json afterwards."""
    try:
        await page.get_by_role("button", name="No Thanks").click(timeout=5_000)
    except Error:
        return


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url", help="address of ADK Web")
    parser.add_argument("--prompt", default=_PROMPT)
    parser.add_argument("--answered", default=_ANSWERED, help="text of a table cell of the answer")
    parser.add_argument("--output", type=Path, default=_OUTPUT)
    parser.add_argument("--fonts", type=Path, metavar="FOLDER", help="folder with the icon fonts, for use offline")
    options = parser.parse_args()
    asyncio.run(take(options.url, options.prompt, options.answered, options.output, options.fonts))


if __name__ == "__main__":
    main()
