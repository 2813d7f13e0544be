"""`seezar db …`, `seezar status` and `seezar doctor` in a home where nothing runs yet."""

import subprocess

import psycopg
import pytest

from seezar.browser.executable import find_chromium
from seezar.settings import Settings
from tests.service.conftest import Home, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


def test_start_url_migrate_stop(home: Home) -> None:
    stopped = home.seezar("db", "url")
    assert stopped.code == 1
    assert "seezar db start" in stopped.complaint
    assert "does not run" in home.seezar("db", "stop").out

    assert home.seezar("db", "start").code == 0
    url = home.seezar("db", "url").out.strip()
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM app.account").fetchone() == (0,)
    assert "up to date" in home.seezar("db", "migrate").out
    assert "running (embedded" in home.seezar("status").out

    answer = home.seezar("db", "stop")
    assert answer.code == 0
    assert "Stopped the database" in answer.out
    assert home.processes() == []


def test_migrate_says_what_it_applied(home: Home) -> None:
    assert "Applied 0001_core." in home.seezar("db", "migrate").out


def test_the_first_command_brings_up_database_and_worker(home: Home) -> None:
    answer = home.seezar("account", "list")
    assert answer.code == 0
    assert "There are no accounts" in answer.err
    assert "worker 0  running" in home.seezar("status").out
    stopped = home.seezar("db", "stop").out
    assert "Stopped worker 0" in stopped
    assert "Stopped the database" in stopped


def test_a_server_of_ones_own_is_never_stopped(home: Home, empty_database_url: str) -> None:
    home.variables["SEEZAR_DATABASE_URL"] = empty_database_url
    assert home.seezar("status").code == 0
    assert home.seezar("db", "start").code == 0
    assert home.seezar("account", "list").code == 0
    refused = home.seezar("db", "stop")
    assert refused.code == 1
    assert "left alone" in refused.complaint
    home.seezar("down")
    psycopg.connect(empty_database_url).close()


def test_status_starts_nothing(home: Home) -> None:
    answer = home.seezar("status")
    assert answer.code == 0
    assert "not running" in answer.out
    assert home.processes() == []
    unreachable = home.seezar("status", SEEZAR_DATABASE_URL="postgresql://u:hush@127.0.0.1:1/seezar")
    assert unreachable.code == 1
    assert "Connection refused" in unreachable.out
    assert "hush" not in unreachable.out


@pytest.mark.browser
def test_doctor_finds_all_well_and_stops_what_it_started(home: Home) -> None:
    answer = home.seezar("doctor")
    assert answer.code == 0, answer.out
    assert "✗" not in answer.out
    for what in ("Python", "PostgreSQL", "pgvector", "Migrations", "Chromium", "SMTP port", "Worker slots", "Clock"):
        assert f"✓ {what}: " in answer.out
    assert home.processes() == []


def test_doctor_asks_the_browser_elsewhere_and_needs_none_here(home: Home) -> None:
    answer = home.seezar("doctor", SEEZAR_CHROMIUM="/nonexistent", SEEZAR_CDP_URL="http://127.0.0.1:9/?token=hush")
    assert answer.code == 1
    assert "✗ Chromium: No browser answers at the address in SEEZAR_CDP_URL." in answer.out
    assert "/nonexistent" not in answer.out
    assert "hush" not in answer.out + answer.err


@pytest.mark.browser
def test_doctor_is_well_with_a_browser_elsewhere(home: Home) -> None:
    profile = home.path / "profile"
    executable = str(find_chromium(Settings(_env_file=None)))  # pyright: ignore[reportCallIssue]
    command = [executable, "--headless", "--no-sandbox", "--remote-debugging-port=0", f"--user-data-dir={profile}"]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet) as browser:
        try:
            said = profile / "DevToolsActivePort"
            until(lambda: said.exists() and said.read_text().count("\n") == 1)
            port = said.read_text().splitlines()[0]
            answer = home.seezar("doctor", SEEZAR_CHROMIUM="/nonexistent", SEEZAR_CDP_URL=f"http://127.0.0.1:{port}")
        finally:
            browser.terminate()
    assert answer.code == 0, answer.out
    assert "✓ Chromium: the one at SEEZAR_CDP_URL opens a page" in answer.out


def test_doctor_says_what_is_missing_and_what_to_do(home: Home) -> None:
    (home.path / "master.key").write_text("broken")
    (home.path / "master.key").chmod(0o644)
    answer = home.seezar(
        "doctor", SEEZAR_CHROMIUM="/nonexistent", SEEZAR_DATABASE_URL="postgresql://u:hush@127.0.0.1:1/seezar"
    )
    assert answer.code == 1
    for what in ("Master key", "PostgreSQL", "Chromium"):
        assert f"✗ {what}: " in answer.out
    assert "chmod 600" in answer.out
    assert "hush" not in answer.out
