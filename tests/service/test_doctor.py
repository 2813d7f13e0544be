"""`seezar doctor`: each finding, provoked."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from seezar.database import migrate as migrate_module
from seezar.database.migrate import state
from seezar.database.urls import database_of, with_options
from seezar.settings import Settings
from service.database_checks import database
from service.disk_checks import disk, room
from service.findings import Finding
from tests.service.conftest import Home, until
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


def test_pending_migrations_are_applied_and_told(
    own: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = shutil.copytree(migrate_module.FOLDER, tmp_path / "migrations")
    (folder / "9000_later.sql").write_text("CREATE TABLE app.later ();")
    monkeypatch.setattr(migrate_module, "FOLDER", folder)
    assert state(str(own.database_url)).pending == ["9000_later"]
    assert "applied just now: 9000_later" in found(own)["Migrations"].detail
    assert state(str(own.database_url)).pending == []


def test_a_migration_that_fails(own: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = shutil.copytree(migrate_module.FOLDER, tmp_path / "migrations")
    (folder / "9000_half.sql").write_text("CREATE TABLE app.half (); ALTER TABLE app.half ADD COLUMN a nonsense;")
    monkeypatch.setattr(migrate_module, "FOLDER", folder)
    last = state(str(own.database_url)).applied[-1]
    findings = found(own)
    assert findings["Migrations"].level == "wrong"
    assert "9000_half" in findings["Migrations"].detail
    assert 'type "nonsense" does not exist' in findings["Migrations"].detail
    assert f"stands at {last}" in findings["Migrations"].advice
    assert "seezar db migrate" in findings["Migrations"].advice
    assert "Clock" not in findings
    with psycopg.connect(str(own.database_url)) as connection:
        assert connection.execute("SELECT to_regclass('app.half')").fetchone() == (None,)


def test_a_migration_that_is_killed_midway(own: Settings, tmp_path: Path) -> None:
    url = str(own.database_url)
    folder = shutil.copytree(migrate_module.FOLDER, tmp_path / "migrations")
    (folder / "9000_slow.sql").write_text("CREATE TABLE app.slow (); SELECT pg_sleep(600);")
    code = (
        "import sys, pathlib; from seezar.database import migrate; migrate.FOLDER = pathlib.Path(sys.argv[1]);"
        "migrate.migrate(sys.argv[2])"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(folder), url])
    try:
        until(lambda: state(url).applying and sleeping(url))
        assert found(own)["Migrations"].level == "warning"
        assert "another process" in found(own)["Migrations"].detail
    finally:
        process.kill()
        process.wait()
    with psycopg.connect(url, autocommit=True) as connection:
        # The server notices a client that is gone when it next has something to say to it.
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%'"
                           " AND pid <> pg_backend_pid()")  # fmt: skip
    until(lambda: not state(url).applying)
    assert found(own)["Migrations"].level == "ok"
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
    assert "9999" in found(own)["Migrations"].detail


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


def serve(connection: "psycopg.Connection[Any]", slot: int) -> None:
    """Note this process as a worker that takes everything."""
    connection.execute(
        "INSERT INTO app.worker (slot, token, host, pid, version, queues, browsers)"
        " VALUES (%s, gen_random_uuid(), 'far.away', %s, %s, %s, 2)",
        (slot, os.getpid(), APPLICATION_VERSION, list(QUEUES)),
    )


# --- clock and disk


@pytest.mark.parametrize(("seconds", "level"), [(0, "ok"), (-10, "warning"), (3600, "wrong")])
def test_clock(own: Settings, seconds: int, level: str) -> None:
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
