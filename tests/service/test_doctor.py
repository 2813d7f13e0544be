"""`seezar doctor`: each finding, provoked."""

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from seezar.application import Application
from seezar.database import migrate as migrate_module
from seezar.database.migrate import state
from seezar.database.urls import database_of, with_database, with_options
from seezar.settings import Settings
from seezar.vault.rotation import Rotation
from service.database_checks import database
from service.disk_checks import disk, room
from service.findings import Finding, isolated
from tests.service.conftest import Home, until
from workflows import restores
from workflows.engine import dbos_url
from workflows.names import APPLICATION_VERSION, LOCK_READY, LOCK_SLOT, QUEUES
from workflows.registry import WorkerNote, write_note

pytestmark = pytest.mark.timeout(400)


@pytest.fixture
def own(settings: Settings, database_url: str) -> Settings:
    """Settings with a migrated database."""
    return settings.model_copy(update={"database_url": database_url})


def found(settings: Settings) -> dict[str, Finding]:
    return {finding.check: finding for finding in database(settings)}


def test_all_well(own: Settings) -> None:
    findings = found(own)
    assert {finding.level for finding in findings.values()} == {"ok"}, findings
    assert {"PostgreSQL", "pgvector", "Migrations", "Stored secrets", "Worker slots", "Clock"} <= set(findings)
    assert findings["Worker slots"].detail.startswith("none taken")


# --- migrations


def test_pending_migrations_are_told_and_not_applied(
    own: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    last = state(str(own.database_url)).applied[-1]
    folder = shutil.copytree(migrate_module.FOLDER, tmp_path / "migrations")
    (folder / "9000_later.sql").write_text("CREATE TABLE app.later ();")
    monkeypatch.setattr(migrate_module, "FOLDER", folder)
    findings = found(own)
    assert (findings["Migrations"].level, findings["Migrations"].detail) == (
        "warning",
        f"the last is {last}; missing: 9000_later",
    )
    assert "seezar db migrate" in findings["Migrations"].advice
    assert "Stored secrets" not in findings
    assert findings["Clock"].level == "ok"
    assert state(str(own.database_url)).pending == ["9000_later"]


def test_a_new_database_stays_as_it_is(settings: Settings, empty_database_url: str) -> None:
    findings = found(settings.model_copy(update={"database_url": empty_database_url}))
    assert {finding.level for finding in findings.values()} == {"ok"}, findings
    assert "none yet" in findings["Migrations"].detail
    assert not (settings.home / "master.key").exists()
    with psycopg.connect(empty_database_url) as connection:
        assert connection.execute("SELECT to_regnamespace('app')").fetchone() == (None,)


def test_a_database_that_is_not_there_is_not_made(settings: Settings, postgres: str) -> None:
    name = f"t_{uuid4().hex}"
    findings = found(settings.model_copy(update={"database_url": with_database(postgres, name)}))
    assert findings["PostgreSQL"].level == "warning"
    assert f"no database {name}" in findings["PostgreSQL"].detail
    with psycopg.connect(postgres) as connection:
        assert connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone() is None


def test_a_migration_that_hangs_and_is_killed(own: Settings, tmp_path: Path) -> None:
    url = str(own.database_url)
    folder = shutil.copytree(migrate_module.FOLDER, tmp_path / "migrations")
    (folder / "9000_slow.sql").write_text("CREATE TABLE app.slow (); SELECT pg_sleep(600);")
    code = (
        "import sys, pathlib; from seezar.database import migrate; migrate.FOLDER = pathlib.Path(sys.argv[1]);"
        "migrate.migrate(sys.argv[2])"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(folder), url])
    try:
        until(lambda: state(url).holder is not None and sleeping(url))
        finding = found(own)["Migrations"]
        assert finding.level == "warning"
        assert "another process" in finding.detail
        assert f"seezar-migrate (process {process.pid} on " in finding.detail
        assert "pg_terminate_backend(" in finding.advice
    finally:
        process.kill()
        process.wait()
    # By itself: the server looks whether its client is there.
    until(lambda: found(own)["Migrations"].level == "ok")
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT to_regclass('app.slow')").fetchone() == (None,)


