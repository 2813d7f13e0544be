"""Migrations: each once, by one process at a time, whole or not at all, and never backwards."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from seezar.database import migrate as module
from seezar.database.migrate import migrate, migrations
from seezar.database.urls import with_options
from seezar.errors import DatabaseTooNew, DatabaseUnavailable, MigrationFailed
from workflows.ground import migrate_database


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty folder in the place of the migrations."""
    monkeypatch.setattr(module, "FOLDER", tmp_path)
    return tmp_path


def write(folder: Path, number: int, sql: str) -> None:
    (folder / f"{number:04d}_step.sql").write_text(sql)


def tables(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        return {row[0] for row in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'app'")}


def test_applied_once_in_order(empty_database_url: str) -> None:
    first = migrate(empty_database_url)
    assert first == sorted(first)
    assert first[0] == "0001_core"
    assert len(first) == len(migrations())
    assert {"account", "session", "run", "secret", "message"} <= tables(empty_database_url)
    assert migrate(empty_database_url) == []


def test_of_two_at_once_one_does_the_work(empty_database_url: str) -> None:
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = %s"
    with ThreadPoolExecutor(2) as threads, psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (module._LOCK,))
        racers = [threads.submit(migrate, empty_database_url) for _ in range(2)]
        while connection.execute(waiting, (module._LOCK,)).fetchone() != (2,):
            assert not any(racer.done() for racer in racers), "it did not wait for its turn"
        connection.execute("SELECT pg_advisory_unlock(%s)", (module._LOCK,))
        applied = [len(racer.result(timeout=150)) for racer in racers]
    assert sorted(applied) == [0, len(migrations())]


def test_who_is_not_done_in_time_is_named(empty_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_WAIT_S", 0.2)
    named = with_options(empty_database_url, application_name="seezar-migrate (process 12 on far.away)")
    with psycopg.connect(named, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (module._LOCK,))
        with pytest.raises(MigrationFailed) as told:
            migrate_database(empty_database_url)
        pid = connection.info.backend_pid
    assert f"seezar-migrate (process 12 on far.away), connection {pid}, since 20" in told.value.what
    assert f"pg_terminate_backend({pid})" in told.value.next_step
    assert tables(empty_database_url) == set()


def test_who_keeps_a_table_locked_is_named(
    empty_database_url: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, 1, "CREATE TABLE app.one ();")
    migrate(empty_database_url)
    write(folder, 2, "CREATE TABLE app.two (); ALTER TABLE app.one ADD COLUMN a int;")
    monkeypatch.setattr(module, "_WAIT_S", 0.2)
    with psycopg.connect(with_options(empty_database_url, application_name="reader")) as reader:
        reader.execute("SELECT * FROM app.one")
        with pytest.raises(MigrationFailed, match=r"0002_step.*lock timeout.*at 0001_step.*\(reader, connection"):
            migrate_database(empty_database_url)
    assert tables(empty_database_url) == {"migration", "one"}
    assert migrate(empty_database_url) == ["0002_step"]


def test_a_newer_database_is_refused_and_left_alone(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("INSERT INTO app.migration (number, name) VALUES (9999, 'future')")
    before = tables(database_url)
    with pytest.raises(DatabaseTooNew, match="9999"):
        migrate(database_url)
    assert tables(database_url) == before


def test_a_failing_migration_leaves_nothing_of_itself(empty_database_url: str, folder: Path) -> None:
    write(folder, 1, "CREATE TABLE app.one ();")
    write(folder, 2, "CREATE TABLE app.two (); SELECT nonsense;")
    write(folder, 3, "CREATE TABLE app.three ();")
    with pytest.raises(MigrationFailed, match=r"nonsense.*stands at 0001_step"):
        migrate_database(empty_database_url)
    assert tables(empty_database_url) == {"migration", "one"}

    write(folder, 2, "CREATE TABLE app.two ();")
    assert migrate(empty_database_url) == ["0002_step", "0003_step"]
    assert tables(empty_database_url) == {"migration", "one", "two", "three"}


def test_a_migration_and_its_note_are_one(empty_database_url: str, folder: Path) -> None:
    write(folder, 1, "CREATE TABLE app.one (); ALTER TABLE app.migration DROP COLUMN name;")
    with pytest.raises(MigrationFailed, match=r"name.*is still empty"):
        migrate_database(empty_database_url)
    assert tables(empty_database_url) == {"migration"}


def test_a_percent_sign_is_no_placeholder(empty_database_url: str, folder: Path) -> None:
    write(folder, 1, "CREATE TABLE app.one AS SELECT 'a%sb' AS value WHERE 'x' LIKE '%';")
    assert migrate(empty_database_url) == ["0001_step"]
    with psycopg.connect(empty_database_url) as connection:
        assert connection.execute("SELECT value FROM app.one").fetchone() == ("a%sb",)


@pytest.mark.parametrize("name", ["1_short.sql", "0001-dash.sql", "0001_UPPER.sql"])
def test_a_misnamed_file_is_refused(folder: Path, name: str) -> None:
    (folder / name).touch()
    with pytest.raises(ValueError, match="NNNN_name"):
        migrations()


def test_a_number_taken_twice_is_refused(folder: Path) -> None:
    (folder / "0001_one.sql").touch()
    (folder / "0001_two.sql").touch()
    with pytest.raises(ValueError, match="taken"):
        migrations()


def test_a_server_that_is_gone_is_told_without_the_password() -> None:
    with pytest.raises(DatabaseUnavailable) as told:
        migrate_database("postgresql://someone:geheim@127.0.0.1:1/seezar")
    assert "geheim" not in str(told.value)
    assert "127.0.0.1" in str(told.value)


def test_grants_that_are_missing_are_made_again(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("REVOKE ALL ON SCHEMA data FROM seezar_reader")
        connection.execute("REVOKE ALL ON SCHEMA knowledge FROM seezar_memory")
        assert migrate(database_url) == []
        for role, table in (("seezar_reader", "data.runs"), ("seezar_memory", "knowledge.memory")):
            row = connection.execute("SELECT has_table_privilege(%s, %s, 'SELECT')", (role, table)).fetchone()
            usable = connection.execute("SELECT has_schema_privilege(%s, %s, 'USAGE')", (role, table.split(".")[0]))
            assert (row, usable.fetchone()) == ((True,), (True,)), role
