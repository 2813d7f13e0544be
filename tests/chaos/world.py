"""A world whose workers can be told where to die, on sites that remember what was done to them."""

import asyncio
import json
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from itertools import count
from pathlib import Path
from typing import Final

import psycopg

from playground.knobs import Knobs
from playground.mailer import MailUnavailableError, SmtpMailer
from playground.seed import seed
from playground.server import PlaygroundServer
from playground.state import PlaygroundState
from playground.world import DemoAccount, SecondFactor
from seezar.accounts import NewAccount
from seezar.database.embedded import EmbeddedServer
from seezar.settings import Settings
from tests.chaos.crew import Crew, chaos_workers
from tests.chaos.plans import Folder, Plan
from tests.world import World, free_port, make_world, stop_workers
from workflows.client import Client
from workflows.engine import dbos_url

SHAPES: Final[dict[str, SecondFactor]] = {"mail": "email", "totp": "totp", "plain": "none", "link": "link"}
WRONG = "wrong"
"""In the name of an account whose password is not the site's."""

# A TOTP code that was used must run out before the next one may be typed; half a minute each would take hours.
_TOTP_PERIOD_S = 8
_KEY = "QZ7LEDGERX5TRAMWAY3UMBERVAULTS2K"
# How long a mail server tries to hand over a mail, and how often.
_MAIL_TRIES_S, _MAIL_PAUSE_S = 120.0, 0.2
# Limits that are there to stop a run which cannot succeed: here each run is to come to its own end, however often it
# is killed and however slow the machine is.
_SETTINGS: Final[dict[str, object]] = {
    "max_attempts": 10,
    "max_adoptions": 1000,
    "sign_in_timeout": 600.0,
    "mail_timeout": 300.0,
    "site_sign_ins_per_minute": 0,
}


# Whatever our own code says: what has been written, and when.
_WITNESS = """
CREATE SCHEMA chaos;
CREATE TABLE chaos.stored (at timestamptz DEFAULT clock_timestamp(), account text, run_id text, id text);
CREATE TABLE chaos.noted (at timestamptz DEFAULT clock_timestamp(), run_id text, outcome text);
CREATE FUNCTION chaos.see_session() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO chaos.stored (account, run_id, id) VALUES (NEW.account, NEW.run_id, NEW.id::text); RETURN NULL; END $$;
CREATE FUNCTION chaos.see_outcome() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO chaos.noted (run_id, outcome) VALUES (NEW.run_id, NEW.outcome); RETURN NULL; END $$;
CREATE TRIGGER chaos_session AFTER INSERT OR UPDATE OF id ON app.session
    FOR EACH ROW EXECUTE FUNCTION chaos.see_session();
CREATE TRIGGER chaos_outcome AFTER UPDATE OF outcome ON app.attempt
    FOR EACH ROW EXECUTE FUNCTION chaos.see_outcome();
"""


