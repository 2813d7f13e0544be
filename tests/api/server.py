"""The HTTP API in the event loop of a test: real uvicorn on a free port of loopback, real PostgreSQL, real SMTP."""

import asyncio
import smtplib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import uvicorn
from fastapi import FastAPI

from seezar.application import Application
from seezar.mail.smtp import SmtpServer
from seezar.settings import Settings
from service.api.app import build_app, close_streams, mail_api
from service.api.mail.faults import Faults
from service.serving import Server
from service.slow_clients import ImpatientProtocol
from service.stopping import stop_database, stop_workers

DOMAIN = "mail.seezar.test"
PASSWORD = "correct horse battery"


@dataclass
class MailServer:
    """A running API with its SMTP server.

    Attributes:
        url: base URL of the mail API, without a slash at the end; its hub is at `{url}/.well-known/mercure`.
        root: base URL of the whole API.
        faults: its misbehaviour; may be changed at any time.
        application: that of the server.
        smtp_port: where mail for its accounts is delivered.
        streams: open streams of events, by account.
        app: what is served.
    """

    url: str
    root: str
    faults: Faults
    application: Application = field(repr=False)
    smtp_port: int
    streams: dict[str, int]
    app: FastAPI = field(repr=False)

    async def deliver(self, to: str, raw: bytes, *, options: tuple[str, ...] = ()) -> None:
        """Deliver a raw mail by a real SMTP session; it is stored when this returns."""

        def session() -> None:
            with smtplib.SMTP("127.0.0.1", self.smtp_port, timeout=20) as client:
                client.sendmail("no-reply@site.test", [to], raw, mail_options=list(options))

        await asyncio.to_thread(session)

    async def account(self, name: str = "reader", password: str = PASSWORD) -> "Reader":
        """A new account `name@DOMAIN`, logged in."""
        address = f"{name}@{DOMAIN}"
        client = httpx.AsyncClient(base_url=self.url, trust_env=False, timeout=30)
        body = {"address": address, "password": password}
        made = await client.post("/accounts", json=body)
        assert made.status_code == 201, made.text
        granted = (await client.post("/token", json=body)).json()
        client.headers["authorization"] = f"Bearer {granted['token']}"
        return Reader(client, address, granted["id"], granted["token"])


@dataclass
class Reader:
    """Somebody with an account and a token."""

    client: httpx.AsyncClient
    address: str
    id: str
    token: str


@asynccontextmanager
async def mail_server(
    settings: Settings, url: str, *, faults: Faults | None = None, mail_rate: float | None = None
) -> AsyncIterator[MailServer]:
    """Serve the API for the time of the block.

    Args:
        settings: those of the server.
        url: its migrated database.
        mail_rate: requests a second of one client; None = no limit.
    """
    faults = faults or Faults()
    app = build_app(settings, url, mail_rate=mail_rate, faults=faults)
    config = uvicorn.Config(
        app,
        http=ImpatientProtocol,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        lifespan="on",
        timeout_graceful_shutdown=5,
    )
    server = Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        listening = asyncio.create_task(server.listening.wait())
        await asyncio.wait({serving, listening}, return_when=asyncio.FIRST_COMPLETED)
        listening.cancel()
        assert server.listening.is_set(), app.state.failure
        root = f"http://127.0.0.1:{listener.getsockname()[1]}"
        application: Application = app.state.application
        smtp = SmtpServer(application.mail.local, port=0)
        await smtp.start()
        try:
            yield MailServer(f"{root}/mail", root, faults, application, smtp.port, mail_api(app).streams, app)
        finally:
            await smtp.stop()
            close_streams(app)
            server.should_exit = True
            await serving
            # Whoever asks for a run starts a worker where there is none.
            await asyncio.to_thread(_stop, settings)


def _stop(settings: Settings) -> None:
    for stop in (stop_workers, stop_database):
        list(stop(settings))