def sleeping(url: str) -> bool:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'").fetchone()
    return row is not None and row[0] > 0


def test_a_newer_database(own: Settings) -> None:
    with psycopg.connect(str(own.database_url)) as connection:
        connection.execute("INSERT INTO app.migration (number, name) VALUES (9999, 'future')")
    assert found(own)["Migrations"].level == "wrong"
    assert "9999_future" in found(own)["Migrations"].detail


# --- one check that breaks off


def test_a_table_that_is_gone_is_a_finding_of_its_check(own: Settings) -> None:
    with psycopg.connect(str(own.database_url)) as connection:
        connection.execute("ALTER TABLE app.worker RENAME TO gone")
    findings = found(own)
    assert findings["Worker slots"].level == "wrong"
    assert '"app.worker" does not exist' in findings["Worker slots"].detail
    assert {findings[check].level for check in ("PostgreSQL", "Migrations", "Stored secrets", "Clock")} == {"ok"}


def test_what_nobody_foresaw_is_a_finding(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    monkeypatch.setattr("seezar.settings.get_settings", lambda: settings)

    def look() -> Iterator[Finding]:
        yield Finding("First", "ok", "")
        raise KeyError("a-secret")

    first, second = isolated("Second", look)
    assert first.check == "First"
    assert (second.check, second.level) == ("Second", "wrong")
    assert "KeyError" in second.detail
    assert "a-secret" not in second.detail


# --- the key, and restores


def test_a_missing_key_is_told_and_not_made(own: Settings) -> None:
    with psycopg.connect(str(own.database_url)) as connection:
        connection.execute("INSERT INTO app.master_key (key_id, proof) VALUES ('k', '')")
    finding = found(own)["Stored secrets"]
    assert finding.level == "wrong"
    assert "missing" in finding.detail
    assert not (own.home / "master.key").exists()


def test_a_master_key_that_is_being_exchanged(own: Settings) -> None:
    async def exchange(*, keep_old: bool) -> None:
        async with await Application.open(own, str(own.database_url), application_name="seezar-test") as application:
            await Rotation(own, application.database, settle_s=0.0).rotate(keep_old=keep_old)

    asyncio.run(exchange(keep_old=True))
    assert (found(own)["Stored secrets"].level, "exchanged" in found(own)["Stored secrets"].detail) == ("warning", True)
    asyncio.run(exchange(keep_old=False))
    assert found(own)["Stored secrets"].level == "ok"


@pytest.mark.parametrize("replaced", [False, True])
def test_what_a_restore_has_left(own: Settings, postgres: str, replaced: bool) -> None:
    url = str(own.database_url)
    name = restores.name_beside(database_of(url), replaced=replaced)
    with restores.connect_beside(url) as server:
        server.execute(f'CREATE DATABASE "{name}"'.encode())
        assert restores.take_lock(server, database_of(url))
        assert (found(own)["Restores"].level, found(own)["Restores"].detail) == ("ok", "one is at work")
        assert restores.remove_leftovers(url) == 0
    until(lambda: found(own)["Restores"].level == "warning")
    finding = found(own)["Restores"]
    assert name in finding.detail
    assert ("what was stored before it" if replaced else "what it had not finished") in finding.detail
    assert "seezar db clean" in finding.advice
    assert restores.remove_leftovers(url) == 1
    assert found(own)["Restores"].level == "ok"


# --- workers


@pytest.fixture
def dbos(own: Settings) -> Iterator[str]:
    """A database of DBOS with as much of its table as the doctor reads."""
    url = dbos_url(str(own.database_url))
    with psycopg.connect(str(own.database_url), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{database_of(url)}"'.encode())
    with psycopg.connect(url) as connection:
        connection.execute("CREATE SCHEMA dbos")
        connection.execute(
            "CREATE TABLE dbos.workflow_status (workflow_uuid text, status text, executor_id text,"
            " application_version text, created_at bigint DEFAULT 0)"
        )
    yield url
    with psycopg.connect(str(own.database_url), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{database_of(url)}" WITH (FORCE)'.encode())


def pending(url: str, executor: str, version: str = "") -> str:
    run_id = f"sign-in-{uuid4().hex[:8]}"
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO dbos.workflow_status VALUES (%s, 'PENDING', %s, %s)",
            (run_id, executor, version or APPLICATION_VERSION),
        )
    return run_id


def test_slots_and_runs_of_dead_workers(own: Settings, dbos: str) -> None:
    with psycopg.connect(str(own.database_url), autocommit=True) as holder:
        for kind in (LOCK_SLOT, LOCK_READY):
            holder.execute("SELECT pg_advisory_lock(%s, 3)", (kind,))
        pending(dbos, "worker-3")
        assert found(own)["Worker slots"].detail.startswith("3: a process that has not said its name yet")
        assert found(own)["Runs of dead workers"].level == "ok"
        serve(holder, 3)
        assert found(own)["Worker slots"].detail == f"3: process {os.getpid()} on far.away, of another home"
        write_note(own, WorkerNote.of_this_process(3, smtp_port=0))
        assert found(own)["Worker slots"].detail == f"3: process {os.getpid()}"

        lost = pending(dbos, "worker-7")
        finding = found(own)["Runs of dead workers"]
        assert (finding.level, finding.detail) == ("warning", lost)
        assert "within seconds" in finding.advice
    until(lambda: found(own)["Worker slots"].detail.startswith("none taken"))
    finding = found(own)["Runs of dead workers"]
    assert lost in finding.detail
    assert "seezar worker" in finding.advice


def test_runs_of_a_version_that_no_worker_has(own: Settings, dbos: str) -> None:
    run_id = pending(dbos, "worker-0", version="0.9")
    with psycopg.connect(str(own.database_url)) as connection:
        connection.execute(
            "INSERT INTO app.run (id, workflow_id, kind, status) VALUES (%s, %s, 'open_page', 'queued')",
            (run_id, run_id),
        )
    finding = found(own)["Runs of another version"]
    assert finding.level == "warning"
    assert run_id in finding.detail
    assert "0.9" in finding.detail
    assert "seezar runs resume" in finding.advice
    # It waits for more than a worker.
    assert found(own)["Runs of dead workers"].level == "ok"


def serve(connection: "psycopg.Connection[Any]", slot: int) -> None:
    """Note this process as a worker that takes everything."""
    connection.execute(
        "INSERT INTO app.worker (slot, token, host, pid, version, queues, browsers)"
        " VALUES (%s, gen_random_uuid(), 'far.away', %s, %s, %s, 2)",
        (slot, os.getpid(), APPLICATION_VERSION, list(QUEUES)),
    )


# --- clock and disk


@pytest.fixture
def timedatectl(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Puts a script in the place of what asks the system about its clock."""

    def put(script: str) -> None:
        path = tmp_path / "timedatectl"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)

    return put


@pytest.mark.parametrize(
    ("script", "level", "said"),
    [
        ("echo yes", "ok", "a time server keeps it right"),
        ("echo no", "ok", "no time server keeps it right"),
        ("exit 1", "ok", "cannot be told here"),
        ("echo what", "ok", "cannot be told here"),
    ],
)
def test_the_clock_of_one_machine_is_not_compared_with_itself(
    own: Settings, script: str, level: str, said: str, timedatectl: Callable[[str], None]
) -> None:
    timedatectl(script)
    finding = found(own)["Clock"]
    assert finding.level == level
    assert said in finding.detail
    assert "runs on this machine" in finding.detail


@pytest.mark.parametrize(
    ("seconds", "script", "level"),
    [(0, "exit 1", "ok"), (0, "echo no", "warning"), (-10, "echo yes", "warning"), (3600, "exit 1", "wrong")],
)
def test_clock(own: Settings, seconds: int, script: str, level: str, timedatectl: Callable[[str], None]) -> None:
    timedatectl(script)
    url = str(own.database_url)
    with psycopg.connect(url) as connection:
        connection.execute("CREATE SCHEMA skewed")
        connection.execute(
            b"CREATE FUNCTION skewed.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS"
            b" $$ SELECT pg_catalog.clock_timestamp() + interval '%d seconds' $$" % seconds
        )
        connection.execute("INSERT INTO app.master_key (key_id, proof) VALUES ('k', '')")
        connection.execute(
            "WITH s AS (INSERT INTO app.site (start_url, verify_url, origins) VALUES ('a', 'b', '{c}') RETURNING id),"
            " k AS (INSERT INTO app.secret (reference, origins, key_id, wrapped_key, ciphertext)"
            " VALUES ('r', '{c}', 'k', '', '') RETURNING reference)"
            " INSERT INTO app.account (name, site_id, username, totp_ref, second_factor)"
            " SELECT 'a', s.id, 'u', k.reference, 'totp' FROM s, k"
        )
    skewed = with_options(url, options="-csearch_path=skewed,pg_catalog")
    finding = found(own.model_copy(update={"database_url": skewed}))["Clock"]
    assert finding.level == level
    assert "TOTP" in finding.detail
    if seconds:
        assert f"{abs(seconds)} s {'ahead' if seconds > 0 else 'behind'}" in finding.detail
        assert "time server" in finding.advice


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of 2 MB."""
    folder = Path(tempfile.mkdtemp(prefix="seezar-small-"))
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], capture_output=True)
    if done.returncode != 0:
        folder.rmdir()
        pytest.skip("file systems cannot be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)
    folder.rmdir()


def test_room_on_the_disk(small_disk: Path) -> None:
    finding = room("Disk", small_disk)
    assert finding.level == "wrong"
    assert "2 MB free" in finding.detail
    assert "seezar db clean" in finding.advice


def test_disk_of_an_own_server_on_this_machine_and_of_one_elsewhere(own: Settings, small_disk: Path) -> None:
    here = own.model_copy(update={"home": small_disk})
    findings = {finding.check: finding for finding in disk(here, str(own.database_url))}
    assert findings["Disk of the home"].level == "wrong"
    assert "postgres" in findings["Disk of the database"].detail
    elsewhere = {finding.check: finding for finding in disk(here, None)}
    assert "another machine" in elsewhere["Disk of the database"].detail


# --- the whole command


@pytest.mark.slow
@pytest.mark.browser
def test_json_with_a_mute_mail_port(home: Home) -> None:
    assert home.seezar("account", "list").code == 0
    notes = list((home.path / "run").glob("worker-*.json"))
    assert len(notes) == 1
    until(lambda: json.loads(notes[0].read_text())["smtp_port"] > 0)
    well = home.seezar("doctor", "--json")
    assert well.code == 0, well.out
    assert levels(well.json)["SMTP port"] == "ok"
    assert "the worker answers" in details(well.json)["SMTP port"]
    assert details(well.json)["Worker slots"].startswith("0: process ")

    with socket.create_server(("127.0.0.1", 0)) as mute:
        threading.Thread(target=lambda: hang_up(mute), daemon=True).start()
        note = json.loads(notes[0].read_text())
        notes[0].write_text(json.dumps({**note, "smtp_port": mute.getsockname()[1]}))
        answer = home.seezar("doctor", "--json")
        notes[0].write_text(json.dumps(note))
    assert answer.code == 1
    assert answer.json["status"] == "wrong"
    assert levels(answer.json)["SMTP port"] == "wrong"


def hang_up(server: socket.socket) -> None:
    connection, _ = server.accept()
    connection.close()


def levels(report: dict[str, Any]) -> dict[str, str]:
    return {finding["check"]: finding["level"] for finding in report["findings"]}


def details(report: dict[str, Any]) -> dict[str, str]:
    return {finding["check"]: finding["detail"] for finding in report["findings"]}