class PatientMailer(SmtpMailer):
    """Takes a mail at once and tries to hand it over until it is taken, as a mail server does.

    Attributes:
        hold: keeps mails back while set.
        direct: hands over at once and fails when that fails, as a site without a mail server of its own.
    """

    def __init__(self, port: int) -> None:
        super().__init__(port=port, timeout=5.0)
        self.hold = asyncio.Event()
        self.direct = False
        self._tasks: set[asyncio.Task[None]] = set()

    async def send(self, message: EmailMessage) -> None:
        """Take the mail."""
        if self.direct:
            await super().send(message)
            return
        task = asyncio.create_task(self._deliver(message))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, message: EmailMessage) -> None:
        deadline = time.monotonic() + _MAIL_TRIES_S
        while time.monotonic() < deadline:
            if not self.hold.is_set():
                try:
                    await super().send(message)
                except MailUnavailableError:
                    pass
                else:
                    return
            await asyncio.sleep(_MAIL_PAUSE_S)

    async def close(self) -> None:
        """Forget what was not handed over."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class ChaosWorld:
    """A world, its workers, and accounts that nobody has used yet."""

    def __init__(self, world: World, mailer: PatientMailer, people: dict[str, list[DemoAccount]]) -> None:
        self.world = world
        self.mailer = mailer
        self.people = people
        self.folder = Folder.of(world.settings.home)
        self.crew = Crew(world.settings, self.folder)
        self._unused = {shape: iter(found) for shape, found in people.items()}

    def newcomer(self, shape: str) -> DemoAccount:
        """An account on the site that was not signed in before."""
        return next(self._unused[shape])

    def arm(self, account: str, point: str, when: str, *, family: bool = False) -> Path:
        """Have the worker killed that comes to this point; see `Plan`. Returns where its time will be found."""
        return self.folder.arm(Plan(account, point, "before" if when == "before" else "after", family))

    def skew(self, seconds: float) -> None:
        """Set the clocks of all workers wrong by so much."""
        part = self.folder.clock.with_suffix(".part")
        part.write_text(str(seconds))
        part.replace(self.folder.clock)

    def witness(self, query: str, *args: object) -> list[tuple[object, ...]]:
        """Rows of the `seezar` database."""
        with psycopg.connect(self.world.url) as connection:
            return connection.execute(query.encode(), args).fetchall()

    def open_workflows(self) -> list[str]:
        """The workflows that DBOS has not ended."""
        query = "SELECT workflow_uuid FROM dbos.workflow_status WHERE status IN ('PENDING', 'ENQUEUED', 'DELAYED')"
        with psycopg.connect(dbos_url(self.world.url)) as connection:
            return [row[0] for row in connection.execute(query)]


def killed_at(done: Path) -> float | None:
    """When the kill of a plan was done (epoch seconds), or None."""
    try:
        return float(json.loads(done.read_text()))
    except (OSError, ValueError):
        return None


def people(shape: str, name: str | None = None) -> Iterator[DemoAccount]:
    """Accounts on one site."""
    for number in count(1):
        called = f"{name or shape}-{number}"
        yield DemoAccount(
            name=called,
            shape=shape,
            username=f"{called}@harbor.test",
            password=f"Halyard-{called}-7719!",
            second_factor=SHAPES[shape],
            totp_secret=_KEY if shape == "totp" else None,
            mailbox=f"{called}@mail.seezar.test" if SHAPES[shape] in ("email", "link") else None,
        )


def population(each: int) -> dict[str, list[DemoAccount]]:
    """So many accounts on each site, and some whose password is wrong."""
    found = {shape: [account for account, _ in zip(people(shape), range(each), strict=False)] for shape in SHAPES}
    found[WRONG] = [account for account, _ in zip(people("plain", WRONG), range(each), strict=False)]
    return found


@asynccontextmanager
async def chaos_world(
    postgres: str | None, *, each: int, workers: int = 2, **settings: object
) -> AsyncIterator[ChaosWorld]:
    """A world with `each` accounts a site and so many workers that take runs.

    Args:
        postgres: URL of the server; None for an embedded one in the home, which the workers start again when it dies.
    """
    known = population(each)
    accounts = [account for found in known.values() for account in found]
    made = (
        make_world(postgres, accounts=accounts, **_SETTINGS | settings) if postgres else _embedded(accounts, settings)
    )
    with chaos_workers("chaos"):
        async with made as world:
            mailer = PatientMailer(world.settings.smtp_port)
            world.state.mailer = mailer
            world.state.knobs.refuse_totp_reuse = True
            world.state.knobs.totp_period = _TOTP_PERIOD_S
            world.state.knobs.max_failures = 1000
            with psycopg.connect(world.url, autocommit=True) as connection:
                connection.execute(_WITNESS.encode())
            await _change_secrets(world, known)
            chaos = ChaosWorld(world, mailer, known)
            try:
                await chaos.crew.keep(workers)
                yield chaos
            finally:
                chaos.folder.disarm()
                await mailer.close()
                chaos.crew.end()


async def _change_secrets(world: World, known: dict[str, list[DemoAccount]]) -> None:
    accounts, base = world.application.accounts, world.playground.base_url
    for account in (*known["totp"], *known[WRONG]):
        await accounts.remove(account.name)
        key = f"otpauth://totp/x?secret={_KEY}&period={_TOTP_PERIOD_S}" if account.totp_secret else None
        await accounts.add(
            NewAccount(
                name=account.name,
                url=account.url(base),
                verify_url=account.verify_url(base),
                username=account.username,
                password=account.password if key else "not-the-password",
                totp=key,
                mailbox=None,
            )
        )


@asynccontextmanager
async def _embedded(accounts: list[DemoAccount], settings: dict[str, object]) -> AsyncIterator[World]:
    """As `make_world`, with the embedded server in the home."""
    home = Path(tempfile.mkdtemp(prefix="seezar-chaos-"))
    chosen = Settings(
        _env_file=None,  # pyright: ignore[reportCallIssue]
        home=home,
        smtp_port=free_port(),
        worker_idle_exit=60,
        **settings,
    )
    server = EmbeddedServer(home)
    mailer = PatientMailer(chosen.smtp_port)
    try:
        async with (
            await Client.connect(chosen) as client,
            PlaygroundServer(state=PlaygroundState(accounts=accounts, knobs=Knobs(), mailer=mailer)) as playground,
        ):
            app = client.application
            await seed(app.accounts, app.vault, app.mail, playground.base_url, world=accounts)
            yield World(chosen, app.database.url, client, playground, mailer)  # pyright: ignore[reportArgumentType]
    finally:
        stop_workers(chosen)
        server.stop()
        shutil.rmtree(home, ignore_errors=True)
