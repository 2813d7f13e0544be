"""A whole seezar for a test: a database of its own, a worker process, the playground, and a client."""

import os
import shutil
import signal
import socket
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from uuid import uuid4

import psutil
import psycopg

from playground.knobs import Knobs
from playground.mailer import SmtpMailer
from playground.seed import seed
from playground.server import PlaygroundServer
from playground.state import PlaygroundState
from playground.world import DEMO_ACCOUNTS, DemoAccount
from seezar.accounts import NewAccount
from seezar.application import Application
from seezar.database.urls import with_database
from seezar.settings import Settings
from workflows.client import Client
from workflows.engine import dbos_url
from workflows.registry import WorkerNote, live_workers


def free_port() -> int:
    """A TCP port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class HeldMailer(SmtpMailer):
    """Delivers by SMTP like the real one, but keeps the mails back while `hold` is set."""

    def __init__(self, port: int) -> None:
        super().__init__(port=port)
        self.hold = False
        self.held: list[EmailMessage] = []
        self.sent: list[EmailMessage] = []

    async def send(self, message: EmailMessage) -> None:
        """Deliver now, or keep back."""
        self.sent.append(message)
        if self.hold:
            self.held.append(message)
        else:
            await super().send(message)

    async def release(self) -> None:
        """Deliver what was kept back."""
        self.hold = False
        while self.held:
            await super().send(self.held.pop(0))


@dataclass
class World:
    """What a test works with."""

    settings: Settings
    url: str
    client: Client
    playground: PlaygroundServer
    mailer: HeldMailer
    added: list[str] = field(default_factory=list)

    @property
    def application(self) -> Application:
        """The stores."""
        return self.client.application

    @property
    def state(self) -> PlaygroundState:
        """The memory of the playground."""
        return self.playground.state

    def worker(self) -> WorkerNote:
        """The worker that runs now."""
        (note,) = live_workers(self.settings)
        return note

    def kill_worker(self) -> WorkerNote:
        """SIGKILL the worker and what it started, as a crash of the machine would."""
        note = self.worker()
        process = note.process()
        assert process is not None
        family = [process, *process.children(recursive=True)]
        for member in family:
            # A browser's helper may have ended by itself meanwhile.
            with suppress(psutil.NoSuchProcess):
                member.send_signal(signal.SIGKILL)
        psutil.wait_procs(family, timeout=10)
        return note

    async def sign_in(self, account: str, *, fresh: bool = False) -> dict[str, object]:
        """Sign in and wait for the result."""
        run_id = await self.client.sign_in(account, fresh=fresh)
        return await self.client.result(run_id, timeout=90)

    async def add_like(self, demo: str, name: str, **changes: object) -> str:
        """Another account on the site of a demo account, with changed fields; returns its name."""
        account = next(a for a in DEMO_ACCOUNTS if a.name == demo)
        base = self.playground.base_url
        values: dict[str, object] = {
            "name": name,
            "url": account.url(base),
            "verify_url": account.verify_url(base),
            "username": account.username,
            "password": account.password,
            "totp": account.totp_secret,
            "mailbox": account.mailbox,
        }
        await self.application.accounts.add(NewAccount(**(values | changes)))  # pyright: ignore[reportArgumentType]
        return name

    def log(self) -> str:
        """Everything that workers of this world have logged."""
        path = self.settings.log_dir / "worker.log"
        return path.read_text() if path.exists() else ""


@asynccontextmanager
async def make_world(
    postgres: str, *, accounts: Sequence[DemoAccount] = DEMO_ACCOUNTS, **settings: object
) -> AsyncIterator[World]:
    """A world on a new database of the server at `postgres`, whose playground and stores know `accounts`."""
    home = Path(tempfile.mkdtemp(prefix="seezar-world-"))
    name = f"w_{uuid4().hex[:12]}"
    url = with_database(postgres, name)
    chosen = Settings(
        _env_file=None,  # pyright: ignore[reportCallIssue]
        home=home,
        database_url=url,
        smtp_port=free_port(),
        worker_idle_exit=60,
        **settings,
    )
    mailer = HeldMailer(chosen.smtp_port)
    try:
        async with (
            await Client.connect(chosen) as client,
            PlaygroundServer(state=PlaygroundState(accounts=accounts, knobs=Knobs(), mailer=mailer)) as playground,
        ):
            app = client.application
            await seed(app.accounts, app.vault, app.mail, playground.base_url, world=accounts)
            yield World(chosen, url, client, playground, mailer)
    finally:
        stop_workers(chosen)
        with psycopg.connect(postgres, autocommit=True) as connection:
            for database in (name, dbos_url(url).partition("?")[0].rpartition("/")[2]):
                connection.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)'.encode())
        shutil.rmtree(home, ignore_errors=True)


def stop_workers(settings: Settings) -> None:
    """End the workers of this home and their browsers."""
    for note in live_workers(settings):
        process = note.process()
        if process is None:
            continue
        family = [process, *process.children(recursive=True)]
        os.kill(note.pid, signal.SIGTERM)
        _, alive = psutil.wait_procs(family, timeout=20)
        for member in alive:
            member.kill()
