"""What is deleted when it is old, what stays, and what a kill in the middle leaves."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from dbos import DBOSClient
from google.genai import types

from agents.storage import artifact_service
from seezar.accounts import NewAccount, SessionState
from seezar.accounts.retention import BATCH, Cleaned, Keep, Retention
from seezar.application import Application
from seezar.database.urls import database_of, with_database
from seezar.settings import Settings
from workflows import engine
from workflows.artifacts import clean_artifacts, count_artifacts
from workflows.housekeeping import Housekeeping, clean, count

pytestmark = pytest.mark.timeout(600)

TEMPLATE = "t_dbos_template"
PICTURE = types.Part.from_bytes(data=b"a picture", mime_type="image/png")
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
    cleaned = await clean(application, dbos)
    assert cleaned.finished
    assert cleaned.counts["runs"] == 3
    assert rows.left() == stay
    assert not any((await clean(application, dbos)).counts.values())


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

    counts = (await clean(application, dbos)).counts
    assert {name: n for name, n in counts.items() if n} == {"mails": 1, "pictures": 1, "pages": 1, "sessions": 1}
    assert {row[0] for row in rows.app.execute("SELECT message_key FROM app.message")} == {"new", "needed"}
    assert {row[0] for row in rows.app.execute("SELECT title FROM app.page")} == {"new", "needed"}
    assert [s.account for s in await application.sessions.list()] == ["b"]
    # A provider that still lists the message does not bring it back.
    assert await application.mail.store.unseen("a@mail.seezar.test", ["id-old"]) == set()

    # One that was found to work since is no old one; one of a removed account goes at once.
    rows.app.execute("UPDATE app.run SET finished_at = now() WHERE id = %s", (waiting,))
    rows.app.execute("UPDATE app.session SET verified_at = now()")
    assert (await clean(application, dbos)).counts["sessions"] == 0
    await application.accounts.remove("b")
    assert rows.count("session") == 0


async def test_for_ever_and_dry_run(application: Application, dbos: DBOSClient, rows: Rows) -> None:
    runs = rows.runs(3, days=400, account=None)
    rows.app.execute(
        "INSERT INTO app.picture (run_id, attempt, status, image, taken_at) VALUES (%s, 1, 'x', '', '2020-01-01')",
        (runs[0],),
    )
    rows.app.execute(
        "INSERT INTO app.page (id, run_id, account, url, title, body, taken_at)"
        " VALUES (gen_random_uuid(), %s, 'a', 'u', 't', '', '2020-01-01')",
        (runs[0],),
    )
    rows.app.execute("INSERT INTO app.mailbox (address, provider) VALUES ('a@mail.seezar.test', 'local')")
    rows.app.execute(
        "INSERT INTO app.message (mailbox, message_key, envelope, raw, size, received_at)"
        " VALUES ('a@mail.seezar.test', 'old', '', '', 0, '2020-01-01')"
    )
    old = {"runs": 3, "mails": 1, "pictures": 1, "pages": 1}
    everything = await Retention(application.database, Keep(runs=30, mails=7, pictures=7, pages=30)).count()
    assert {name: n for name, n in everything.items() if n} == old

    async def forget(_: Mapping[str, Sequence[str]]) -> set[str]:
        raise AssertionError

    for_ever = Retention(application.database, Keep(0, 0, 0, 0))
    assert not any((await for_ever.count()).values())
    cleaned = await for_ever.clean(forget)
    assert cleaned.finished
    assert not any(cleaned.counts.values())
    assert rows.left() == set(runs)
    for table, n in {"message": 1, "picture": 1, "page": 1}.items():
        assert rows.count(table) == n
    # And all of it is as old as it was said to be.
    cleaned = await clean(application, dbos)
    # With a run go its pictures.
    assert {name: n for name, n in cleaned.counts.items() if n} == {"runs": 3, "mails": 1, "pages": 1}


async def test_one_at_a_time(application: Application, dbos: DBOSClient, rows: Rows) -> None:
    rows.run(days=31)
    other = rows.app
    with other.transaction():
        other.execute("SELECT 1 FROM app.housekeeping FOR UPDATE")
        cleaned = await clean(application, dbos)
        assert not cleaned.finished
        assert not any(cleaned.counts.values())
        assert len(rows.left()) == 1
    assert (await clean(application, dbos)).finished
    assert rows.left() == set()


async def test_overtaken_between_two_batches(application: Application, rows: Rows, database_url: str) -> None:
    rows.runs(BATCH + 5, days=31, account=None)
    ids = rows.left()
    with psycopg.connect(database_url) as other:
        taking: asyncio.Task[object] | None = None

        async def forget(runs: Mapping[str, Sequence[str]]) -> set[str]:
            nonlocal taking
            # Waits for the lock, which is free when this batch is done, and keeps it.
            lock = "SELECT 1 FROM app.housekeeping FOR UPDATE"
            taking = asyncio.create_task(asyncio.to_thread(other.execute, lock))
            await until_somebody_waits(rows)
            return set(runs)

        cleaned = await Retention(application.database, Keep(30, 7, 7, 30)).clean(forget)
        assert taking is not None
        await taking
        assert cleaned == Cleaned({"runs": BATCH}, finished=False)
    assert rows.count("run") == len(ids) - BATCH
    # What is left is due at once.
    assert await Retention(application.database, Keep(30, 7, 7, 30)).due(every_s=3600)


async def until_somebody_waits(rows: Rows) -> None:
    """For a lock of this database."""
    query = (
        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        " AND query LIKE '%app.housekeeping FOR UPDATE'"
    )
    async with asyncio.timeout(60):
        while rows.app.execute(query).fetchone() is None:  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(0.01)


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
    while not (await clean(application, dbos)).finished:
        assert time.monotonic() < deadline
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
    """In batches with a commit each, so that what a worker does beside it never waits for longer than for one."""
    rows.runs(10_000, days=31, account=None)
    stay = set(rows.runs(50, days=1))
    # One transaction each, as its number tells.
    rows.app.execute(
        "CREATE TABLE t_gone (batch xid8, id text);"
        "CREATE FUNCTION t_note() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN INSERT INTO t_gone VALUES (pg_current_xact_id(), OLD.id); RETURN OLD; END';"
        "CREATE TRIGGER t_note BEFORE DELETE ON app.run FOR EACH ROW EXECUTE FUNCTION t_note()"
    )
    assert (await clean(application, dbos)).counts["runs"] == 10_000
    batches = [row[0] for row in rows.app.execute("SELECT count(*) FROM t_gone GROUP BY batch")]
    assert sum(batches) == 10_000
    assert max(batches) == BATCH
    assert rows.left() == stay


class Files:
    """Files of agents, written by ADK's own service."""

    def __init__(self, settings: Settings) -> None:
        self.root = settings.home / "artifacts"
        self.service = artifact_service(settings)

    async def save(self, name: str, *, days: float, session: str | None = "s", user: str = "u") -> None:
        """A new version, which was written so many days ago."""
        version = await self.service.save_artifact(
            app_name="seezar", user_id=user, session_id=session, filename=name, artifact=PICTURE
        )
        scope = f"sessions/{session}/" if session else ""
        age(self.root / f"apps/seezar/users/{user}/{scope}artifacts/{name}/versions/{version}", days=days)

    async def versions(self, name: str, session: str | None = "s") -> list[int]:
        return await self.service.list_versions(app_name="seezar", user_id="u", session_id=session, filename=name)

    async def names(self) -> list[str]:
        return await self.service.list_artifact_keys(app_name="seezar", user_id="u", session_id="s")


