"""What nobody foresaw: one sentence, a private log with the traceback, no secret in it."""

import subprocess
import sys
from pathlib import Path

import pytest

from seezar.settings import Settings
from service.children import Child
from service.commands.accounts import _seconds
from tests.service.conftest import until

CODE = """
import typer
from service.boundary import guarded
from service.secret_input import from_environment

app = typer.Typer()

@app.command()
@guarded()
def break_(as_json: bool = typer.Option(False, "--json")):
    password = from_environment("password", "PW")
    raise ValueError(f"cannot use {password} with postgresql://u:hush@nowhere/x")

app()
"""


def test_the_unforeseen(settings: Settings) -> None:
    environment = {
        "PATH": "/usr/bin:/bin",
        "SEEZAR_HOME": str(settings.home),
        "SEEZAR_DATABASE_URL": "postgresql://u:hush@nowhere/x",
        "PW": "Hidden-Gable-77",
    }
    done = subprocess.run(
        [sys.executable, "-c", CODE, "--json"], env=environment, capture_output=True, text=True, timeout=60
    )
    log = settings.log_dir / "cli.log"
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert f"(ValueError). What was stored before is kept. The traceback is in {log}" in done.stderr
    assert '{"status": "error", "message": "Something unforeseen' in done.stdout
    written = log.read_text()
    assert "Traceback" in written
    assert "break_" in written
    assert "«secret:password»" in written
    assert "Hidden-Gable-77" not in written + done.stdout + done.stderr
    assert "hush" not in written + done.stdout + done.stderr
    assert log.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("90s", 90), ("30m", 1800), ("12H", 43200), (" 1d ", 86400)])
def test_intervals(text: str, seconds: int) -> None:
    assert _seconds(text) == seconds


def test_a_child_that_ends_is_started_again_ever_more_slowly(settings: Settings, tmp_path: Path) -> None:
    starts = tmp_path / "starts"
    child = Child("short", ["-c", f"print('last words'); open({str(starts)!r}, 'a').write('x')"], settings)
    child.start()
    ended = 0

    def look() -> bool:
        nonlocal ended
        ended += child.keep()
        return ended == 2

    until(look, seconds=30)
    assert child.last_words() == "last words"
    assert starts.read_text() == "xx"
    assert child.restarts == 2
    assert not child.keep()
    assert child.pid == 0, "the second restart has to wait"
