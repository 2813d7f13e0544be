"""The real command line: subprocesses in a home of their own, on free ports, beside a running playground."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

# A shell that starts the tests in the background has them, and all they start, ignore Ctrl-C.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

SEEZAR = str(Path(sys.executable).with_name("seezar"))
LIMIT_S = 150
SIGN_IN_KEYS = {
    "status",
    "account",
    "run_id",
    "attempts",
    "model_calls",
    "duration_s",
    "second_factor",
    "reason",
    "session_id",
}


@dataclass
class Answer:
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one JSON object on stdout."""
        assert self.out.count("\n") == 1, self.out
        value = json.loads(self.out)
        assert isinstance(value, dict)
        return value

    @property
    def complaint(self) -> str:
        """The one line of the error."""
        lines = [line for line in self.err.splitlines() if line.startswith("seezar: ")]
        assert len(lines) == 1, self.err
        return lines[0]


@dataclass
class Home:
    """A home, and the command line in it."""

    path: Path
    variables: dict[str, str] = field(default_factory=dict)

    def environment(self, **more: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SEEZAR_")}
        if "SEEZAR_CHROMIUM" in os.environ:
            kept["SEEZAR_CHROMIUM"] = os.environ["SEEZAR_CHROMIUM"]
        own = {
            "SEEZAR_HOME": str(self.path),
            "SEEZAR_SMTP_PORT": "0",
            "SEEZAR_WEB_PORT": "0",
            "SEEZAR_API_PORT": "0",
            "SEEZAR_PLAYGROUND_PORT": "0",
            "SEEZAR_WORKER_IDLE_EXIT": "120",
            "SEEZAR_ALLOW_MODEL_REQUESTS": "0",
            "COLUMNS": "200",
        }
        return {**kept, **own, **self.variables, **more}

    def seezar(self, *arguments: str, stdin: bytes = b"", **more: str) -> Answer:
        """Run a command to its end; no command may show a traceback."""
        done = subprocess.run(
            [SEEZAR, *arguments],
            input=stdin,
            capture_output=True,
            env=self.environment(**more),
            cwd=tempfile.gettempdir(),
            timeout=LIMIT_S,
        )
        answer = Answer(done.returncode, done.stdout.decode(), done.stderr.decode())
        assert "Traceback" not in answer.out + answer.err, answer.err
        return answer

    @contextmanager
    def running(self, *arguments: str, **more: str) -> Iterator["Foreground"]:
        """A command that runs beside the test; it gets SIGTERM at the end if it still runs."""
        log = Path(tempfile.mkstemp(prefix="seezar-log-")[1])
        with log.open("wb") as output:
            process = subprocess.Popen(
                [SEEZAR, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=self.environment(**more),
                cwd=tempfile.gettempdir(),
                start_new_session=True,
            )
        try:
            yield Foreground(process, log)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(timeout=60)
            log.unlink()

    def processes(self) -> list[psutil.Process]:
        """Everything that was started with this home: workers, their browsers, the database."""
        found: list[psutil.Process] = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("SEEZAR_HOME") == str(self.path):
                    found += [process, *process.children(recursive=True)]
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        postmaster = self.path / "postgres" / "postmaster.pid"
        if postmaster.exists():
            with_children = psutil.Process(int(postmaster.read_text().splitlines()[0]))
            found += [with_children, *with_children.children(recursive=True)]
        return [process for process in set(found) if process.pid != os.getpid()]


@dataclass
class Foreground:
    """A command that runs."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def wait_for(self, text: str) -> str:
        """All that was said once `text` is in it."""
        until(lambda: text in self.said or self.process.poll() is not None)
        assert text in self.said, self.said
        return self.said

    def interrupt(self) -> int:
        """Ctrl-C; returns the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=60)


def until(condition: Callable[[], bool], *, seconds: float = LIMIT_S) -> None:
    """Wait for a condition that another process brings about."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


@contextmanager
def new_home(**variables: str) -> Iterator[Home]:
    """A home of its own. At the end all that runs in it is stopped, and nothing may be left."""
    # A Unix socket path must be short, and root's PostgreSQL user must be able to enter the folder.
    path = Path(tempfile.mkdtemp(prefix="seezar-cli-", dir="/tmp"))
    home = Home(path, variables)
    try:
        yield home
    finally:
        if home.processes():
            # Without the test's variables: a database elsewhere is not ours to stop.
            Home(path).seezar("down")
        left = home.processes()
        for process in left:
            process.kill()
        shutil.rmtree(path, ignore_errors=True)
    assert left == []


@pytest.fixture
def home() -> Iterator[Home]:
    """A home in which nothing runs yet."""
    with new_home() as home:
        yield home


@pytest.fixture(scope="session")
def world() -> Iterator[Home]:
    """A home with a running playground, its accounts, a database and a worker."""
    with new_home() as home, home.running("playground") as playground:
        playground.wait_for("Ctrl-C stops it.")
        yield home


@pytest.fixture(scope="session")
def site(world: Home) -> str:
    """Where the playground of `world` is, without a slash at the end."""
    line = next(line for line in world.seezar("status").out.splitlines() if line.startswith("playground"))
    return line.split()[1]
