"""Tools that a person has to say yes to, called without a model: what they ask, and what they do then."""

import json
from pathlib import Path

import pytest
from google.adk.events.event import Event
from google.adk.tools.tool_context import ToolContext
from google.genai import types

from tests.calls import call, yes
from tests.site import page, serve
from tests.world import World
from tools import accounts, auth, browser, mail

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser]


def asked(context: ToolContext) -> str:
    """What the person is shown."""
    [request] = context.actions.requested_tool_confirmations.values()
    return request.hint or ""


def cookies_in_private(path: Path) -> list[dict[str, str]]:
    """The cookies in an exported file, which nobody else may read."""
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    return json.loads(path.read_text())["cookies"]


async def test_an_account_is_added_without_its_secrets_and_removed(world: World) -> None:
    values = ("ann-shop", f"{world.playground.base_url}/plain/login", "ann")
    context = await call("add")
    assert (await accounts.add_account(*values, tool_context=context))["status"] == "needs_confirmation"
    assert world.playground.base_url in asked(context)
    no = await accounts.add_account(*values, tool_context=await call("add", confirmed=False))
    assert (no["status"], no["message"]) == ("rejected", "The user did not confirm it. Nothing was done.")
    assert "ann-shop" not in [account.name for account in await world.application.accounts.list()]
    added = await accounts.add_account(*values, tool_context=await yes())
    assert added["status"] == "added"
    assert "seezar account secrets ann-shop" in added["message"]
    assert (await world.application.accounts.get("ann-shop")).password_ref is None
    assert (await accounts.add_account(*values, tool_context=await yes()))["status"] == "account_exists"
    bad = await accounts.add_account("x", "javascript:alert(1)", "ann", tool_context=await yes())
    assert bad["status"] == "invalid_input"

    assert (await accounts.remove_account("ann-shop"))["status"] == "needs_confirmation"
    assert (await accounts.remove_account("ann-shop", tool_context=await yes()))["status"] == "removed"
    assert (await accounts.remove_account("ann-shop", tool_context=await yes()))["status"] == "unknown_account"


async def test_a_session_goes_into_a_file_and_not_into_the_answer(world: World) -> None:
    await world.add_like("demo-password", "exported")
    assert (await accounts.export_session("exported", tool_context=await yes()))["status"] == "not_signed_in"
    await auth.sign_in("exported")
    context = await call("out")
    assert (await accounts.export_session("exported", tool_context=context))["status"] == "needs_confirmation"
    assert "signed in as exported" in asked(context)
    assert not (world.settings.home / "exports").exists()
    given = [await accounts.export_session("exported", tool_context=await yes()) for _ in range(2)]
    # The call of a turn that is resumed is the same one.
    assert given[0] == given[1]
    cookies = cookies_in_private(Path(given[0]["file"]))
    assert cookies
    assert not any(cookie["value"] in json.dumps(given) for cookie in cookies)
    entry = (await world.application.audit.list(subject="exported", limit=1))[0]
    assert (entry.action, entry.actor) == ("session.export", "agent:u")


async def test_a_foreign_link_needs_a_yes_and_the_way_out(world: World) -> None:
    await auth.sign_in("demo-password")
    base = world.playground.base_url
    own = await browser.open_link("demo-password", f"{base}/plain/dashboard", tool_context=await call("own"))
    assert own["status"] == "opened", own
    async with serve({"/news": page("<p>Other news</p>", title="News")}) as foreign:
        link = f"{foreign.url}/news?q=1"
        context = await call("away")
        assert (await browser.open_link("demo-password", link, tool_context=context))["status"] == "needs_confirmation"
        assert link in asked(context)
        # A person may say yes to a page; where the browser may go is another person's word.
        refused = await browser.open_link("demo-password", link, tool_context=await call("shut", confirmed=True))
        assert refused["status"] == "site_error", refused
        assert not foreign.requests
    for bad in ("javascript:alert(1)", "file:///etc/passwd", "http://a@evil.test/", "x" * 600):
        assert (await browser.open_link("demo-password", bad, tool_context=await yes()))["status"] == "invalid_input"


async def test_a_foreign_link_that_is_allowed_by_name_still_leads_nowhere_inside(world: World) -> None:

    async with serve({"/news": page("<p>Other news</p>", title="News")}, host="localhost") as foreign:
        await world.add_like("demo-password", "reads-news", hosts=(f"localhost:{foreign.port}",))
        await auth.sign_in("reads-news")
        before = await world.application.sessions.info("reads-news")
        opened = await browser.open_link(
            "reads-news", f"{foreign.url}/news", tool_context=await call("n", confirmed=True)
        )
        # Allowed by name, but it leads inside this machine, which nobody has allowed.
        assert opened["status"] == "site_error", opened
        assert await world.application.sessions.info("reads-news") == before


async def test_a_conversation_makes_a_few_mailboxes_and_no_more(world: World) -> None:
    context = await call("c0")
    parts = [types.Part(function_call=types.FunctionCall(id=f"c{n}", name="create_mailbox")) for n in range(7)]
    content = types.Content(role="model", parts=parts)
    made: list[str] = []
    for number in range(7):
        context = await call(f"c{number}")
        context.session.events.append(Event(author="mail", invocation_id="i1", content=content))
        made.append((await mail.create_mailbox(tool_context=context))["status"])
    # All in one turn, where none knows of the others.
    assert made == ["created"] * 5 + ["limit_reached"] * 2
    # Asked for again by a resumed turn, it is the mailbox that was made.
    context = await call("c0")
    context.session.events.append(Event(author="mail", invocation_id="i1", content=content))
    assert (await mail.create_mailbox(tool_context=context))["status"] == "created"


async def test_all_conversations_of_a_day_make_a_limited_number(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await mail.create_mailbox(tool_context=await call("first", session_id="day")))["status"] == "created"
    monkeypatch.setattr(
        "workflows.client.get_settings", lambda: world.settings.model_copy(update={"chat_mailboxes_per_day": 1})
    )
    refused = await mail.create_mailbox(tool_context=await call("next", session_id="another"))
    assert refused["status"] == "limit_reached"
    # Nobody's model asks here.
    assert (await mail.create_mailbox())["status"] == "created"
