"""`seezar account secrets`: giving an account its password and TOTP key, past every model."""

from typing import TYPE_CHECKING, Annotated

import typer

from service import completing
from service.boundary import guarded

if TYPE_CHECKING:
    from seezar.accounts import Account
    from seezar.application import Application


@guarded()
def secrets(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="Name of the account.", show_default=False, autocompletion=completing.accounts
        ),
    ],
    password_env: Annotated[
        str | None, typer.Option(metavar="VAR", help="Environment variable that holds the password.")
    ] = None,
    totp_env: Annotated[
        str | None, typer.Option(metavar="VAR", help="Environment variable that holds the TOTP key.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Give an account a new password or TOTP key: from environment variables, else from hidden prompts."""
    from seezar.accounts.records import AccountChange
    from seezar.errors import InvalidInput
    from service.ground import with_application
    from service.secret_input import from_environment, from_prompt
    from service.terminal import interactive, tell

    asks = interactive() and not password_env and not totp_env
    if asks:
        password = from_prompt("Password (empty to leave it)") or None
        totp = from_prompt("TOTP key (empty to leave it)") or None
    else:
        password = from_environment("password", password_env) if password_env else None
        totp = from_environment("TOTP key", totp_env) if totp_env else None
    if not password and not totp:
        raise InvalidInput(
            "There is no secret to store.",
            kept="The account is unchanged.",
            next_step="Give one with --password-env VAR or --totp-env VAR, or at a terminal.",
        )

    async def change(application: "Application") -> "Account":
        # An account with a key signs in with it.
        factor = "totp" if totp else None
        return await application.accounts.change(
            name, AccountChange(password=password, totp=totp, second_factor=factor)
        )

    account = with_application(change)
    text = f"Stored. It goes to {', '.join(account.origins)} only. Next: seezar sign-in {account.name}"
    stored = [what for what, value in (("password", password), ("totp", totp)) if value]
    tell(text, {"account": account.name, "stored": stored}, as_json=as_json)
