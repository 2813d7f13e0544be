"""`seezar session list|check|forget|export`."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service import completing
from service.boundary import guarded

if TYPE_CHECKING:
    from seezar.accounts import SessionInfo, SessionState
    from seezar.application import Application
    from workflows.client import Client

app = typer.Typer(help="Sessions: what signed-in browsers keep.", no_args_is_help=True)

Name = Annotated[
    str,
    typer.Argument(metavar="NAME", help="Name of the account.", show_default=False, autocompletion=completing.sessions),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command("list")
@guarded()
def list_sessions(as_json: AsJson = False) -> None:
    """List the stored sessions: how old they are, and when they expire where the site says so."""
    from service.ground import with_application
    from service.terminal import moment, note, print_json, table

    async def load(application: "Application") -> list["SessionInfo"]:
        return await application.sessions.list()

    sessions = with_application(load)
    if as_json:
        print_json({"sessions": [asdict(session) for session in sessions]})
        return
    if not sessions:
        note("There are no sessions. Get one: seezar sign-in NAME")
        return
    rows = [(s.account, _age(s), moment(s.verified_at), moment(s.expires_at), s.id) for s in sessions]
    table(("ACCOUNT", "AGE", "LAST VERIFIED", "EXPIRES", "SESSION"), rows)


def _age(session: "SessionInfo") -> str:
    seconds = int((datetime.now(UTC) - session.obtained_at).total_seconds())
    days, hours, minutes = seconds // 86_400, seconds // 3600 % 24, seconds // 60 % 60
    return f"{days} d {hours} h" if days else f"{hours} h {minutes} min" if hours else f"{minutes} min"


@app.command()
@guarded()
def check(name: Name, as_json: AsJson = False) -> None:
    """Ask the site whether the stored session still works; one that does not is forgotten. Exit code 0 if it does."""
    result = _run(lambda client: client.check_session(name), f"Asking the site of {name} …")
    _say(result, good="signed_in", as_json=as_json)


@app.command()
@guarded()
def forget(
    name: Name,
    local: Annotated[bool, typer.Option("--local", help="Do not sign out at the site.")] = False,
    as_json: AsJson = False,
) -> None:
    """Sign out at the site, by its own sign-out, and forget the stored session. What the site did is said."""
    result = _run(lambda client: client.sign_out(name, local=local), f"Signing out of {name} …")
    _say(result, good="signed_out", as_json=as_json)


def _run(start: Callable[["Client"], Awaitable[str]], waiting_for: str) -> dict[str, Any]:
    from service.ground import with_client
    from service.timeline import waiting

    async def work(client: "Client") -> dict[str, Any]:
        with waiting(waiting_for):
            # A visit with the browser takes up to a few page loads.
            return await client.result(await start(client), timeout=6 * client.application.settings.page_timeout)

    return with_client(work)


def _say(result: dict[str, Any], *, good: str, as_json: bool) -> None:
    from service.terminal import tell

    fine = result["status"] == good
    text = f"{'✓' if fine else '✗'} {result['account']}: {result['reason']}"
    shown = {name: result[name] for name in ("status", "account", "reason")}
    tell(text, shown, as_json=as_json, style="green" if fine else "red")
    if not fine:
        raise typer.Exit(1)


@app.command()
@guarded()
def export(
    name: Name,
    output: Annotated[Path, typer.Option(metavar="FILE", help="New file, made with mode 0600.", show_default=False)],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write the session as Playwright's storage_state. Whoever has the file is signed in as the account."""
    from service.ask import confirm
    from service.ground import with_application
    from service.new_file import check_new, write_new
    from service.terminal import note, tell

    async def load(application: "Application") -> "SessionState":
        await application.accounts.get(name)
        state = await application.sessions.load(name)
        await application.audit.note("session.export", name, format="storage_state")
        return state

    check_new(output)
    state = with_application(load)
    if not yes:
        confirm(f"Write the session of {name} to {output}? Whoever has that file is signed in as {name}.")
    write_new(output, (json.dumps(state.storage, indent=2) + "\n").encode())
    left_out = any(state.session_storage.values())
    told = {"account": name, "output": str(output), "session_storage_left_out": left_out}
    tell(f"Wrote the session of {name} to {output}.", told, as_json=as_json)
    if left_out:
        note("storage_state has no place for sessionStorage, which this site uses; it may ask to sign in again.")
