"""A seezar of its own for a benchmark: temporary home, embedded database, worker process, playground."""

import shutil
import socket
import tempfile
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
from starlette.types import ASGIApp

from playground.mailer import Mailer, SmtpMailer
from playground.seed import seed
from playground.server import PlaygroundServer
from playground.state import PlaygroundState
from playground.world import DEMO_MAIL, DemoAccount
from seezar.database.embedded import EmbeddedServer
from seezar.settings import Settings
from workflows.client import Client
from workflows.registry import live_workers

# The sites limit mails and wrong passwords of one user; a benchmark is not what that is for.
_NO_LIMIT = 1_000_000


@dataclass(frozen=True)
class BenchmarkWorld:
    """What a benchmark works with. `crowd`: accounts of one site that may be used at the same time."""

    settings: Settings
    client: Client
    playground: PlaygroundServer
    crowd: Sequence[DemoAccount]

    def worker(self) -> psutil.Process:
        """The process of the worker."""
        (note,) = live_workers(self.settings)
        process = note.process()
        assert process is not None
        return process


@asynccontextmanager
async def make_database() -> AsyncGenerator[Client]:
    """A home with its database alone, and no worker; taken down at the end."""
    home = Path(tempfile.mkdtemp(prefix="seezar-bench-"))
    settings = Settings(home=home, database_url=None, smtp_port=_free_port())
    try:
        async with await Client.connect(settings, worker=False) as client:
            yield client
    finally:
        EmbeddedServer(home).stop()
        shutil.rmtree(home, ignore_errors=True)


@asynccontextmanager
async def make_world(
    *,
    crowd: int = 1,
    accounts: Sequence[DemoAccount] | None = None,
    mailer: Callable[[int], Mailer] = lambda port: SmtpMailer(port=port),
    around: Callable[[ASGIApp], ASGIApp] | None = None,
) -> AsyncGenerator[BenchmarkWorld]:
    """Bring it up with `crowd` accounts of the playground's `mail` site, and take all of it down again.

    Args:
        accounts: these instead.
        mailer: makes what delivers the playground's mails to the SMTP server at a port.
        around: put around the playground's application.
    """
    home = Path(tempfile.mkdtemp(prefix="seezar-bench-"))
    settings = Settings(
        home=home, database_url=None, smtp_port=_free_port(), worker_idle_exit=60, browsers=max(2, crowd)
    )
    members = [_member(number) for number in range(crowd)] if accounts is None else list(accounts)
    state = PlaygroundState(accounts=members, mailer=mailer(settings.smtp_port))
    state.knobs.max_sends = _NO_LIMIT
    try:
        async with await Client.connect(settings) as client, PlaygroundServer(state=state, around=around) as playground:
            app = client.application
            await seed(app.accounts, app.vault, app.mail, playground.base_url, world=members)
            yield BenchmarkWorld(settings, client, playground, members)
    finally:
        for note in live_workers(settings):
            process = note.process()
            if process is not None:
                family = [process, *process.children(recursive=True)]
                process.terminate()
                for member in psutil.wait_procs(family, timeout=15)[1]:
                    member.kill()
        EmbeddedServer(home).stop()
        shutil.rmtree(home, ignore_errors=True)


def _member(number: int) -> DemoAccount:
    if number == 0:
        return DEMO_MAIL
    return replace(
        DEMO_MAIL,
        name=f"{DEMO_MAIL.name}-{number}",
        username=f"ops{number}@harbor.test",
        mailbox=f"demo-mail-{number}@mail.seezar.test",
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
