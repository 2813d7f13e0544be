"""Homes for embedded servers that the tests may treat badly."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from seezar.database.embedded import EmbeddedServer


@pytest.fixture
def new_server() -> Iterator[EmbeddedServer]:
    """A server that was never started."""
    yield from _server()


@pytest.fixture(scope="module")
def own_server() -> Iterator[EmbeddedServer]:
    """A server for the tests of a module, running or not; making the first database takes seconds."""
    yield from _server()


def _server() -> Iterator[EmbeddedServer]:
    home = Path(tempfile.mkdtemp(prefix="sz-"))
    server = EmbeddedServer(home)
    yield server
    server.stop()
    shutil.rmtree(home, ignore_errors=True)
