"""Fixtures: a real SMTP inbox, a playground on a clock of its own, a visitor that uses forms as browsers do."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from urllib.parse import urljoin

import httpx
import pyotp
import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from selectolax.lexbor import LexborHTMLParser

from playground.clock import ManualClock
from playground.server import PlaygroundServer
from playground.world import DemoAccount


@dataclass
class Inbox:
    """An aiosmtpd server in the test's loop, and what it took."""

    raw: list[bytes] = field(default_factory=list)
    port: int = 0

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        self.raw.append(envelope.content)
        return "250 OK"

    @property
    def mails(self) -> list[EmailMessage]:
        return [message_from_bytes(raw, policy=policy.default) for raw in self.raw]

    def code(self, index: int = -1) -> str:
        """The code in the text part of a mail, the newest unless told."""
        body = self.mails[index].get_body(("plain",))
        assert body is not None
        found = re.search(r"^ +(\d+)\s*$", body.get_content(), re.MULTILINE)
        assert found is not None
        return found[1]


@pytest.fixture
async def inbox() -> AsyncIterator[Inbox]:
    inbox = Inbox()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(inbox, hostname="127.0.0.1"), "127.0.0.1", 0)
    inbox.port = server.sockets[0].getsockname()[1]
    async with server:
        yield inbox


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def server(inbox: Inbox, clock: ManualClock) -> AsyncIterator[PlaygroundServer]:
    async with PlaygroundServer(smtp_port=inbox.port, clock=clock) as running:
        yield running


class Visitor:
    """One browser without a screen: cookies, forms with their hidden fields, redirects followed."""

    def __init__(self, server: PlaygroundServer) -> None:
        self.http = httpx.AsyncClient(base_url=server.base_url, follow_redirects=True, trust_env=False)
        self.page: httpx.Response

    async def open(self, path: str) -> httpx.Response:
        self.page = await self.http.get(path)
        return self.page

    async def submit(self, button: str, **typed: str) -> httpx.Response:
        """Send the form of this page that holds the button with this id, with all its fields."""
        tree = LexborHTMLParser(self.page.text)
        forms = [form for form in tree.css("form") if form.css_first(f"#{button}")]
        assert len(forms) == 1, f"{len(forms)} forms with #{button} on {self.page.url}"
        fields = {
            str(node.attributes["name"]): node.attributes.get("value") or ""
            for node in forms[0].css("input")
            if node.attributes.get("type") != "checkbox"
        }
        unknown = set(typed) - {str(node.attributes["name"]) for node in forms[0].css("input")}
        assert not unknown, f"no field named {unknown}"
        action = urljoin(str(self.page.url), forms[0].attributes["action"])
        self.page = await self.http.post(action, data={**fields, **typed})
        return self.page

    async def give_password(self, account: DemoAccount, password: str | None = None, **more: str) -> httpx.Response:
        """Open the sign-in page and send the password (the right one unless told)."""
        await self.open(f"/{account.shape}/login")
        return await self.submit(
            "sign-in", username=account.username, password=account.password if password is None else password, **more
        )

    async def sign_in(self, account: DemoAccount, inbox: Inbox, clock: ManualClock, **more: str) -> httpx.Response:
        """The whole way, with the second factor."""
        await self.give_password(account, **more)
        if account.second_factor == "email":
            await self.submit("verify", code=inbox.code())
        elif account.second_factor == "totp":
            await self.submit("verify", code=totp(account, clock))
        return self.page

    @property
    def path(self) -> str:
        return self.page.url.path

    @property
    def alert(self) -> str:
        """The text of the alert on this page, empty without one."""
        node = LexborHTMLParser(self.page.text).css_first("[role=alert]")
        return node.text(strip=True) if node else ""


@pytest.fixture
async def new_visitor(server: PlaygroundServer) -> AsyncIterator[Callable[[], Visitor]]:
    """`new_visitor()` is another browser."""
    async with AsyncExitStack() as stack:
        made: list[Visitor] = []

        def make() -> Visitor:
            made.append(Visitor(server))
            stack.push_async_callback(made[-1].http.aclose)
            return made[-1]

        yield make


@pytest.fixture
def visitor(new_visitor: Callable[[], Visitor]) -> Visitor:
    return new_visitor()


def totp(account: DemoAccount, clock: ManualClock, *, steps: int = 0) -> str:
    """The TOTP code of this moment, or of so many steps later."""
    assert account.totp_secret is not None
    return pyotp.totp.TOTP(account.totp_secret).at(int(clock.now()), counter_offset=steps)


@pytest.fixture
def totp_code() -> Callable[..., str]:
    """`totp_code(account, clock, steps=0)`."""
    return totp
