"""`seezar account add|list|show|secrets|allow|remove`."""

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service import completing
from service.boundary import guarded
from service.commands.account_secrets import secrets

if TYPE_CHECKING:
    from seezar.accounts import Account, SessionInfo
    from seezar.accounts.states import AccountState
    from seezar.application import Application

app = typer.Typer(help="Accounts: who signs in where.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Name = Annotated[
    str,
    typer.Argument(metavar="NAME", help="Name of the account.", show_default=False, autocompletion=completing.accounts),
]

app.command()(secrets)

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class LoginCode(StrEnum):
    """The second factor of a site."""

    email = "email"
    link = "link"
    totp = "totp"
    none = "none"


@app.command()
@guarded()
def add(
    name: Name,
    url: Annotated[str, typer.Option(help="Page of the site where one signs in.", show_default=False)],
    username: Annotated[str, typer.Option(help="What is typed as user name.", show_default=False)],
    password_env: Annotated[
        str | None,
        typer.Option(metavar="VAR", help="Environment variable that holds the password; else it is asked for."),
    ] = None,
    totp_env: Annotated[
        str | None,
        typer.Option(metavar="VAR", help="Environment variable that holds the TOTP key (base32 or otpauth://)."),
    ] = None,
    password_ref: Annotated[
        str | None,
        typer.Option(
            metavar="REF", help="Where the password is kept: vault:MOUNT/data/PATH#FIELD, file:/PATH, env:VAR."
        ),
    ] = None,
    totp_ref: Annotated[str | None, typer.Option(metavar="REF", help="Where the TOTP key is kept.")] = None,
    mailbox: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Where the site mails codes; made if it is on our domains.")
    ] = None,
    verify_url: Annotated[
        str | None, typer.Option(metavar="URL", help="A page that only a signed-in visitor sees. [default: the URL]")
    ] = None,
    origin: Annotated[
        list[str] | None, typer.Option(metavar="ORIGIN", help="A further origin of the site; may be given repeatedly.")
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            metavar="HOST",
            help="A host of others that the pages need (cdn.example.net, *.example.net); may be given repeatedly.",
        ),
    ] = None,
    login_code: Annotated[
        LoginCode | None,
        typer.Option(help="Second factor. [default: totp with a key, email with a mailbox, else none]"),
    ] = None,
    keep_alive: Annotated[
        str | None,
        typer.Option(
            metavar="INTERVAL", help="How often a running worker renews the session by a visit (30m, 12h, 1d)."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Add an account. Secrets come from environment variables or a hidden prompt, never from arguments."""
    from seezar.accounts import NewAccount
    from service.ground import with_application
    from service.terminal import print_json, say

    seconds = _seconds(keep_alive) if keep_alive else None
    new = NewAccount(
        name=name,
        url=url,
        username=username,
        password=None if password_ref and not password_env else _password(password_env, login_code),
        totp=None if totp_ref and not totp_env else _totp(totp_env, login_code),
        mailbox=mailbox,
        verify_url=verify_url,
        origins=tuple(origin or ()),
        second_factor=login_code.value if login_code else None,
        keep_alive_s=seconds,
        hosts=tuple(allow_host or ()),
        password_source=password_ref,
        totp_source=totp_ref,
    )

    async def store(application: "Application") -> "Account":
        return await application.add_account(new)

    account = with_application(store)
    if as_json:
        print_json(_as_object(account, session=False, state=None))
        return
    say(f"Added {account.name}: {account.username} at {account.start_url}.", style="green")
    say(f"Its secrets go to {', '.join(account.origins)} only. Next: seezar sign-in {account.name}")


def _password(variable: str | None, login_code: LoginCode | None) -> str | None:
    from seezar.errors import InvalidInput
    from service.secret_input import from_environment, from_prompt
    from service.terminal import interactive

    if variable:
        return from_environment("password", variable)
    if interactive():
        return from_prompt("Password (empty for none)") or None
    if login_code in (LoginCode.email, LoginCode.link):
        return None
    raise InvalidInput(
        "There is no password, and nobody to ask for it.",
        kept="Nothing was stored.",
        next_step="Give it with --password-env VAR. A site without passwords needs --login-code email or link.",
    )


def _totp(variable: str | None, login_code: LoginCode | None) -> str | None:
    from service.secret_input import from_environment, from_prompt
    from service.terminal import interactive

    if variable:
        return from_environment("TOTP key", variable)
    if login_code is LoginCode.totp and interactive():
        return from_prompt("TOTP key") or None
    return None


def _seconds(interval: str) -> int:
    from seezar.errors import InvalidInput

    match = re.fullmatch(r"([1-9]\d{0,8})([smhd]?)", interval.strip().lower())
    if match is None:
        raise InvalidInput(f"{interval!r} is not an interval.", next_step="Give it as 90s, 30m, 12h or 1d.")
    return int(match[1]) * _UNITS[match[2] or "s"]


@app.command("list")
@guarded()
def list_accounts(as_json: AsJson = False) -> None:
    """List the accounts with their states."""
    from service.ground import with_application
    from service.terminal import moment, note, print_json, table

    async def load(application: "Application") -> tuple[list["Account"], set[str], dict[str, "AccountState"]]:
        stored = {session.account for session in await application.sessions.list()}
        states = {state.account: state for state in await application.states.look()}
        return await application.accounts.list(), stored, states

    accounts, stored, states = with_application(load)
    if as_json:
        objects = [
            _as_object(account, session=account.name in stored, state=states.get(account.name)) for account in accounts
        ]
        print_json({"accounts": objects})
        return
    if not accounts:
        note("There are no accounts. Add one: seezar account add NAME --url URL --username USER")
        return
    rows: list[tuple[str, ...]] = []
    for account in accounts:
        state = states.get(account.name)
        told = (state.state, moment(state.since), state.reason) if state else ("-", "-", "")
        rows.append((account.name, account.start_url, account.username, account.second_factor, *told))
    table(("NAME", "SITE", "USER", "SECOND FACTOR", "STATE", "SINCE", "WHY"), rows)


def _as_object(account: "Account", *, session: bool, state: "AccountState | None") -> dict[str, Any]:
    return {
        "name": account.name,
        "url": account.start_url,
        "verify_url": account.verify_url,
        "origins": list(account.origins),
        "hosts": list(account.hosts),
        "username": account.username,
        "second_factor": account.second_factor,
        "mailbox": account.mailbox,
        "keep_alive_s": account.keep_alive_s,
        "session": session,
        "created_at": account.created_at,
        **_state_object(state),
    }


def _state_object(state: "AccountState | None") -> dict[str, Any]:
    return {
        "state": state.state if state else None,
        "since": state.since if state else None,
        "reason": state.reason if state else None,
        "next_check_at": state.next_at if state else None,
    }


@app.command()
@guarded()
def show(
    name: Name,
    as_json: AsJson = False,
    history: Annotated[int, typer.Option(min=0, metavar="N", help="Show the last N states.")] = 10,
) -> None:
    """Show an account with its state and what it was before; of its secrets only whether they are stored."""
    from service.ground import with_application
    from service.terminal import fields, moment, print_json, say, table

    async def load(
        application: "Application",
    ) -> tuple["Account", dict[str, str], "SessionInfo | None", "AccountState | None", list["AccountState"]]:
        account = await application.accounts.get(name)
        kept = await _kept(application, account)
        state = next(iter(await application.states.look(name)), None)
        past = await application.states.history(name, limit=history)
        return account, kept, await application.sessions.info(name), state, past

    account, kept, session, state, past = with_application(load)
    if as_json:
        entries = [{"state": entry.state, "since": entry.since, "reason": entry.reason} for entry in past]
        print_json({**_as_object(account, session=session is not None, state=state), "history": entries})
        return
    lines = [
        ("name", account.name),
        ("site", account.start_url),
        ("verify URL", account.verify_url),
        ("origins", ", ".join(account.origins)),
        ("allowed hosts", ", ".join(account.hosts) or "none besides the site"),
        ("user name", account.username),
        ("password", kept["password"]),
        ("TOTP key", kept["totp"]),
        ("second factor", account.second_factor),
        ("mailbox", account.mailbox or "none"),
        ("keep alive", f"every {account.keep_alive_s} s" if account.keep_alive_s else "no"),
        ("session", f"obtained {moment(session.obtained_at)}" if session else "none"),
        ("verified", moment(session.verified_at) if session else "-"),
        ("added", moment(account.created_at)),
    ]
    if state is not None:
        lines += [
            ("state", f"{state.state} since {moment(state.since)}"),
            ("why", state.reason),
            ("next check", moment(state.next_at)),
        ]
    fields(lines)
    if past:
        say("")
        table(("SINCE", "STATE", "WHY"), [(moment(entry.since), entry.state, entry.reason) for entry in past])


@app.command()
@guarded()
def allow(
    name: Name,
    hosts: Annotated[
        list[str], typer.Argument(metavar="HOST...", help="cdn.example.net or *.example.net.", show_default=False)
    ],
    remove_hosts: Annotated[bool, typer.Option("--remove", help="Allow them no longer.")] = False,
    as_json: AsJson = False,
) -> None:
    """Let the pages of an account reach hosts besides its own site."""
    from service.ground import with_application
    from service.terminal import tell

    async def change(application: "Application") -> "Account":
        if remove_hosts:
            return await application.accounts.disallow(name, hosts)
        return await application.accounts.allow(name, hosts)

    account = with_application(change)
    text = f"Pages of {name} reach its site and: {', '.join(account.hosts) or 'nothing else'}."
    tell(text, {"account": name, "hosts": list(account.hosts)}, as_json=as_json)


async def _kept(application: "Application", account: "Account") -> dict[str, str]:
    """Where each secret is, never what it is."""
    said: dict[str, str] = {}
    for what, reference in (("password", account.password_ref), ("totp", account.totp_ref)):
        stored = await application.vault.stored(reference) if reference else None
        said[what] = "none" if stored is None else "stored" if stored.source is None else f"kept at {stored.source}"
    return said


@app.command()
@guarded()
def remove(
    name: Name, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False, as_json: AsJson = False
) -> None:
    """Forget an account with its secrets and its session. Its runs and its mailbox stay."""
    from service.ask import confirm
    from service.ground import with_application
    from service.terminal import tell

    async def check(application: "Application") -> None:
        await application.accounts.get(name)

    async def forget(application: "Application") -> None:
        await application.accounts.remove(name)

    if not yes:
        with_application(check)
        confirm(f"Forget the account {name} with its secrets and its session?")
    with_application(forget)
    text = f"Removed {name} with its secrets and its session."
    tell(text, {"account": name, "removed": True}, as_json=as_json)