def age(folder: Path, *, days: float) -> None:
    then = time.time() - days * 86_400
    for path in (*folder.iterdir(), folder):
        os.utime(path, (then, then))


async def test_files_of_agents(application: Application, dbos: DBOSClient, settings: Settings, rows: Rows) -> None:
    files = Files(settings)
    await files.save("old.png", days=8)
    await files.save("old.png/below.png", days=6)
    await files.save("both.png", days=8)
    await files.save("both.png", days=6)
    await files.save("all/gone.png", days=30)
    await files.save("mine.png", days=8, session=None)
    versions = files.root / "apps/seezar/users/u/sessions/s/artifacts/both.png/versions"
    # What a save that was killed has left, and one that is under way.
    for name, days in ((".7.pending", 8), (".8.pending", 0)):
        (versions / name).mkdir()
        (versions / name / "both.png").write_bytes(b"x")
        age(versions / name, days=days)
    # Of a release of ADK that had no apps.
    former = files.root / "users/u/sessions/s/artifacts/a.png/versions/0"
    former.mkdir(parents=True)
    (former / "a.png").write_bytes(b"x")
    age(former, days=8)
    # Of somebody else.
    strange = [
        files.root / "notes/versions/0/0.txt",
        files.root / "apps/seezar/users/u/artifacts/b.png/versions/0/other.png",
        files.root / "apps/seezar/users/u/artifacts/c.png/versions/first/c.png",
    ]
    for path in strange:
        path.parent.mkdir(parents=True)
        path.write_bytes(b"x")
        age(path.parent, days=90)
    linked = settings.home / "linked"
    linked.mkdir()
    (linked / "both.png").write_bytes(b"x")
    age(linked, days=90)
    (versions / "9").symlink_to(linked, target_is_directory=True)
    (versions / "10").mkdir()
    (versions / "10" / "both.png").symlink_to(linked / "both.png")
    os.utime(versions / "10", (0, 0))

    assert not count_artifacts(settings.model_copy(update={"keep_pictures_days": 0}))
    assert not clean_artifacts(settings.model_copy(update={"keep_pictures_days": 0}))
    assert (await count(application))["artifacts"] == 6
    assert await files.versions("old.png") == [0]
    housekeeping = Housekeeping(application, dbos)
    housekeeping.keep()
    await housekeeping.settled()
    await housekeeping.close()
    assert await files.versions("old.png") == []
    assert await files.versions("old.png/below.png") == [0]
    assert await files.versions("mine.png", session=None) == []
    assert {path.name for path in versions.iterdir()} == {"1", ".8.pending", "9", "10"}
    assert not former.exists()
    assert not {"old.png", "all/gone.png", "mine.png"}.intersection(await files.names())
    assert all(path.exists() for path in (*strange, linked / "both.png"))
    assert count_artifacts(settings) == 0


async def test_a_kill_between_the_files_of_one_version(settings: Settings) -> None:
    files = Files(settings)
    await files.save("a.png", days=8)
    (version,) = files.root.rglob("versions/0")
    (version / "a.png").unlink()
    assert clean_artifacts(settings) == 1
    assert await files.names() == []


async def test_files_that_two_processes_delete(settings: Settings) -> None:
    files = Files(settings)
    for number in range(60):
        await files.save(f"{number}.png", days=8)
    counts = await asyncio.gather(*(asyncio.to_thread(clean_artifacts, settings) for _ in range(2)))
    assert sum(counts) <= 60
    assert clean_artifacts(settings) == 0
    assert await files.names() == []
