"""Installs an application into a folder of its own and runs its server."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import psutil

from benchmarks.applications.application import PASSWORD, TOTP_KEY, Application

_PROJECT_UV = Path(__file__).parents[2] / ".tools" / "uv" / "bin" / "uv"
_POLL_S = 0.2
_STOP_S = 10.0


class ApplicationFailed(Exception):
    """It could not be installed or did not serve; the message ends with the end of its log."""


def install(application: Application, cache: Path) -> Path:
    """Install the packages under `cache` unless these very versions are there; returns the folder.

    Raises:
        ApplicationFailed: the installer said no.
    """
    wanted = json.dumps([application.python, application.npm])
    folder = cache / f"{application.name}-{hashlib.sha256(wanted.encode()).hexdigest()[:10]}"
    done = folder / "installed"
    if done.exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if application.python:
        uv = str(Path(shutil.which("uv") or _PROJECT_UV).absolute())
        _run([uv, "venv", "--quiet", "--python", sys.executable, str(folder / "venv")], folder)
        python = str(folder / "venv" / "bin" / "python")
        _run([uv, "pip", "install", "--quiet", "--python", python, *application.python], folder)
    if application.npm:
        package = {"private": True, "type": "module", "dependencies": application.npm}
        (folder / "package.json").write_text(json.dumps(package), encoding="utf-8")
        quiet = ["--no-audit", "--no-fund", "--loglevel=error"]
        # Versions are pinned above; what a package would rather have beside it is not asked.
        _run(["npm", "install", "--ignore-scripts", "--legacy-peer-deps", *quiet], folder)
    done.touch()
    return folder


def _run(command: list[str], folder: Path) -> None:
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        raise ApplicationFailed(f"{command[0]} {command[1]} failed: {ended.stderr[-1500:]}")


@contextmanager
def served(application: Application, installed: Path, *, port: int, smtp_port: int) -> Iterator[str]:
    """The running application; gives its base URL. Its data are gone afterwards.

    Raises:
        ApplicationFailed: it ended, or did not answer in time.
    """
    data = Path(tempfile.mkdtemp(prefix="application-"))
    log = data / "server.log"
    base = f"http://127.0.0.1:{port}"
    environment = {
        **os.environ,
        "APP_PORT": str(port),
        "APP_DATA": str(data),
        "APP_SMTP_PORT": str(smtp_port),
        "APP_PASSWORD": PASSWORD,
        "APP_TOTP": TOTP_KEY,
        "APP_ENV": str(installed),
        "NODE_PATH": str(installed / "node_modules"),
        "PYTHONPATH": str(application.folder.parent / "shared"),
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            _command(application, installed, data),
            cwd=data,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            _await(process, base + application.ready, application.patience, log)
            yield base
        finally:
            _end(process)
            shutil.rmtree(data, ignore_errors=True)


def _command(application: Application, installed: Path, data: Path) -> list[str]:
    """The command of the server. A program of Node finds its packages beside itself only, so it is run from there."""
    words: list[str] = []
    for word in application.serve:
        own = application.folder / word
        if word == "python":
            words.append(str(installed / "venv" / "bin" / "python"))
        elif own.is_file() and application.npm:
            shutil.copytree(application.folder, installed / "program", dirs_exist_ok=True)
            words.append(str(installed / "program" / word))
        else:
            words.append(str(own) if own.is_file() else word)
    return words


def _await(process: subprocess.Popen[bytes], url: str, patience: float, log: Path) -> None:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urlopen(url, timeout=5):  # noqa: S310 - our own server
                return
        except OSError:
            pass
        time.sleep(_POLL_S)
    raise ApplicationFailed(f"No answer from {url}: {log.read_text(errors='replace')[-1500:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    process.terminate()
    _, alive = psutil.wait_procs(family, timeout=_STOP_S)
    for member in alive:
        member.kill()
    process.wait()
