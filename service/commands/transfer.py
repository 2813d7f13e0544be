"""`seezar vault export|import`: accounts as a file, encrypted with a passphrase."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service import completing
from service.boundary import guarded

if TYPE_CHECKING:
    from seezar.accounts.transfer import Bundle, Imported, Transfer
    from seezar.application import Application

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
PassphraseEnv = Annotated[
    str | None,
    typer.Option(metavar="VAR", help="Environment variable that holds the passphrase; else it is asked for."),
]

# Thousands of accounts with their sessions are less.
_LARGEST = 256 * 1024 * 1024


@guarded()
def export_accounts(
    output: Annotated[Path, typer.Option(metavar="FILE", help="New file, made with mode 0600.", show_default=False)],
    account: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="Only this account; may be given repeatedly.", autocompletion=completing.accounts
        ),
    ] = None,
    sessions: Annotated[bool, typer.Option("--sessions", help="The stored sessions too.")] = False,
    passphrase_env: PassphraseEnv = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write accounts with their secrets into a file that a passphrase encrypts (age). Whoever has both has them all."""
    from seezar.accounts.transfer import check_passphrase, seal
    from service.ask import confirm
    from service.ground import with_application
    from service.new_file import check_new, write_new
    from service.terminal import print_json, say, working

    check_new(output)
    passphrase = _passphrase(passphrase_env, twice=True)
    check_passphrase(passphrase)
    if not yes:
        confirm(f"Write the secrets of {', '.join(account or []) or 'all accounts'} to {output}?")

    async def work(application: "Application") -> "Bundle":
        return await _transfer(application).collect(account or (), sessions=sessions)

    bundle = with_application(work)
    with working("Encrypting"):
        content = seal(bundle, passphrase)
    write_new(output, content)
    names = [written.name for written in bundle.accounts]
    if as_json:
        print_json({"status": "ok", "file": str(output), "accounts": names, "sessions": sorted(bundle.sessions)})
    else:
        say(f"Wrote {len(names)} accounts and {len(bundle.sessions)} sessions to {output}.", style="green")


@guarded()
def import_accounts(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What seezar vault export wrote.")],
    replace: Annotated[bool, typer.Option("--replace", help="Replace accounts whose name is taken.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    passphrase_env: PassphraseEnv = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Bring in the accounts of a file, all or none. Those whose name is taken are left, unless --replace is given."""
    from seezar.accounts.transfer import unseal
    from service.ask import confirm
    from service.ground import with_application
    from service.terminal import print_json, say, working

    content = _read(file)
    passphrase = _passphrase(passphrase_env, twice=False)
    with working("Decrypting"):
        bundle = unseal(content, passphrase)
    if not (yes or dry_run):
        replacing = ", replacing those that have the same names" if replace else ""
        confirm(f"Bring in {len(bundle.accounts)} accounts of {bundle.taken_at:%Y-%m-%d %H:%M} UTC{replacing}?")

    async def work(application: "Application") -> "Imported":
        return await _transfer(application).bring_in(bundle, replace=replace, dry_run=dry_run)

    done = with_application(work)
    if as_json:
        print_json({"status": "ok", "dry_run": dry_run, **asdict(done)})
        return
    would = "Would have " if dry_run else ""
    for verb, names in (("added", done.added), ("replaced", done.replaced), ("left", done.left)):
        if names:
            said = f"{would}{verb} {', '.join(names)}."
            say(said[0].upper() + said[1:], style="" if verb == "left" else "green")
    if done.sessions:
        say(f"With the sessions of {', '.join(done.sessions)}.")


def _transfer(application: "Application") -> "Transfer":
    from seezar.accounts.transfer import Transfer

    app = application
    return Transfer(app.database, app.vault, app.accounts, app.sessions, app.audit)


def _passphrase(variable: str | None, *, twice: bool) -> str:
    from seezar.errors import InvalidInput
    from service.secret_input import from_environment, from_prompt
    from service.terminal import interactive

    if variable:
        return from_environment("passphrase", variable)
    if not interactive():
        raise InvalidInput(
            "There is no passphrase, and nobody to ask for it.",
            kept="Nothing was written.",
            next_step="Give it with --passphrase-env VAR.",
        )
    typed = from_prompt("Passphrase")
    if twice and from_prompt("Once more") != typed:
        raise InvalidInput("The two are not the same.", kept="Nothing was written.", next_step="Try again.")
    return typed


def _read(file: Path) -> bytes:
    from seezar.errors import InvalidInput

    try:
        with file.open("rb") as opened:
            content = opened.read(_LARGEST + 1)
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}.", kept="Nothing was changed.") from error
    if len(content) > _LARGEST:
        raise InvalidInput(f"{file} is too large to be what was exported.", kept="Nothing was changed.")
    return content
