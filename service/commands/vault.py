"""`seezar vault rotate|status|drop-key|export|import`."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from service.boundary import guarded
from service.commands.transfer import export_accounts, import_accounts

if TYPE_CHECKING:
    from seezar.application import Application
    from seezar.vault.rewrapping import KeyUse
    from seezar.vault.rotation import Rotated

app = typer.Typer(help="The vault: its master keys, and accounts as an encrypted file.", no_args_is_help=True)
app.command("export")(export_accounts)
app.command("import")(import_accounts)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command()
@guarded()
def status(as_json: AsJson = False) -> None:
    """Show the master keys, and how much is encrypted under each."""
    from service.ground import with_application
    from service.terminal import print_json, table

    async def load(application: "Application") -> list["KeyUse"]:
        from seezar.vault.rewrapping import key_uses

        return await key_uses(application.database, application.cipher)

    uses = with_application(load)
    if as_json:
        print_json({"keys": [{**asdict(use), "state": _state(use)} for use in uses]})
        return
    rows = [(use.key_id or "(not named)", _state(use), str(sum(use.values.values()))) for use in uses]
    table(("KEY", "STATE", "VALUES"), rows)


def _state(use: "KeyUse") -> str:
    if not use.key_id:
        return "of an older version"
    if not use.known:
        return "retired, not here" if use.retired else "MISSING" if use.values else "not here"
    return "current" if use.current else "retired" if use.retired else "other"


@app.command()
@guarded()
def rotate(
    key_env: Annotated[
        str | None,
        typer.Option(metavar="VAR", help="Environment variable that holds the new key; else a random one is made."),
    ] = None,
    prepare: Annotated[
        bool, typer.Option("--prepare", help="Only put the new key into the key file, to be copied to other machines.")
    ] = False,
    keep_old: Annotated[
        bool, typer.Option("--keep-old", help="Do not retire the old key yet; the next call carries on.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Exchange the master key, while everything runs. What was cut off is carried on by calling it again."""
    from seezar.vault.keys import decode_key
    from service.ground import with_application
    from service.secret_input import from_environment
    from service.terminal import counting, note, print_json, say

    key = decode_key(from_environment("master key", key_env), source=key_env) if key_env else None

    async def work(application: "Application") -> "Rotated":
        from seezar.vault.rotation import Rotated, Rotation

        rotation = Rotation(application.settings, application.database, on_values=counted)
        if prepare:
            key_id = await rotation.prepare(key)
            await application.audit.note("vault.prepare", key_id)
            return Rotated(key_id, (), 0, finished=False)
        await application.audit.note("vault.rotate", None, step="begin")
        done = await rotation.rotate(key, keep_old=keep_old)
        await application.audit.note("vault.rotate", done.key_id, values=done.values, retired=list(done.retired))
        return done

    with counting("Writing the new key" if prepare else "Exchanging the master key", "values") as counted:
        done = with_application(work)
    place = _place()
    if as_json:
        print_json({"status": "ok", **asdict(done)})
    elif prepare:
        say(f"The key {done.key_id} is in {place} now, and nothing is encrypted under it yet.", style="green")
        say("Copy that file to the other machines, then: seezar vault rotate")
    elif not done.finished:
        say(f"{done.values} values are under the key {done.key_id} now. The old key is still known.", style="green")
        say("When all programs know the new one: seezar vault rotate")
    else:
        say(f"{done.values} values are under the key {done.key_id} now; the old one is retired.", style="green")
        note(f"Keep a copy of {place} elsewhere. Backups that were made before need the old key, which is still in it.")


@app.command("drop-key")
@guarded()
def drop(
    key_id: Annotated[str, typer.Argument(metavar="KEY", help="A retired key, as seezar vault status shows it.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take a retired key out of the key file. Backups that were made under it cannot be read without it."""
    from service.ask import confirm
    from service.ground import with_application
    from service.terminal import print_json, say

    if not yes:
        confirm(f"Take the key {key_id} out of {_place()}? Without it, backups that were made under it are lost.")

    async def work(application: "Application") -> None:
        from seezar.vault.proofs import stored_keys
        from seezar.vault.rotation import drop_key

        drop_key(application.settings, await stored_keys(application.database), key_id)
        await application.audit.note("vault.drop_key", key_id)

    with_application(work)
    if as_json:
        print_json({"status": "ok", "key_id": key_id})
    else:
        say(f"Took the key {key_id} out of {_place()}.", style="green")


def _place() -> str:
    from seezar.settings import get_settings
    from seezar.vault.keys import key_file

    settings = get_settings()
    return "SEEZAR_MASTER_KEY" if settings.master_key is not None else str(key_file(settings))
