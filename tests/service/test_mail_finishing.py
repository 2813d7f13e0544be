"""A mailbox whose maker was killed: the next worker makes it to its end."""

import psycopg
import pytest

from seezar.settings import Settings
from tests.service.conftest import Home, until
from workflows.ground import database_address


def listed(home: Home) -> set[str]:
    return {row["address"] for row in home.seezar("mail", "list", "--json").json["mailboxes"]}


@pytest.mark.slow
def test_the_next_worker_makes_what_was_begun(home: Home) -> None:
    made = home.seezar("mail", "new").out.strip()
    address = database_address(Settings(home=home.path, _env_file=None))  # pyright: ignore[reportCallIssue]
    assert address is not None
    # As a kill between the two steps of `mail new` leaves it.
    with psycopg.connect(address) as connection:
        connection.execute(
            "INSERT INTO app.mailbox (address, provider, idempotency_key, created_at)"
            " VALUES ('left@mail.seezar.test', 'local', 'a key', now() - interval '10 minutes')"
        )
    assert listed(home) == {made}
    assert home.seezar("down").code == 0
    until(lambda: listed(home) == {made, "left@mail.seezar.test"})
