"""`seezar mail new|list|wait|extract`."""

import sys
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.boundary import guarded

if TYPE_CHECKING:
    from seezar.application import Application
    from seezar.mail.extraction import Extraction
    from seezar.mail.provider import Address
    from workflows.client import Client

app = typer.Typer(help="Mailboxes, and what is in a mail.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]

_LOCAL = "local"


@app.command()
@guarded()
def new(
    provider: Annotated[str, typer.Option(metavar="P", help="Where; only our own server, `local`, for now.")] = _LOCAL,
    as_json: AsJson = False,
) -> None:
    """Make a mailbox with a random address."""
    from seezar.errors import InvalidInput
    from service.ground import with_application
    from service.terminal import print_json, say

    if provider != _LOCAL:
        raise InvalidInput(
            f"There is no mail provider {provider!r}.", kept="Nothing was made.", next_step=f"Known: {_LOCAL}."
        )

    async def make(application: "Application") -> "Address":
        return await application.mailboxes.create()

    address = with_application(make)
    if as_json:
        print_json({"address": address.address, "provider": address.provider})
    else:
        say(address.address)


@app.command("list")
@guarded()
def list_mailboxes(as_json: AsJson = False) -> None:
    """List the mailboxes."""
    from service.ground import with_application
    from service.terminal import moment, note, print_json, table

    async def load(application: "Application") -> list[dict[str, Any]]:
        users = {account.mailbox: account.name for account in await application.accounts.list()}
        return [
            {"address": a.address, "provider": a.provider, "account": users.get(a.address), "created_at": a.created_at}
            for a in await application.mailboxes.list()
        ]

    rows = with_application(load)
    if as_json:
        print_json({"mailboxes": rows})
    elif rows:
        shown = [(r["address"], r["provider"], r["account"] or "-", moment(r["created_at"])) for r in rows]
        table(("ADDRESS", "PROVIDER", "ACCOUNT", "MADE"), shown)
    else:
        note("There are no mailboxes. Make one: seezar mail new")


@app.command()
@guarded()
def wait(
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="The mailbox.", show_default=False)],
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
    from service.terminal import fields, moment, print_json
    from service.timeline import waiting

    async def work(client: "Client") -> dict[str, Any]:
        patience = timeout if timeout is not None else client.application.settings.mail_timeout
        with waiting(f"Waiting for mail to {address} …"):
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
    from seezar.mail.provider import MailFilter, wait_for_message

    mailbox = await application.mail.address(address)
    now = datetime.now(UTC)
    ref = await wait_for_message(
        application.mail,
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

    try:
        return sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise InvalidInput(
            f"{file} cannot be read: {error.strerror}.", next_step="Give a file that holds one raw mail."
        ) from error
