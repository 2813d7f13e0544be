"""ADK Web as `seezar web` serves it."""

import re

import httpx
import pytest
from playwright.sync_api import sync_playwright

from seezar.browser.executable import find_chromium
from seezar.settings import Settings
from service.web.page import page
from tests.service.conftest import Home

_OUTSIDE = re.compile(r"https?://(?!127\.0\.0\.1[:/])[^/]+")


def test_the_page_loads_nothing_from_outside() -> None:
    html = page()
    assert "fonts.gstatic.com" not in html
    assert "fonts.googleapis.com" not in html
    assert html.count("/seezar-static/fonts/") == 2
    assert "<title>seezar</title>" in html
    assert "adk_favicon" not in html


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.timeout(400)
def test_the_agents_are_there_with_icons_and_nothing_is_asked_outside(world: Home) -> None:
    with world.running("web") as web:
        url = web.wait_for("Ctrl-C stops it.").partition("ADK Web is at ")[2].split()[0]
        assert "coordinator" in httpx.get(f"{url}/list-apps", trust_env=False, timeout=60).json()
        assert url in world.seezar("status").out
        foreign = httpx.get(f"{url}/list-apps", headers={"host": "evil.example"}, trust_env=False, timeout=60)
        assert foreign.status_code == 403

        asked: list[str] = []
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=find_chromium(Settings()), args=["--no-sandbox"])
            view = browser.new_page()
            view.on("request", lambda request: asked.append(request.url))
            view.goto(f"{url}/dev-ui/?app=coordinator", wait_until="networkidle", timeout=120_000)
            # The font is asked for when the first icon is drawn; on a slow machine the network is quiet before.
            view.wait_for_function(
                "[...document.fonts].some(f => f.family.startsWith('Material Symbols') && f.status === 'loaded')",
                timeout=120_000,
            )
            browser.close()
        assert [address for address in asked if _OUTSIDE.match(address)] == []
        assert web.interrupt() == 0
