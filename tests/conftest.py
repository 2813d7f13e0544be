"""Fixtures: one real PostgreSQL for the session, a fresh migrated database and a temporary home for each test."""

import atexit
import os
import shutil
import tempfile
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

# ruff: noqa: E402 - the environment is cleared first
# Before anything of ours is imported: a test must not read the developer's own settings, nor reach a model.
for _name in [name for name in os.environ if name.startswith("SEEZAR_")]:
    if _name not in ("SEEZAR_CHROMIUM",):
        del os.environ[_name]
# Nor must its traces be sent to where the developer's are.
for _name in [name for name in os.environ if name.startswith(("OTEL_", "LANGFUSE_", "LOGFIRE_"))]:
    del os.environ[_name]
# Nor touch what they have in their home.
os.environ["SEEZAR_HOME"] = tempfile.mkdtemp(prefix="seezar-none-")
atexit.register(shutil.rmtree, os.environ["SEEZAR_HOME"], ignore_errors=True)
os.environ["SEEZAR_ALLOW_MODEL_REQUESTS"] = "0"
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

import psycopg
import pytest

from seezar.database import Database
from seezar.database.embedded import EmbeddedServer
from seezar.database.migrate import migrate
from seezar.database.urls import with_database
from seezar.settings import Settings, get_settings
from seezar.telemetry.revealed import revealed
from seezar.vault import Cipher
from seezar.vault.keys import MasterKey

# Those whose files take minutes begin first, so that no process has one left when the others are done.
_LONG = ("service", "workflows", "agents", "evals", "journeys", "tools")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order the tests by folder, the long ones first."""
    root = Path(__file__).parent

    def rank(item: pytest.Item) -> int:
        folder = item.path.relative_to(root).parts[0]
        return _LONG.index(folder) if folder in _LONG else len(_LONG)

    items.sort(key=rank)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what suites have counted: lines of passed tests that begin with `figures: `."""
    lines = [line for report in terminalreporter.getreports("passed") for line in report.capstdout.splitlines()]
    for line in dict.fromkeys(line for line in lines if line.startswith("figures: ")):
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """URL of the maintenance database of a PostgreSQL that lives as long as the test session."""
    # Not pytest's tmp_path: a Unix socket path must be short, and root's PostgreSQL user must be able to enter the
    # folder.
    home = Path(tempfile.mkdtemp(prefix="seezar-pg-"))
    server = EmbeddedServer(home)
    try:
        url = server.start()
        yield with_database(url, "postgres")
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test works with the settings that another has read, nor masks the secrets that it had."""
    get_settings.cache_clear()
    monkeypatch.setattr(revealed, "_values", OrderedDict())
    monkeypatch.setattr(revealed, "_redactor", None)


@pytest.fixture
def settings() -> Iterator[Settings]:
    """Settings of a home of its own."""
    home = Path(tempfile.mkdtemp(prefix="seezar-test-"))
    yield Settings(home=home, smtp_port=0, _env_file=None)  # pyright: ignore[reportCallIssue]
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def empty_database_url(postgres: str) -> Iterator[str]:
    """URL of a new, empty database."""
    name = f"t_{uuid4().hex[:12]}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    yield with_database(postgres, name)
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())


@pytest.fixture
def database_url(empty_database_url: str) -> str:
    """URL of a new, migrated database."""
    migrate(empty_database_url)
    return empty_database_url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An open pool on a new, migrated database."""
    async with await Database.open(database_url, application_name="seezar-test") as opened:
        yield opened


@pytest.fixture
def cipher() -> Cipher:
    """A cipher under a random master key."""
    return Cipher(MasterKey(os.urandom(32)))
