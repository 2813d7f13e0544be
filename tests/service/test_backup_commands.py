"""`seezar db backup`, `restore` and `clean` with the embedded server."""

import os
import shutil
import stat
from pathlib import Path

import psycopg
import pytest

from tests.service.conftest import Home, new_home
from workflows.restores import name_beside

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_backup_and_restore_into_an_empty_home(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "seezar.backup"
    added = home.seezar(
        *("account", "add", "ops", "--url", "https://a.example", "--username", "u", "--password-env", "PASSWORD"),
        PASSWORD="hush-hush",
    )
    assert added.code == 0, added.err
    # While a worker runs.
    assert "worker 0" in home.seezar("status").out
    answer = home.seezar("db", "backup", str(file))
    assert answer.code == 0, answer.err
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert str(home.path / "master.key") in answer.err
    assert "is not in it" in answer.err
    again = home.seezar("db", "backup", str(file))
    assert again.code == 1
    assert "exists already" in again.complaint

    with new_home() as other:
        keyless = other.seezar("db", "restore", str(file))
        assert keyless.code == 1
        assert "master key here is missing" in keyless.complaint
        shutil.copy2(home.path / "master.key", other.path / "master.key")
        restored = other.seezar("db", "restore", str(file))
        assert restored.code == 0, restored.err
        # What was started for it is stopped again.
        assert other.processes() == []
        assert [account["name"] for account in other.seezar("account", "list", "--json").json["accounts"]] == ["ops"]
        assert "✓ Stored secrets" in other.seezar("doctor").out

        busy = other.seezar("db", "restore", str(file), "--yes")
        assert busy.code == 1
        assert "in use: " in busy.complaint
        assert "seezar-worker-0" in busy.complaint
        assert "seezar down" in busy.complaint
        assert other.seezar("down").code == 0
        refused = other.seezar("db", "restore", str(file))
        assert refused.code == 1
        assert "--yes" in refused.complaint
        assert other.seezar("db", "restore", str(file), "--yes").code == 0


def test_clean(home: Home) -> None:
    assert home.seezar("db", "start").code == 0
    url = home.seezar("db", "url").out.strip()
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO app.page (id, run_id, account, url, title, body, taken_at)"
            " SELECT gen_random_uuid(), 'gone', 'a', 'u', 't', '', now() - interval '40 days'"
            " FROM generate_series(1, 3)"
        )
    assert home.seezar("db", "clean", "--dry-run", "--json", SEEZAR_KEEP_PAGES_DAYS="60").json["counts"]["pages"] == 0
    assert "Would delete 3 pages." in home.seezar("db", "clean", "--dry-run").out
    done = home.seezar("db", "clean", "--json").json
    assert (done["status"], done["dry_run"], done["counts"]["pages"]) == ("ok", False, 3)
    assert "nothing old enough" in home.seezar("db", "clean").out
    with psycopg.connect(url) as connection:
        connection.execute("SELECT 1 FROM app.housekeeping FOR UPDATE")
        assert "Another process is deleting the rest now." in home.seezar("db", "clean").out
        assert home.seezar("db", "clean", "--json").json["status"] == "busy"
    # Files of agents too.
    version = home.path / "artifacts/apps/seezar/users/u/sessions/s/artifacts/a.png/versions/0"
    version.mkdir(parents=True)
    for name in ("a.png", "metadata.json"):
        (version / name).write_bytes(b"x")
        os.utime(version / name, (0, 0))
    assert "Would delete 1 artifacts." in home.seezar("db", "clean", "--dry-run").out
    assert version.exists()
    assert home.seezar("db", "clean", "--json").json["counts"]["artifacts"] == 1
    assert not version.exists()


def test_clean_removes_what_a_restore_has_left(home: Home) -> None:
    assert home.seezar("db", "start").code == 0
    url = home.seezar("db", "url").out.strip()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name_beside('seezar')}".encode())
    assert f"! Restores: one was cut off: the database {name_beside('seezar')}" in home.seezar("doctor").out
    assert "Would delete 1 databases." in home.seezar("db", "clean", "--dry-run").out
    assert home.seezar("db", "clean", "--json").json["counts"]["databases"] == 1
    assert "✓ Restores: none was cut off" in home.seezar("doctor").out
