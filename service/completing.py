"""What the shell offers for names and ids: read from the database where it runs; nothing is started, nothing is said.

Each function takes what was typed so far and gives at most fifty words that begin so. It gives none where the database
does not run, has not been used, or does not answer within a second.
"""

from contextlib import redirect_stderr, suppress
from io import StringIO

_MOST = 50
_PATIENCE_S = 1
_STATEMENTS = {
    "account": "SELECT name FROM app.account WHERE starts_with(name, %s) ORDER BY name LIMIT %s",
    "session": "SELECT account FROM app.session WHERE starts_with(account, %s) ORDER BY account LIMIT %s",
    "run": "SELECT id FROM app.run WHERE starts_with(id, %s) ORDER BY created_at DESC LIMIT %s",
    "mailbox": "SELECT address FROM app.mailbox WHERE starts_with(address, %s) ORDER BY address LIMIT %s",
    "client": "SELECT name FROM app.client WHERE starts_with(name, %s) ORDER BY name LIMIT %s",
    "schedule": "SELECT name FROM app.schedule WHERE starts_with(name, %s) ORDER BY name LIMIT %s",
    "collection": "SELECT name FROM knowledge.collection WHERE starts_with(name, %s) ORDER BY name LIMIT %s",
    "extraction": "SELECT name FROM app.extraction WHERE starts_with(name, %s) ORDER BY name LIMIT %s",
    "report": "SELECT id::text FROM app.report WHERE starts_with(id::text, %s) ORDER BY created_at DESC LIMIT %s",
    "webhook": "SELECT id FROM app.webhook WHERE starts_with(id, %s) ORDER BY created_at LIMIT %s",
    "question": (
        "SELECT id FROM app.confirmation WHERE starts_with(id, %s) AND decided_at IS NULL AND expires_at > now()"
        " ORDER BY asked_at DESC LIMIT %s"
    ),
}


def accounts(incomplete: str) -> list[str]:
    """Names of accounts."""
    return _found("account", incomplete)


def sessions(incomplete: str) -> list[str]:
    """Accounts with a stored session."""
    return _found("session", incomplete)


def runs(incomplete: str) -> list[str]:
    """Ids of runs, the newest first."""
    return _found("run", incomplete)


def mailboxes(incomplete: str) -> list[str]:
    """Addresses of mailboxes."""
    return _found("mailbox", incomplete)


def clients(incomplete: str) -> list[str]:
    """Names of clients of the HTTP API."""
    return _found("client", incomplete)


def extractions(incomplete: str) -> list[str]:
    """Names of extractions."""
    return _found("extraction", incomplete)


def schedules(incomplete: str) -> list[str]:
    """Names of schedules."""
    return _found("schedule", incomplete)


def collections(incomplete: str) -> list[str]:
    """Names of collections."""
    return _found("collection", incomplete)


def reports(incomplete: str) -> list[str]:
    """Ids of reports, the newest first."""
    return _found("report", incomplete)


def webhooks(incomplete: str) -> list[str]:
    """Ids of webhooks."""
    return _found("webhook", incomplete)


def questions(incomplete: str) -> list[str]:
    """Ids of what waits for a yes or no, the newest first."""
    return _found("question", incomplete)


def scopes(incomplete: str) -> list[str]:
    """Scopes of tokens."""
    from seezar.access.scopes import Scope

    return [str(scope) for scope in Scope if scope.startswith(incomplete)]


def events(incomplete: str) -> list[str]:
    """Events of webhooks."""
    from seezar.webhooks.records import EVENTS

    return [event for event in EVENTS if event.startswith(incomplete)]


def _found(kind: str, incomplete: str) -> list[str]:
    # Whatever is in the way, the shell has nothing to offer, and a person at a prompt is told nothing.
    with suppress(Exception), redirect_stderr(StringIO()):
        return _read(_STATEMENTS[kind], incomplete)
    return []


def _read(statement: str, incomplete: str) -> list[str]:
    import psycopg

    from seezar.database.embedded import EmbeddedServer
    from seezar.settings import get_settings

    settings = get_settings()
    # As `workflows.ground` has it, which takes longer to load than a person at a prompt waits.
    address = settings.database_url or EmbeddedServer(settings.home).url()
    if address is None:
        return []
    with psycopg.connect(address, connect_timeout=_PATIENCE_S, autocommit=True) as connection:
        connection.execute(f"SET statement_timeout = {_PATIENCE_S * 1000}".encode())
        return [row[0] for row in connection.execute(statement.encode(), (incomplete, _MOST))]
