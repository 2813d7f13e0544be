"""What is deleted when it is old, what stays, and what a kill in the middle leaves."""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from dbos import DBOSClient

from seezar.accounts import NewAccount, SessionState
from seezar.accounts.retention import BATCH, Keep, Retention
from seezar.application import Application
from seezar.database.urls import database_of, with_database
from seezar.settings import Settings
from workflows import engine
from workflows.housekeeping import Housekeeping, clean

pytestmark = pytest.mark.timeout(600)

TEMPLATE = "t_dbos_template"
CLEAN = """
import asyncio, sys
from seezar.application import Application
from seezar.settings import Settings
from workflows import engine
from workflows.housekeeping import clean

async def main():
    settings = Settings(home=sys.argv[1], _env_file=None)
    async with await Application.open(settings, sys.argv[2], application_name="t") as application:
        await clean(application, engine.client(sys.argv[2]))

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def template(postgres: str) -> Iterator[str]:
    """A database with the tables of DBOS."""
    command = str(Path(sys.executable).with_name("dbos"))
    url = with_database(postgres, TEMPLATE)
    subprocess.run([command, "migrate", "-s", url], check=True, capture_output=True)
    yield url
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {TEMPLATE} WITH (FORCE)".encode())


@pytest.fixture
def dbos_address(postgres: str, template: str, database_url: str) -> Iterator[str]:
    """The database of DBOS beside the one of the test."""
    url = engine.dbos_url(database_url)
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{database_of(url)}" TEMPLATE {TEMPLATE}'.encode())
    yield url
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{database_of(url)}" WITH (FORCE)'.encode())


@pytest.fixture
def dbos(database_url: str, dbos_address: str) -> Iterator[DBOSClient]:
    client = engine.client(database_url)
    yield client
    client.destroy()


@pytest.fixture
async def application(settings: Settings, database_url: str) -> AsyncIterator[Application]:
    async with await Application.open(settings, database_url, application_name="seezar-test") as opened:
        yield opened


class Rows:
    """Makes rows of any age in both databases, and tells which are there."""

    def __init__(self, url: str, dbos_url: str) -> None:
        self.app = psycopg.connect(url, autocommit=True)
        self.dbos = psycopg.connect(dbos_url, autocommit=True)

    def run(
        self,
        *,
        days: float,
        account: str | None = "a",
        kind: str = "open_page",
        status: str = "SUCCESS",
        finished: bool = True,
        question: str | None = None,
    ) -> str:
        """A run that ended `days` ago (open where `finished=False`) with its workflow; returns its id."""
        (one,) = self.runs(
            1, days=days, account=account, kind=kind, status=status, finished=finished, question=question
        )
        return one

    def runs(
        self,
        count: int,
        *,
        days: float,
        account: str | None = "a",
        kind: str = "open_page",
        status: str = "SUCCESS",
        finished: bool = True,
        question: str | None = None,
    ) -> list[str]:
        ids = [f"run-{uuid4().hex}" for _ in range(count)]
        self.app.execute(
            "INSERT INTO app.run (id, workflow_id, kind, account, status, question, created_at, finished_at)"
            " SELECT id, id, %s, %s, 'x', %s, now() - make_interval(secs => %s),"
            " CASE WHEN %s THEN now() - make_interval(secs => %s) END FROM unnest(%s::text[]) AS id",
            (kind, account, question, days * 86400 + 60, finished, days * 86400, ids),
        )
        self.app.execute(
            "INSERT INTO app.run_event (run_id, step, message) SELECT id, 's', 'm' FROM unnest(%s::text[]) AS id,"
            " generate_series(1, 5)",
            (ids,),
        )
        self.workflows(ids, status)
        return ids

    def workflows(self, ids: Sequence[str], status: str = "SUCCESS") -> None:
        with self.dbos.transaction():
            self.dbos.execute(
                "INSERT INTO dbos.workflow_status (workflow_uuid, status, name, created_at, updated_at, priority)"
                " SELECT id, %s, 'w', 0, 0, 0 FROM unnest(%s::text[]) AS id",
                (status, list(ids)),
            )
            self.dbos.execute(
                "INSERT INTO dbos.operation_outputs (workflow_uuid, function_id, function_name, retention_timestamp)"
                " SELECT id, number, 'f', 0 FROM unnest(%s::text[]) AS id, generate_series(1, 5) AS number",
                (list(ids),),
            )

    def left(self) -> set[str]:
        """The runs that are there; those of DBOS must be the same."""
        rows = {row[0] for row in self.app.execute("SELECT id FROM app.run")}
        assert {row[0] for row in self.app.execute("SELECT DISTINCT run_id FROM app.run_event")} == rows
        for table in ("workflow_status", "operation_outputs"):
            query = f"SELECT DISTINCT split_part(workflow_uuid, '-answer-', 1) FROM dbos.{table}"  # noqa: S608
            assert {row[0] for row in self.dbos.execute(query.encode())} == rows, table
        return rows

    def count(self, table: str) -> int:
        row = self.app.execute(f"SELECT count(*) FROM app.{table}".encode()).fetchone()  # noqa: S608
        assert row is not None
        return int(row[0])

    def close(self) -> None:
        self.app.close()
        self.dbos.close()


@pytest.fixture
def rows(database_url: str, dbos_address: str) -> Iterator[Rows]:
    made = Rows(database_url, dbos_address)
    yield made
    made.close()


async def test_runs(application: Application, dbos: DBOSClient, rows: Rows) -> None:
    await application.accounts.add(NewAccount(name="a", url="https://a.example", username="u", password="p"))
    old = rows.run(days=31)
    answered = rows.run(days=40, kind="sign_in")
    rows.app.execute("INSERT INTO app.answer (run_id, number, question) VALUES (%s, 1, 'code')", (answered,))
    rows.app.execute("UPDATE app.run SET workflow_id = id || '-answer-1' WHERE id = %s", (answered,))
    rows.workflows([f"{answered}-answer-1"])
    of_a_removed_account = rows.run(days=35, account="gone", kind="sign_in")
    stay = {
        rows.run(days=29),
        # How the account is doing is told by it, however old it is.
        rows.run(days=33, kind="sign_in"),
        rows.run(days=50, finished=False, status="PENDING"),
        rows.run(days=90, account="b", kind="sign_in", finished=False, question="code"),
        # Ended, and yet some workflow goes on.
        rows.run(days=60, status="PENDING"),
    }
    assert rows.left() == stay | {old, answered, of_a_removed_account}
    counts = await clean(application, dbos)
    assert counts is not None
    assert counts["runs"] == 3
    assert rows.left() == stay
    again = await clean(application, dbos)
    assert again is not None
    assert not any(again.values())


async def test_mails_pictures_pages_and_sessions(application: Application, dbos: DBOSClient, rows: Rows) -> None:
    for name, mailbox in (("a", "a@mail.seezar.test"), ("b", "b@mail.seezar.test")):
        rows.app.execute("INSERT INTO app.mailbox (address, provider) VALUES (%s, 'local')", (mailbox,))
        await application.accounts.add(
            NewAccount(name=name, url="https://a.example", username="u", password="p", mailbox=mailbox)
        )
    waiting = rows.run(days=2, account="b", kind="sign_in", finished=False, question="code")
    ended = rows.run(days=2, account="a")
    rows.app.execute(
        "INSERT INTO app.message (mailbox, message_key, envelope, raw, size, received_at, provider_message)"
        " SELECT mailbox, key, '', '', 0, now() - make_interval(days => age), 'id-' || key FROM (VALUES"
        " ('a@mail.seezar.test', 'old', 8), ('a@mail.seezar.test', 'new', 6), ('b@mail.seezar.test', 'needed', 8))"
        " AS m (mailbox, key, age)"
    )
    rows.app.execute(
        "INSERT INTO app.picture (run_id, attempt, status, image, taken_at)"
        " SELECT run, attempt, 'x', '', now() - make_interval(days => age) FROM"
        " (VALUES (%s, 1, 8), (%s, 2, 6), (%s, 1, 8)) AS p (run, attempt, age)",
        (ended, ended, waiting),
    )
    rows.app.execute(
        "INSERT INTO app.page (id, run_id, account, url, title, body, taken_at)"
        " SELECT gen_random_uuid(), run, 'a', title, title, '', now() - make_interval(days => age) FROM"
        " (VALUES ('gone', 'old', 31), ('gone', 'new', 29), (%s, 'needed', 31)) AS p (run, title, age)",
        (waiting,),
    )
    for name in ("a", "b"):
        await application.sessions.store(name, SessionState({}, {}), run_id="r")
    dated = "UPDATE app.session SET expires_at = now() - make_interval(days => %s), verified_at = %s WHERE account = %s"
    rows.app.execute(dated, (31, "2026-01-01", "a"))
    rows.app.execute(dated, (31, "2026-01-01", "b"))

    counts = await clean(application, dbos)
    assert counts is not None
    assert {name: n for name, n in counts.items() if n} == {"mails": 1, "pictures": 1, "pages": 1, "sessions": 1}
    assert {row[0] for row in rows.app.execute("SELECT message_key FROM app.message")} == {"new", "needed"}
    assert {row[0] for row in rows.app.execute("SELECT title FROM app.page")} == {"new", "needed"}
    assert [s.account for s in await application.sessions.list()] == ["b"]
    # A provider that still lists the message does not bring it back.
    assert await application.mail.store.unseen("a@mail.seezar.test", ["id-old"]) == set()

    # One that was found to work since is no old one; one of a removed account goes at once.
    rows.app.execute("UPDATE app.run SET finished_at = now() WHERE id = %s", (waiting,))
    rows.app.execute("UPDATE app.session SET verified_at = now()")
    counts = await clean(application, dbos)
    assert counts is not None
    assert counts["sessions"] == 0
    await application.accounts.remove("b")
    assert rows.count("session") == 0


async def test_for_ever_and_dry_run(application: Application, rows: Rows) -> None:
    rows.runs(3, days=400, account=None)
    everything = Keep(runs=30, mails=7, pictures=7, pages=30)
    assert (await Retention(application.database, everything).count())["runs"] == 3
    nothing = await Retention(application.database, Keep(0, 0, 0, 0)).count()
    assert not any(nothing.values())
    assert len(rows.left()) == 3


async def test_one_at_a_time(application: Application, dbos: DBOSClient, rows: Rows) -> None:
    rows.run(days=31)
    other = rows.app
    with other.transaction():
        other.execute("SELECT 1 FROM app.housekeeping FOR UPDATE")
        assert await clean(application, dbos) is None
        assert len(rows.left()) == 1
    assert await clean(application, dbos) is not None
    assert rows.left() == set()


async def test_a_worker_does_it_hourly(application: Application, dbos: DBOSClient, rows: Rows) -> None:
    async def beaten() -> set[str]:
        housekeeping = Housekeeping(application, dbos)
        housekeeping.keep()
        await housekeeping.settled()
        await housekeeping.close()
        return rows.left()

    rows.run(days=31)
    assert await beaten() == set()
    second = rows.run(days=31)
    assert await beaten() == {second}
    rows.app.execute("UPDATE app.housekeeping SET done_at = now() - interval '61 minutes'")
    assert await beaten() == set()


async def test_killed_in_the_middle(
    settings: Settings, application: Application, dbos: DBOSClient, rows: Rows, database_url: str
) -> None:
    rows.runs(10 * BATCH, days=31, account=None)
    stay = rows.run(days=1)
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", CLEAN, str(settings.home), database_url)
    deadline = time.monotonic() + 120
    while rows.count("run") == 10 * BATCH + 1:
        assert time.monotonic() < deadline
        assert process.returncode is None
        await asyncio.sleep(0.005)
    process.kill()
    await process.wait()
    # Of the batch that was cut off, DBOS may hold nothing any more; the runs are there, and go the next time.
    assert stay in {row[0] for row in rows.app.execute("SELECT id FROM app.run")}
    left = rows.count("run")
    assert 1 < left < 10 * BATCH
    counts = None
    while counts is None:
        assert time.monotonic() < deadline
        counts = await clean(application, dbos)
    assert rows.left() == {stay}


async def test_dbos_goes_first(application: Application, rows: Rows) -> None:
    run_id = rows.run(days=31)

    async def breaks(runs: Mapping[str, Sequence[str]]) -> set[str]:
        assert list(runs) == [run_id]
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await Retention(application.database, Keep(30, 7, 7, 30)).clean(breaks)
    assert rows.left() == {run_id}
    assert await Retention(application.database, Keep(30, 7, 7, 30)).due(every_s=3600)


async def test_ten_thousand(application: Application, dbos: DBOSClient, rows: Rows) -> None:
    rows.runs(10_000, days=31, account=None)
    stay = set(rows.runs(50, days=1))
    longest = 0.0

    async def other_work() -> None:
        # What a worker does beside it is not held up for longer than a batch.
        nonlocal longest
        while True:
            began = time.monotonic()
            await application.database.run("UPDATE app.run SET reason = 'seen' WHERE id = %s", min(stay))
            longest = max(longest, time.monotonic() - began)
            await asyncio.sleep(0.01)

    beside = asyncio.create_task(other_work())
    counts = await clean(application, dbos)
    beside.cancel()
    assert counts is not None
    assert counts["runs"] == 10_000
    assert longest < 30
    assert rows.left() == stay
