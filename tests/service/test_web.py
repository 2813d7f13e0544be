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


def test_without_a_token_it_is_not_put_where_others_reach_it(home: Home) -> None:
    for arguments in (["--host", "0.0.0.0"], ["--host", "::"], ["--host", "elsewhere"]):  # noqa: S104 - refused
        answer = home.seezar("web", "--port", "0", *arguments)
        assert answer.code == 1
        assert "Nothing was started." in answer.complaint


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.timeout(400)
def test_behind_its_gate_it_takes_the_tokens_of_the_api(world: Home) -> None:
    chat = world.seezar("client", "add", "person", "--scope", "chat", "--json").json
    other = world.seezar("client", "add", "program", "--scope", "runs:read", "--json").json
    api_token = world.seezar("token", "new", "person", "--json").json["access_token"]
    web_token = world.seezar("token", "new", "person", "--audience", "seezar-web", "--json").json["access_token"]
    with world.running("web", "--token") as web:
        url = web.wait_for("Ctrl-C stops it.").partition("ADK Web is at ")[2].split()[0]
        with httpx.Client(base_url=url, trust_env=False, timeout=60) as anybody:
            assert anybody.get("/health").status_code in (200, 503)
            for path in ("/list-apps", "/dev-ui/", "/run", "/apps/coordinator/users/user/sessions", "/version"):
                assert anybody.get(path).status_code == 401, path
            for token in ("nonsense", api_token):
                refused = anybody.get("/list-apps", headers={"authorization": f"Bearer {token}"})
                assert refused.status_code == 401
            allowed = anybody.get("/list-apps", headers={"authorization": f"Bearer {web_token}"})
            assert "coordinator" in allowed.json()
            elsewhere = {"host": "evil.example", "authorization": f"Bearer {web_token}"}
            assert anybody.get("/list-apps", headers=elsewhere).status_code == 400
            form = {"client_id": chat["name"], "client_secret": chat["secret"]}
            foreign = anybody.post("/seezar/sign-in", data=form, headers={"origin": "https://evil.example"})
            assert foreign.status_code == 403
            away = anybody.post("/seezar/sign-in?next=//evil.example", data=form)
            assert away.headers["location"] == "/"
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=find_chromium(Settings()), args=["--no-sandbox"])
            view = browser.new_page()
            view.goto(f"{url}/dev-ui/?app=coordinator", timeout=120_000)
            assert "/seezar/sign-in" in view.url
            view.get_by_label("Client").fill(other["name"])
            view.get_by_label("Secret").fill(other["secret"])
            view.get_by_role("button", name="Sign in").click()
            assert "chat" in view.get_by_role("alert").inner_text()
            view.get_by_label("Client").fill(chat["name"])
            view.get_by_label("Secret").fill(chat["secret"])
            view.get_by_role("button", name="Sign in").click()
            view.wait_for_url("**/dev-ui/?app=coordinator**", timeout=120_000)
            (cookie,) = [c for c in view.context.cookies() if c.get("name") == "seezar_web"]
            assert cookie.get("httpOnly")
            assert cookie.get("sameSite") == "Strict"
            view.get_by_role("textbox").first.wait_for(timeout=120_000)
            browser.close()
        assert chat["secret"] not in web.said
        assert web.interrupt() == 0
