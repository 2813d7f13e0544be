"""The embedded PostgreSQL: started by whoever comes first, found by the rest, back after any crash."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import psycopg
import pytest

from seezar.database import embedded
from seezar.database.embedded import EmbeddedServer, init_sql
from seezar.errors import DatabaseUnavailable

START = """
import pathlib, sys
from seezar.database.embedded import EmbeddedServer
print(EmbeddedServer(pathlib.Path(sys.argv[1])).start())
"""


def start_in_a_process(home: Path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", START, str(home)], stdout=subprocess.PIPE, text=True)


def kill_postmaster(server: EmbeddedServer) -> int:
    """SIGKILL, as a crash would; returns the process id that was."""
    pid = server.pid()
    assert pid is not None
    process = psutil.Process(pid)
    family = [process, *process.children(recursive=True)]
    process.send_signal(signal.SIGKILL)
    psutil.wait_procs(family, timeout=60)
    return pid


def keep(url: str, *values: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (value text)")
        connection.execute("DELETE FROM kept")
        connection.cursor().executemany("INSERT INTO kept VALUES (%s)", [(value,) for value in values])


def kept(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return [row[0] for row in connection.execute("SELECT value FROM kept ORDER BY value")]


def test_start_attach_stop_and_crash(new_server: EmbeddedServer) -> None:
    assert (new_server.url(), new_server.pid(), new_server.stop()) == (None, None, False)

    url = new_server.start()
    pid = new_server.pid()
    assert new_server.url() == url
    keep(url, "one")
    # A second object, as another process would have it, finds the same server.
    assert (EmbeddedServer(new_server.home).start(), new_server.pid()) == (url, pid)

    kill_postmaster(new_server)
    assert (new_server.url(), new_server.pid()) == (None, None)
    assert new_server.start() == url
    assert new_server.pid() != pid
    assert kept(url) == ["one"]
    keep(url, "one", "two")

    assert new_server.stop()
    assert (new_server.url(), new_server.pid(), new_server.stop()) == (None, None, False)
    assert kept(new_server.start()) == ["one", "two"]


def test_two_processes_race_to_start_the_same_home(new_server: EmbeddedServer) -> None:
    racers = [start_in_a_process(new_server.home) for _ in range(2)]
    urls = [racer.communicate(timeout=150)[0].strip() for racer in racers]
    assert [racer.returncode for racer in racers] == [0, 0]
    # It outlives those who started it.
    assert urls == [new_server.url()] * 2
    postmasters = [p for p in psutil.process_iter(["cmdline"]) if str(new_server.data) in (p.info["cmdline"] or [])]
    assert [p.pid for p in postmasters] == [new_server.pid()]


@pytest.mark.parametrize(
    "left_behind",
    ["", "garbage\n", "4\n", "\n" * 8, "999999999999999999999\nx\nx\nx\nx\nx\nx\nready\n", "\udcff"],
    ids=["empty", "garbage", "half", "blank", "huge", "no text"],
)
def test_a_damaged_pid_file_does_not_stop_the_start(own_server: EmbeddedServer, left_behind: str) -> None:
    keep(own_server.start(), "one")
    own_server.stop()
    write_pid_file(own_server, left_behind)
    assert (own_server.url(), own_server.pid()) == (None, None)
    assert kept(own_server.start()) == ["one"]


def test_a_pid_that_another_program_has_by_now_is_no_server(own_server: EmbeddedServer) -> None:
    """In a container that starts anew, the number of the old postmaster is nearly always taken."""
    keep(own_server.start(), "one")
    pid = own_server.pid()
    before = (own_server.data / "postmaster.pid").read_text()
    kill_postmaster(own_server)
    write_pid_file(own_server, before.replace(f"{pid}\n", f"{os.getppid()}\n", 1))
    assert (own_server.url(), own_server.pid(), own_server.stop()) == (None, None, False)
    assert kept(own_server.start()) == ["one"]


def test_the_pid_file_of_a_living_server_is_left_alone(own_server: EmbeddedServer) -> None:
    """A server that outlived its starter may still be writing the file: it must never be started twice."""
    url = own_server.start()
    path = own_server.data / "postmaster.pid"
    whole = path.read_text()
    for half in ("", whole.partition("\n")[0] + "\n"):
        write_pid_file(own_server, half)
        with pytest.raises(DatabaseUnavailable):
            own_server.start()
        assert path.read_text() == half
    write_pid_file(own_server, whole)
    assert own_server.start() == url


def write_pid_file(server: EmbeddedServer, content: str) -> None:
    path = server.data / "postmaster.pid"
    path.write_bytes(content.encode("utf-8", errors="surrogateescape"))
    owner = server.data.stat()
    os.chown(path, owner.st_uid, owner.st_gid)


def test_a_path_too_long_for_a_socket_is_refused() -> None:
    with tempfile.TemporaryDirectory(prefix="sz-") as folder:
        home = Path(folder) / ("h" * 100)
        with pytest.raises(DatabaseUnavailable, match=r"too long.*SEEZAR_HOME"):
            EmbeddedServer(home).start()
        assert not (home / "postgres").exists()


@pytest.mark.parametrize("name", ["with space", "a$(b)", "it's", "a;b"])
def test_a_path_that_a_shell_would_take_apart_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DatabaseUnavailable, match="SEEZAR_HOME"):
        EmbeddedServer(tmp_path / name).start()


def test_a_path_with_letters_that_urls_encode() -> None:
    with tempfile.TemporaryDirectory(prefix="sz-") as folder:
        server = EmbeddedServer(Path(folder) / "späť+50%20")
        url = server.start()
        try:
            assert kept_nothing(url)
        finally:
            server.stop()


def kept_nothing(url: str) -> bool:
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT to_regclass('kept')").fetchone() == (None,)


def test_a_home_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DatabaseUnavailable, match=r"cannot be used.*SEEZAR_HOME"):
        EmbeddedServer(tmp_path / "file" / "home").start()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_home_that_may_not_be_written_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(DatabaseUnavailable, match=r"cannot be used.*SEEZAR_HOME"):
            EmbeddedServer(tmp_path).start()
    finally:
        tmp_path.chmod(0o700)


def test_init_sql_makes_everything_and_may_run_again(own_server: EmbeddedServer) -> None:
    url = own_server.start()
    keep(url, "one")
    own_server.run_sql_file(init_sql(), url)
    assert kept(url) == ["one"]
    with psycopg.connect(url) as connection:
        databases = {row[0] for row in connection.execute("SELECT datname FROM pg_database")}
        schemas = {row[0] for row in connection.execute("SELECT nspname FROM pg_namespace")}
        vector = connection.execute("SELECT 1 FROM pg_extension WHERE extname = 'vector'").fetchone()
    assert {"seezar", "dbos", "langfuse", "litellm"} <= databases
    assert {"app", "adk", "knowledge"} <= schemas
    assert vector == (1,)


def test_an_init_that_was_cut_short_is_finished(own_server: EmbeddedServer) -> None:
    url = own_server.start()
    with psycopg.connect(url.replace("/seezar?", "/postgres?"), autocommit=True) as connection:
        for name in ("seezar", "litellm"):
            connection.execute(f'DROP DATABASE "{name}"'.encode())
    own_server.start()
    with psycopg.connect(url) as connection:
        made = connection.execute("SELECT datname FROM pg_database WHERE oid >= 16384 ORDER BY oid").fetchall()
    # The one whose presence says that all is done was made last.
    assert made[-2:] == [("litellm",), ("seezar",)]


def test_sql_that_fails_is_told(own_server: EmbeddedServer, tmp_path: Path) -> None:
    url = own_server.start()
    script = tmp_path / "broken.sql"
    script.write_text("SELECT nonsense;")
    with pytest.raises(DatabaseUnavailable, match=r"broken\.sql cannot be applied.*nonsense"):
        own_server.run_sql_file(script, url)


def test_a_server_that_never_gets_ready_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # What the library does when the server has come up and died at once.
    monkeypatch.setattr(embedded, "_START", "import threading; threading.Event().wait()")
    monkeypatch.setattr(embedded, "_START_S", 0.5)
    with pytest.raises(DatabaseUnavailable, match=r"does not start \(TimeoutExpired\)"):
        EmbeddedServer(tmp_path).start()
