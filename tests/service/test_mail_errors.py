"""What people are told when a mail provider says no: one line, typed, without a traceback and without a secret."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from seezar.database.urls import with_database
from seezar.settings import Settings
from tests.api.server import DOMAIN, PASSWORD, mail_server
from tests.mail.providers.imap.test_refusals import refusing
from tests.mail.providers.mailpit_server import MailpitServer
from tests.mail.providers.serving import serving
from tests.mail.providers.smtpdev_server import KEY, SmtpDev
from tests.service.conftest import Home

pytestmark = pytest.mark.slow

WRONG = "wr0ng-s3cret"

type Told = Callable[..., Awaitable[tuple[str, str]]]


@pytest.fixture
def own_url(postgres: str) -> Iterator[str]:
    """URL of the database of the command line; another program has its mailboxes in `database_url`."""
    name = f"t_{uuid4().hex[:12]}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    yield with_database(postgres, name)
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())


@pytest.fixture
def told(home: Home, own_url: str) -> Told:
    """`await told("new", …, VARIABLE=…)`: the status word and the sentence of `seezar mail …`, which fails."""

    async def told(*arguments: str, **variables: Any) -> tuple[str, str]:
        more: dict[str, Any] = {"SEEZAR_DATABASE_URL": own_url, **variables}
        answer = await asyncio.to_thread(home.seezar, "mail", *arguments, "--json", **more)
        assert answer.code == 1, answer
        assert set(answer.json) == {"status", "message"}
        sentence = answer.json["message"]
        assert answer.complaint == f"seezar: {sentence}"
        # What happened, what is kept, what to do: whole sentences, on one line.
        assert re.fullmatch(r"[A-Z][^\n]+\.", sentence), sentence
        assert WRONG not in answer.out + answer.err
        assert not (home.path / "logs" / "cli.log").exists()
        return answer.json["status"], sentence

    return told


@pytest.fixture
def table(home: Home) -> Callable[..., None]:
    """`table(name=…, kind=…, url=…, …)` writes `mail.toml` with one entry."""

    def write(**values: str) -> None:
        lines = [f"{key} = {value}" if value[0] in "[{" else f'{key} = "{value}"' for key, value in values.items()]
        (home.path / "mail.toml").write_text("[[provider]]\n" + "\n".join(lines) + "\n")

    return write


async def made(home: Home, own_url: str, *arguments: str, **variables: Any) -> None:
    more: dict[str, Any] = {"SEEZAR_DATABASE_URL": own_url, **variables}
    answer = await asyncio.to_thread(home.seezar, "mail", *arguments, **more)
    assert answer.code == 0, answer.err


@asynccontextmanager
async def answering(path: str, status: int, body: Any) -> AsyncIterator[str]:
    """Mail.tm with one open domain, which answers one path in the one way; its URL."""

    async def refuse(_: Request) -> JSONResponse:
        return JSONResponse(body, status)

    async def domains(_: Request) -> JSONResponse:
        return JSONResponse([{"id": "1", "domain": "open.test", "isActive": True, "isPrivate": False}])

    routes = [Route(path, refuse, methods=["GET", "POST"]), Route("/domains", domains)]
    async with serving(Starlette(routes=routes)) as url:
        yield url


async def test_our_own_server(home: Home, told: Told, own_url: str, settings: Settings) -> None:
    await made(home, own_url, "new", "--local", "ann")
    status, sentence = await told("new", "--local", "ann")
    assert (status, "ann@mail.seezar.test exists already" in sentence) == ("mailbox_taken", True)
    status, sentence = await told("add", "ann@gone.test")
    assert (status, "'gone.test' is not received" in sentence) == ("mail_domain_not_served", True)
    async with mail_server(settings.model_copy(update={"home": home.path, "mail_quota": 1000}), own_url) as server:
        await server.account("bob")
        await server.deliver(f"bob@{DOMAIN}", b"Subject: x\r\n\r\n" + b"x" * 900 + b"\r\n")
        status, sentence = await told("send-test", f"bob@{DOMAIN}", "--smtp", f"127.0.0.1:{server.smtp_port}")
        assert (status, "refused the recipient" in sentence, "552" in sentence) == ("mail_not_sent", True, True)


async def test_mailtm(told: Told, table: Callable[..., None], database_url: str, settings: Settings) -> None:
    async with mail_server(settings, database_url) as server:
        options = "{ interval = 0 }"
        await server.account("ann")
        table(name="tm", kind="mailtm", url=server.url, options=options)
        status, sentence = await told("new", "--provider", "tm", "--local", "ann")
        assert (status, f"ann@{DOMAIN} exists already" in sentence) == ("mailbox_taken", True)
        status, sentence = await told("add", f"ann@{DOMAIN}", "--provider", "tm", "--password-env", "P", P=WRONG)
        assert (status, f"tm refused the password of ann@{DOMAIN}" in sentence) == ("mail_provider_refused", True)
        status, sentence = await told("add", "ann@gone.test", "--provider", "tm", "--password-env", "P", P=PASSWORD)
        assert (status, "tm takes no mail for 'gone.test'" in sentence) == ("mail_domain_not_served", True)
        table(name="tm", kind="mailtm", url=server.url, options=options, domains='["gone.test"]')
        status, sentence = await told("new", "--provider", "tm")
        assert (status, f"one of: {DOMAIN}" in sentence) == ("mail_domain_not_served", True)
    async with answering("/accounts", 403, {"detail": "The limit of accounts is reached."}) as url:
        table(name="tm", kind="mailtm", url=url, options="{ interval = 0 }")
        status, sentence = await told("new", "--provider", "tm")
        assert (status, "makes no more addresses for us" in sentence) == ("mail_quota_full", True)
    async with answering("/domains", 401, {}) as url:
        table(name="tm", kind="mailtm", url=url, key_env="K")
        status, sentence = await told("new", "--provider", "tm", K=WRONG)
        assert (status, "tm refused the API key" in sentence) == ("mail_provider_refused", True)


async def test_smtpdev(told: Told, table: Callable[..., None]) -> None:
    service = SmtpDev()
    service.accounts[service.add("ann@dev.test")]["used"] = 100
    async with serving(service.application()) as url:
        table(name="dev", kind="smtpdev", url=url, key_env="K")
        status, sentence = await told("new", "--provider", "dev", K=WRONG)
        assert (status, "dev refused the API key" in sentence) == ("mail_provider_refused", True)
        status, sentence = await told("new", "--provider", "dev", "--local", "ann", K=KEY)
        assert (status, "ann@dev.test exists already" in sentence) == ("mailbox_taken", True)
        service.full = True
        status, sentence = await told("new", "--provider", "dev", K=KEY)
        assert (status, "dev has no room left" in sentence) == ("mail_quota_full", True)
        table(name="dev", kind="smtpdev", url=url, key_env="K", domains='["gone.test"]')
        status, sentence = await told("new", "--provider", "dev", K=KEY)
        assert (status, "dev takes no mail for 'gone.test'" in sentence) == ("mail_domain_not_served", True)


async def test_imap(told: Told, table: Callable[..., None]) -> None:
    add = ("add", "ada@home.test", "--provider", "home", "--password-env", "P")
    async with refusing("LOGIN", "AUTHENTICATIONFAILED") as port:
        table(name="home", kind="imap", url=f"imap://127.0.0.1:{port}")
        status, sentence = await told(*add, P=WRONG)
        assert (status, "home refused the password of ada@home.test" in sentence) == ("mail_provider_refused", True)
        status, sentence = await told("new", "--provider", "home")
        assert (status, "home makes no addresses" in sentence) == ("mail_domain_not_served", True)
    async with refusing("EXAMINE", "OVERQUOTA") as port:
        table(name="home", kind="imap", url=f"imap://127.0.0.1:{port}")
        status, sentence = await told(*add, P=WRONG)
        assert (status, "answered OVERQUOTA" in sentence) == ("mail_quota_full", True)


async def test_mailpit(home: Home, told: Told, table: Callable[..., None], own_url: str) -> None:
    async with MailpitServer(key="operator:right") as server:
        table(name="pit", kind="mailpit", url=server.url, domains='["app.test"]', key_env="K")
        status, sentence = await told("add", "ann@app.test", K=f"operator:{WRONG}")
        assert (status, "pit refused the user and password of its key" in sentence) == ("mail_provider_refused", True)
        variables = {"K": "operator:right"}
        await made(home, own_url, "new", "--provider", "pit", "--local", "ann", **variables)
        status, sentence = await told("new", "--provider", "pit", "--local", "ann", **variables)
        assert (status, "ann@app.test exists already" in sentence) == ("mailbox_taken", True)
        status, sentence = await told("add", "ann@gone.test", "--provider", "pit", **variables)
        assert (status, "pit takes no mail for 'gone.test'" in sentence) == ("mail_domain_not_served", True)
