"""What runs in a home, and what it holds: for `status` and for the screen of `up`. Starts nothing."""

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psycopg

from seezar.database.embedded import EmbeddedServer
from seezar.database.urls import without_password
from seezar.errors import SeezarError
from seezar.settings import Settings
from service.notes import ProcessNote, live_notes
from workflows.ground import database_address, worker_ready
from workflows.registry import WorkerNote, live_workers

if TYPE_CHECKING:
    from seezar.accounts import Account, Run, SessionInfo
    from seezar.application import Application

_NAME = "seezar-client-status"
_LAST_RUNS = 5


@dataclass(frozen=True)
class Processes:
    """What runs. `database_up` is whether the database answers; `database` says so in words."""

    database: str
    database_up: bool
    workers: list[WorkerNote]
    foreground: list[ProcessNote]
    worker_elsewhere: bool = False

    @property
    def smtp_port(self) -> int:
        """The port on loopback that mail is received at; 0 when nobody receives."""
        return next((worker.smtp_port for worker in self.workers if worker.smtp_port), 0)


@dataclass(frozen=True)
class Contents:
    """What is stored: the accounts with their sessions, the names of their states, and the newest runs."""

    accounts: "list[tuple[Account, SessionInfo | None]]" = field(default_factory=list)
    runs: "list[Run]" = field(default_factory=list)
    states: dict[str, str] = field(default_factory=dict)


def look(settings: Settings) -> Processes:
    """Look which processes run.

    Raises:
        SettingsInvalid: SEEZAR_DATABASE_URL cannot be used.
    """
    workers, foreground = live_workers(settings), live_notes(settings)
    address = database_address(settings)
    if address is None:
        return Processes("not running (embedded; it is started when it is needed)", False, workers, foreground)
    try:
        ready = worker_ready(address)
    except SeezarError as error:
        return Processes(str(error), False, workers, foreground)
    if settings.database_url is None:
        what = f"running (embedded, process {EmbeddedServer(settings.home).pid()})"
    else:
        what = f"running ({without_password(address)})"
    return Processes(what, True, workers, foreground, worker_elsewhere=ready and not workers)


async def read(application: "Application") -> Contents:
    """Read what is stored.

    Raises:
        DatabaseUnavailable: the database does not answer.
    """
    sessions = {session.account: session for session in await application.sessions.list()}
    accounts = [(account, sessions.get(account.name)) for account in await application.accounts.list()]
    states = {state.account: state.state for state in await application.states.look()}
    return Contents(accounts, await application.runs.list(limit=_LAST_RUNS), states)


def process_lines(settings: Settings, found: Processes) -> list[tuple[str, str]]:
    """`found` as names and values for people."""
    lines = [("home", str(settings.home)), ("database", found.database)]
    for worker in found.workers:
        lines.append((f"worker {worker.slot}", f"running (process {worker.pid})"))
    if found.worker_elsewhere:
        lines.append(("worker", "running on another machine or in another home"))
    elif not found.workers:
        lines.append(("worker", "not running (it is started when it is needed)"))
    domains = ", ".join(settings.mail_domain_list)
    lines.append(("mail", f"127.0.0.1:{found.smtp_port} for {domains}" if found.smtp_port else "not received here now"))
    for process in found.foreground:
        lines.append((process.kind, f"{process.url or 'running'} (process {process.pid})"))
    return lines


def print_status(settings: Settings, *, as_json: bool = False) -> None:
    """Print what runs and what is stored.

    Raises:
        SeezarError: what is stored cannot be read; what runs was printed before.
    """
    from service.terminal import fields, print_json

    found = look(settings)
    if not as_json:
        fields(process_lines(settings, found))
    contents = asyncio.run(_contents(settings)) if found.database_up else None
    if as_json:
        print_json(_as_object(settings, found, contents))
    elif contents is not None:
        _print_contents(contents)
    if not found.database_up and settings.database_url is not None:
        import typer

        raise typer.Exit(1)


def _as_object(settings: Settings, found: Processes, contents: Contents | None) -> dict[str, Any]:
    """`accounts` and `runs` are null where nothing can be read."""
    accounts = runs = None
    if contents is not None:
        accounts = [
            {"name": account.name, "state": contents.states.get(account.name), "session": session is not None}
            for account, session in contents.accounts
        ]
        runs = [{"id": run.id, "kind": run.kind, "account": run.account, "status": run.status} for run in contents.runs]
    return {
        "home": str(settings.home),
        "database": {"up": found.database_up, "message": found.database},
        "workers": [{"slot": worker.slot, "pid": worker.pid} for worker in found.workers],
        "worker_elsewhere": found.worker_elsewhere,
        "smtp_port": found.smtp_port or None,
        "processes": [{"kind": process.kind, "pid": process.pid, "url": process.url} for process in found.foreground],
        "accounts": accounts,
        "runs": runs,
    }


async def _contents(settings: Settings) -> Contents | None:
    from seezar.application import Application

    address = database_address(settings)
    if address is None:
        return None
    try:
        async with await Application.open(settings, address, application_name=_NAME, max_connections=2) as application:
            return await read(application)
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        # A server that seezar has not been used with yet.
        return None


def _print_contents(contents: Contents) -> None:
    from service.commands.runs import duration
    from service.terminal import moment, say, table

    say("")
    if contents.accounts:
        rows = [
            (
                account.name,
                account.start_url,
                contents.states.get(account.name, "-"),
                f"verified {moment(session.verified_at)}" if session else "-",
            )
            for account, session in contents.accounts
        ]
        table(("ACCOUNT", "SITE", "STATE", "SESSION"), rows)
    else:
        say("No accounts yet. Add one: seezar account add NAME --url URL --username USER")
    if contents.runs:
        say("")
        table(
            ("LAST RUNS", "STATUS", "CREATED", "TOOK"),
            [(run.id, run.status, moment(run.created_at), duration(run)) for run in contents.runs],
        )
