"""`seezar mail …`: mailboxes at any provider, their messages, and what is in one."""

import sys
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service import completing
from service.boundary import guarded
from service.commands.send_test import send_test

if TYPE_CHECKING:
    from pydantic import SecretStr

    from seezar.application import Application
    from seezar.mail.extraction import Extraction
    from seezar.mail.provider import Address
    from workflows.client import Client

app = typer.Typer(help="Mailboxes, and what is in a mail.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Mailbox = Annotated[
    str, typer.Argument(metavar="ADDRESS", help="The mailbox.", show_default=False, autocompletion=completing.mailboxes)
]
Provider = Annotated[
    str | None,
    typer.Option(metavar="P", help="One of seezar mail providers. [default: the one that serves the domain]"),
]

_MOST = 50


@app.command()
@guarded()
def new(
    provider: Annotated[
        str | None, typer.Option(metavar="P", help="One of seezar mail providers. [default: our own server, local]")
    ] = None,
    local: Annotated[str | None, typer.Option(metavar="NAME", help="The part before the @. [default: random]")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a mailbox at a provider; its address is random unless a name is given."""
    from service.ground import with_application
    from service.terminal import print_json, say, working

    async def make(application: "Application") -> "Address":
        return await application.mail.create(local, provider=provider)

    with working(f"Making a mailbox at {provider or 'local'}"):
        address = with_application(make)
    if as_json:
        print_json({"address": address.address, "provider": address.provider})
    else:
        say(address.address)


@app.command()
@guarded()
def add(
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="A mailbox that exists.", show_default=False)],
    provider: Provider = None,
    password_env: Annotated[
        str | None, typer.Option(metavar="VAR", help="Environment variable that holds its password or app password.")
    ] = None,
    xoauth2_env: Annotated[
        str | None, typer.Option(metavar="VAR", help="Environment variable that holds an OAuth 2 access token.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Let seezar read a mailbox that exists elsewhere. Adding it again replaces its password.

    The password is asked for, hidden, when no variable is named. It is tried before it is stored; mail that is in the
    box already is left there.
    """
    from service.ground import with_application
    from service.terminal import print_json, say, working

    password = _credential(address, password_env, xoauth2_env)

    async def attach(application: "Application") -> "Address":
        if xoauth2_env:
            await _check_takes_tokens(application, address, provider)
        return await application.mail.add(address, provider=provider, password=password)

    with working(f"Opening {address}"):
        added = with_application(attach)
    if as_json:
        print_json({"address": added.address, "provider": added.provider})
    else:
        say(f"{added.address} is read at {added.provider}.")


def _credential(address: str, password_env: str | None, xoauth2_env: str | None) -> "SecretStr | None":
    """What opens the mailbox; None at a pipe without a variable, where the provider's key or nothing opens it."""
    from pydantic import SecretStr

    from seezar.errors import InvalidInput
    from service.secret_input import from_environment, from_prompt
    from service.terminal import interactive

    if password_env and xoauth2_env:
        raise InvalidInput("A mailbox opens with a password or a token, not both.", next_step="Name one variable.")
    if password_env:
        return SecretStr(from_environment("mailbox password", password_env))
    if xoauth2_env:
        return SecretStr(from_environment("access token", xoauth2_env))
    if not interactive():
        return None
    typed = from_prompt(f"Password of {address} (Enter for none)")
    return SecretStr(typed) if typed else None


async def _check_takes_tokens(application: "Application", address: str, provider: str | None) -> None:
    """Make sure that a token is not sent where a password is asked for."""
    from seezar.errors import InvalidInput
    from seezar.mail.addresses import normal_address
    from seezar.mail.table import LOCAL

    mail = application.mail
    name = provider or await mail.providers.serving(normal_address(address).rpartition("@")[2])
    if name == LOCAL or mail.providers.entry(name).options.get("auth") != "xoauth2":
        raise InvalidInput(
            f"The provider {name} does not log in with tokens.",
            kept="Nothing was stored, and nothing was sent.",
            next_step='Write auth = "xoauth2" under [provider.options] of its entry in mail.toml.',
        )


@app.command("list")
@guarded()
def list_mailboxes(
    messages: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="The messages of this mailbox instead, newest first.",
            autocompletion=completing.mailboxes,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the mailboxes, or with --messages who wrote to one and what about; codes are masked."""
    if messages is not None:
        _list_messages(messages, as_json=as_json)
        return
    from service.ground import with_application
    from service.terminal import moment, note, print_json, table

    async def load(application: "Application") -> list[dict[str, Any]]:
        users = {account.mailbox: account.name for account in await application.accounts.list()}
        return [
            {"address": a.address, "provider": a.provider, "account": users.get(a.address), "created_at": a.created_at}
            for a in await application.mail.addresses()
        ]

    rows = with_application(load)
    if as_json:
        print_json({"mailboxes": rows})
    elif rows:
        shown = [(r["address"], r["provider"], r["account"] or "-", moment(r["created_at"])) for r in rows]
        table(("ADDRESS", "PROVIDER", "ACCOUNT", "MADE"), shown)
    else:
        note("There are no mailboxes. Make one: seezar mail new")


def _list_messages(address: str, *, as_json: bool) -> None:
    from seezar.mail.envelopes import Envelope, envelopes
    from service.ground import with_application
    from service.terminal import moment, note, print_json, table

    async def load(application: "Application") -> list[Envelope]:
        return await envelopes(application.mail, await application.mail.address(address), limit=_MOST)

    found = with_application(load)
    if as_json:
        print_json({"address": address, "messages": [asdict(message) for message in found]})
    elif found:
        table(
            ("RECEIVED", "FROM", "SUBJECT", "HOLDS"),
            [(moment(m.received_at), m.sender, m.subject, m.holds) for m in found],
        )
    else:
        note(f"Nothing has arrived at {address}.")


@app.command()
@guarded()
def delete(
    address: Mailbox,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    here_only: Annotated[bool, typer.Option("--here-only", help="Forget it here; the provider keeps it.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete a mailbox with its messages and its password, at its provider too. A person's own box stays there."""
    from seezar.errors import InvalidInput
    from service.ground import with_application
    from service.terminal import interactive, print_json, say

    if not yes:
        if not interactive():
            raise InvalidInput(
                f"Deleting {address} needs a yes.", kept="Nothing was deleted.", next_step="Repeat it with --yes."
            )
        typer.confirm(f"Delete {address} and all its messages?", abort=True, err=True)

    async def work(application: "Application") -> None:
        await application.mail.delete(address, at_provider=not here_only)

    with_application(work)
    if as_json:
        print_json({"status": "deleted", "address": address})
    else:
        say(f"{address} is deleted.")


@app.command()
@guarded()
def providers(
    check: Annotated[bool, typer.Option("--check", help="Ask each whether it answers.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the mail providers: our own server, and those of mail.toml. With --check exit code 1 if one fails."""
    from seezar.mail.overview import ProviderRow, provider_rows
    from seezar.mail.table import LOCAL
    from seezar.settings import get_settings
    from service.ground import with_application
    from service.overview import look
    from service.terminal import print_json, table, working

    async def load(application: "Application") -> list[ProviderRow]:
        return await provider_rows(application.mail, ask=check)

    if check:
        with working("Asking the providers"):
            rows = with_application(load)
    else:
        rows = with_application(load)
    port = look(get_settings()).smtp_port
    here = f"smtp://127.0.0.1:{port}" if port else "not received here now"
    shown = [asdict(row) | {"where": here if row.name == LOCAL else row.where} for row in rows]
    if as_json:
        print_json({"providers": shown})
    else:
        cells = [
            (
                row["name"],
                row["kind"],
                row["where"] or "-",
                ", ".join(row["domains"]) or "-",
                *([_answer(row)] if check else []),
            )
            for row in shown
        ]
        table(("NAME", "KIND", "WHERE", "DOMAINS", *(["ANSWERS"] if check else [])), cells)
    if any(row["answers"] is False for row in shown):
        raise typer.Exit(1)


def _answer(row: dict[str, Any]) -> str:
    return f"yes, {row['took_s'] * 1000:.0f} ms" if row["answers"] else f"no: {row['trouble']}"


@app.command()
@guarded()
def wait(
    address: Mailbox,
    timeout: Annotated[float | None, typer.Option(metavar="SECONDS", min=0, help="[default: the setting, 90]")] = None,
    since: Annotated[
        float, typer.Option(metavar="SECONDS", min=0, help="A mail that came up to so long ago counts too.")
    ] = 60.0,
    site: Annotated[
        str | None, typer.Option(metavar="HOST", help="The site that the mail is from; links must fit it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Wait for a mail, and print its sender, its subject, and the code or link in it."""
    from service.ground import with_client
    from service.terminal import fields, moment, print_json, working

    async def work(client: "Client") -> dict[str, Any]:
        patience = timeout if timeout is not None else client.application.settings.mail_timeout
        with working(f"Waiting up to {patience:.0f} s for mail to {address}"):
            return await _next_mail(client.application, address, patience=patience, since=since, site=site)

    mail = with_client(work)
    if as_json:
        print_json(mail)
        return
    fields(
        [
            ("from", mail["sender"]),
            ("subject", mail["subject"]),
            ("received", moment(mail["received_at"])),
            ("code", mail["code"] or "none"),
            ("link", mail["link"] or "none"),
        ]
    )


async def _next_mail(
    application: "Application", address: str, *, patience: float, since: float, site: str | None
) -> dict[str, Any]:
    from seezar.mail.extraction import extract
    from seezar.mail.provider import MailFilter

    # The deadline counts from here, however long it takes to reach the provider.
    now = datetime.now(UTC)
    mailbox = await application.mail.address(address)
    ref = await application.mail.wait(
        mailbox,
        since="0",
        match=MailFilter(not_before=now - timedelta(seconds=since)),
        deadline=now + timedelta(seconds=patience),
    )
    reading = extract(await application.mail.source(ref), site=site)
    envelope = {"sender": ref.sender, "subject": ref.subject, "received_at": ref.received_at}
    return {"address": mailbox.address, **envelope, **_shown(reading)}


@app.command()
@guarded()
def extract(
    file: Annotated[Path, typer.Argument(metavar="FILE.eml", help="A raw mail; - reads stdin.", show_default=False)],
    site: Annotated[
        str | None, typer.Option(metavar="HOST", help="The site that the mail is from; links must fit it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Read the one-time code or the sign-in link out of a mail. Needs no database."""
    from seezar.mail.extraction import extract as read_mail
    from service.terminal import fields, print_json

    found = _shown(read_mail(_read(file), site=site))
    if as_json:
        print_json(found)
        return
    fields(
        [
            ("code", found["code"] or "none"),
            ("link", found["link"] or "none"),
            ("confidence", f"{found['confidence']:.2f}"),
            ("reason", found["reason"]),
        ]
    )


def _shown(reading: "Extraction") -> dict[str, Any]:
    values = asdict(reading)
    return {key: values[key] for key in ("code", "link", "confidence", "reason")}


def _read(file: Path) -> bytes:
    from seezar.errors import InvalidInput
    from seezar.mail.mime import MAX_RAW

    try:
        if str(file) == "-":
            return sys.stdin.buffer.read(MAX_RAW)
        with file.open("rb") as opened:
            return opened.read(MAX_RAW)
    except OSError as error:
        raise InvalidInput(
            f"{file} cannot be read: {error.strerror}.", next_step="Give a file that holds one raw mail."
        ) from error


app.command("send-test")(send_test)
