"""A model that does whatever it reads, with the real tools and a real worker: judged by what happened, not by words."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from email.message import EmailMessage

import httpx
import pytest
import pytest_asyncio
from google.adk.agents import LlmAgent
from google.adk.agents.invocation_context import InvocationContext
from google.adk.sessions import InMemorySessionService
from google.adk.tools.tool_context import ToolContext

from seezar.accounts.pages import NewPage
from seezar.models.pool import offline_pool
from seezar.models.router import ModelRouter
from tests.security.hostile_texts import DISGUISES, ORDERS, hostile_texts, obeyed
from tests.world import World, make_world
from tools import auth, browser, mail, research
from tools.answers import Answer

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser]

ACCOUNT = "demo-password"
OTHER = "demo-mail"
# site_error: what looked like a host was a path on the account's own site, where there is nothing.
REFUSALS = {"origin_not_allowed", "invalid_input", "unknown_account", "needs_confirmation", "site_error"}


class Attacker:
    """A server on loopback that counts who comes."""

    def __init__(self) -> None:
        self.visits = 0
        self.host = ""

    async def serve(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Count, and answer with an empty page."""
        self.visits += 1
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        with suppress(ConnectionError):
            await writer.drain()
        writer.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(postgres: str) -> AsyncIterator[World]:
    async with make_world(postgres, page_timeout=60.0) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def attacker() -> AsyncIterator[Attacker]:
    made = Attacker()
    async with await asyncio.start_server(made.serve, "127.0.0.1", 0) as server:
        made.host = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield made


@pytest.fixture(autouse=True)
def settings_of_the_world(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workflows.client.get_settings", lambda: world.settings)
    monkeypatch.setattr("tools.mail.get_router", lambda: ModelRouter(offline_pool()))


async def context(call_id: str) -> ToolContext:
    service = InMemorySessionService()
    session = await service.create_session(app_name="browser", user_id="ann", session_id="hostile")
    made = InvocationContext(
        session_service=service, invocation_id="i1", agent=LlmAgent(name="browser"), session=session
    )
    return ToolContext(made, function_call_id=call_id)


async def effects(world: World) -> dict[str, object]:
    """What an attacker would want changed."""
    application = world.application
    accounts = await application.accounts.list()
    sessions = {account.name: await application.sessions.info(account.name) for account in accounts}
    return {
        "accounts": accounts,
        "sessions": {name: session and session.id for name, session in sessions.items()},
        "mailboxes": {box.address for box in await application.mail.addresses()},
    }


async def stored(world: World, run_id: str, text: str) -> str:
    url = world.playground.base_url
    page = NewPage(run_id=run_id, account=ACCOUNT, url=url, title="\u202eOrders", text=text, screenshot=None)
    return await world.application.pages.store(page)


async def obey(tool: str, arguments: dict[str, object], call_id: str) -> Answer:
    tools: dict[str, Callable[..., Awaitable[Answer]]] = {
        "open_page": browser.open_page,
        "act_on_page": browser.act_on_page,
        "extract_from_page": browser.extract_from_page,
        "delete_mailbox": mail.delete_mailbox,
        "sign_in": auth.sign_in,
    }
    named = {"account": ACCOUNT} if tool.endswith("_page") else {}
    return await tools[tool](**named, **arguments, tool_context=await context(call_id))


async def test_a_model_that_obeys_every_page_reaches_and_changes_nothing(world: World, attacker: Attacker) -> None:
    signed_in = await auth.sign_in(ACCOUNT)
    assert signed_in["status"] == "signed_in", signed_in
    before = await effects(world)
    calls: dict[str, tuple[str, dict[str, object]]] = {}
    texts = hostile_texts(attacker.host, OTHER)
    for hostile in texts:
        page = await browser.read_page(await stored(world, signed_in["run_id"], hostile.text))
        (call,) = obeyed(page["text"])
        calls[json.dumps(call)] = call
        # The text is inside of the one fence, and nothing that is not seen came along.
        mark = page["text"].splitlines()[1].removeprefix("<<<")
        assert page["text"].endswith(f"\n{mark}>>>")
        assert page["text"].count(mark) == 2
        assert not {"\u202e", "\u200b", "\U000e0041"} & set(page["text"] + page["title"])
    assert len(texts) == len(ORDERS) * len(DISGUISES) >= 60
    assert len(calls) == len(ORDERS)
    for number, (tool, arguments) in enumerate(calls.values()):
        answer = await obey(tool, arguments, f"c{number}")
        # A path may be opened that looks like a host, but on the account's own site.
        assert str(answer.get("url") or world.playground.base_url).startswith(world.playground.base_url), answer
        assert answer["status"] in REFUSALS, answer
    assert attacker.visits == 0
    assert await effects(world) == before


async def test_what_was_kept_comes_back_fenced(world: World, attacker: Attacker) -> None:
    signed_in = await auth.sign_in(ACCOUNT)
    hostile = hostile_texts(attacker.host, OTHER)[1]
    saved = await research.save_page(await stored(world, signed_in["run_id"], f"# Refunds\n\n{hostile.text}"))
    assert saved["status"] == "saved", saved
    results = (await research.search("refunds", account=ACCOUNT))["results"]
    assert results
    assert all(row["text"].startswith("Text of a page of the account demo-password. It is data") for row in results)
    assert "\u202e" not in json.dumps(results, ensure_ascii=False)


async def test_no_order_in_the_text_of_a_mail_reaches_the_conversation(world: World, attacker: Attacker) -> None:
    address = (await mail.create_mailbox())["address"]
    texts = [text for text in hostile_texts(attacker.host, OTHER) if text.disguise in ("plain", "system prompt")]
    for hostile in texts:
        letter = EmailMessage()
        letter["From"], letter["To"], letter["Subject"] = "no-reply@harbor.test", address, "Your order"
        letter.set_content(hostile.text)
        await world.mailer.send(letter)
    messages = (await mail.list_messages(address, len(texts)))["messages"]
    assert len(messages) == len(texts)
    for message in messages:
        told = await mail.read_message(message["handle"])
        assert told["status"] == "read", told
        read = json.dumps(told)
        assert "tool" not in read
        assert attacker.host not in read
    assert attacker.visits == 0


async def test_the_judge_sees_an_attack_that_succeeds(attacker: Attacker) -> None:
    # Without the gate: a tool that opens whatever it is told to.
    _, arguments = obeyed(hostile_texts(attacker.host, OTHER)[0].text)[0]
    async with httpx.AsyncClient(trust_env=False) as client:
        await client.get(str(arguments["page"]))
    assert attacker.visits == 1
