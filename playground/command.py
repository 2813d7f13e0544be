"""`seezar playground`: the demo world in the foreground, with its accounts known to seezar.

The command line finds it through the entry point group `seezar.commands`: `service` must not import the playground.
"""

from typing import TYPE_CHECKING, Annotated

import typer

from service.boundary import guarded

if TYPE_CHECKING:
    from playground.mailer import SmtpMailer
    from seezar.accounts import Account
    from seezar.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(playground)


@guarded()
def playground(
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="On 127.0.0.1; 0 = any. [default: the setting, 8090]")
    ] = None,
) -> None:
    """Run the demo world in the foreground, with the accounts demo-mail, demo-totp, demo-password and
    demo-metrics.
    """
    import asyncio

    from seezar.settings import get_settings
    from service.ground import lay_ground

    settings = get_settings()
    url = lay_ground(settings, worker=True)
    asyncio.run(_run(settings, url, port=settings.playground_port if port is None else port))


async def _run(settings: "Settings", url: str, *, port: int) -> None:
    import asyncio
    import signal

    from playground.extractions import ALL
    from playground.mailer import SmtpMailer
    from playground.seed import seed
    from playground.server import PlaygroundServer
    from playground.state import PlaygroundState
    from playground.world import ALL_ACCOUNTS, demo_accounts
    from seezar.application import Application
    from seezar.extraction.definitions import definition_of
    from service.notes import ProcessNote, left
    from service.terminal import note

    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    world = demo_accounts(settings.mail_domain_list[0], ALL_ACCOUNTS)
    mailer = SmtpMailer(port=smtp_port(settings))
    # A connection under this name keeps the worker, and with it the mail, alive.
    async with (
        await Application.open(settings, url, application_name="seezar-client-playground", max_connections=2) as app,
        PlaygroundServer(port=port, state=PlaygroundState(accounts=world, mailer=mailer)) as server,
    ):
        accounts = await seed(app.accounts, app.vault, app.mail, server.base_url, world=world)
        for extraction in ALL:
            await app.extractions.save(definition_of(extraction))
        follower = asyncio.create_task(_follow_smtp(settings, mailer))
        with left(settings, ProcessNote.of_this_process("playground", url=server.base_url)):
            _introduce(server.base_url, accounts)
            await stop.wait()
        follower.cancel()
    note(
        "The playground has stopped. Its accounts are kept. Database and worker stop by themselves, or by seezar down."
    )


def smtp_port(settings: "Settings") -> int:
    """Where the worker of this home really receives mail; the setting when it runs elsewhere."""
    from workflows.registry import live_workers

    return next((worker.smtp_port for worker in live_workers(settings) if worker.smtp_port), settings.smtp_port)


async def _follow_smtp(settings: "Settings", mailer: "SmtpMailer") -> None:
    """With the port left to chance, a worker that took the place of another receives mail on another one."""
    import asyncio

    while True:
        await asyncio.sleep(1.0)
        mailer.port = smtp_port(settings)


def _introduce(base_url: str, accounts: "list[Account]") -> None:
    from service.terminal import note, say, table

    say(f"The playground is at {base_url}/", style="green")
    table(
        ("ACCOUNT", "SECOND FACTOR", "SIGN-IN PAGE"),
        [(account.name, account.second_factor, account.start_url) for account in accounts],
    )
    say("")
    say("Try, in another terminal:")
    say("  seezar sign-in demo-mail")
    say('  adk run agents/coordinator "sign in to demo-mail and show me the top events"')
    say('  adk run agents/coordinator "which customers need attention?"')
    say("  seezar web")
    note("Ctrl-C stops it.")
