"""Fixtures: an IMAP server of each make, and secrets in memory."""

from collections.abc import Iterator

import pytest

from tests.mail.providers.imap_servers import Dovecot, ImapServer, Pymap


class MemorySecrets:
    """Secrets by reference; `opened` counts how often each was asked for."""

    def __init__(self, **secrets: str) -> None:
        self.secrets = secrets
        self.opened: list[str] = []

    async def open(self, reference: str) -> str:
        self.opened.append(reference)
        return self.secrets[reference]


def require_dovecot() -> None:
    if Dovecot.program() is None:
        pytest.skip("dovecot is not installed (Debian: apt-get install dovecot-imapd)")


@pytest.fixture(scope="session")
def _shared_pymap() -> Iterator[Pymap]:
    with Pymap() as server:
        yield server


@pytest.fixture(scope="session")
def _shared_dovecot() -> Iterator[Dovecot]:
    require_dovecot()
    with Dovecot() as server:
        yield server


@pytest.fixture
def pymap(_shared_pymap: Pymap) -> Pymap:
    """With an empty inbox; it goes on running afterwards."""
    _shared_pymap.clear()
    return _shared_pymap


@pytest.fixture(params=["pymap", "dovecot"])
def imap_server(request: pytest.FixtureRequest) -> ImapServer:
    """A server of each make with an empty inbox; it goes on running afterwards."""
    server = request.getfixturevalue(f"_shared_{request.param}")
    server.clear()
    return server


@pytest.fixture(params=["pymap", "dovecot"])
def own_server(request: pytest.FixtureRequest) -> Iterator[ImapServer]:
    """A server of each make that the test may stop and start."""
    if request.param == "dovecot":
        require_dovecot()
    with Pymap() if request.param == "pymap" else Dovecot() as server:
        yield server
