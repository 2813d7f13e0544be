"""`seezar mail send-test`: proves that mail to a mailbox arrives, and is read right."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from service import completing
from service.boundary import guarded

if TYPE_CHECKING:
    from pydantic import SecretStr

    from seezar.application import Application
    from seezar.mail.sending import Kind, MailServer, Proof
    from workflows.client import Client


@guarded()
def send_test(
    address: Annotated[
        str,
        typer.Argument(metavar="ADDRESS", help="The mailbox.", show_default=False, autocompletion=completing.mailboxes),
    ],
    smtp: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Server to send by. [default: our own, in the worker]")
    ] = None,
    user: Annotated[str | None, typer.Option(metavar="U", help="User name at that server.")] = None,
    password_env: Annotated[
        str | None, typer.Option(metavar="VAR", help="Environment variable that holds the password for --user.")
    ] = None,
    sender: Annotated[
        str | None, typer.Option("--from", metavar="ADDRESS", help="Sender. [default: the user, or one at our domain]")
    ] = None,
    link: Annotated[bool, typer.Option("--link/--code", help="What the mail carries.")] = False,
    timeout: Annotated[float | None, typer.Option(metavar="SECONDS", min=0, help="[default: the setting, 90]")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Send a sign-in mail to a mailbox, wait until it is there, read it, and tell how long each part took."""
    from seezar.mail.sending import send_test as prove
    from service.ground import with_client
    from service.terminal import print_json, say, working

    password = _server_password(user, password_env)
    kind: Kind = "link" if link else "code"

    async def work(client: "Client") -> "tuple[Proof, str]":
        application = client.application
        server = await _server(application, smtp, user, password, sender)
        patience = timeout if timeout is not None else application.settings.mail_timeout
        with working(f"Sending a mail by {server} and waiting up to {patience:.0f} s for it at {address}"):
            return await prove(application.mail, address, server, kind=kind, patience=patience), str(server)

    proof, server = with_client(work)
    total = proof.sent_s + proof.arrived_s + proof.read_s
    if as_json:
        print_json({"status": "ok", **asdict(proof), "server": server, "total_s": total})
        return
    say(f"sent      {proof.sent_s * 1000:8.1f} ms   taken by {server}")
    say(f"arrived   {proof.arrived_s * 1000:8.1f} ms   in {proof.address}, from {proof.sender}")
    say(f"read      {proof.read_s * 1000:8.1f} ms   the {proof.kind} is the one that was sent")


def _server_password(user: str | None, variable: str | None) -> "SecretStr | None":
    from pydantic import SecretStr

    from seezar.errors import InvalidInput
    from service.secret_input import from_environment, from_prompt
    from service.terminal import interactive

    if variable:
        if user is None:
            raise InvalidInput("A password needs its user.", next_step="Name it with --user.")
        return SecretStr(from_environment("password of the mail server", variable))
    if user is None:
        return None
    typed = from_prompt(f"Password of {user}") if interactive() else ""
    if not typed:
        raise InvalidInput(
            f"The password of {user} is not given.", kept="No mail was sent.", next_step="Name it with --password-env."
        )
    return SecretStr(typed)


async def _server(
    application: "Application", smtp: str | None, user: str | None, password: "SecretStr | None", sender: str | None
) -> "MailServer":
    from seezar.mail.errors import MailServerUnreachable
    from seezar.mail.sending import MailServer, parse_server
    from service.overview import look

    if smtp is not None:
        host, port = parse_server(smtp)
    else:
        host, port = "127.0.0.1", look(application.settings).smtp_port
        if not port:
            raise MailServerUnreachable("local", "no worker of this home receives mail now")
    return MailServer(host, port, user, password, sender or "")
