"""`python -m playground`: the demo world in the foreground, until Ctrl-C."""

import argparse
import asyncio
import signal
import sys

import typer

from playground.server import PlaygroundServer
from playground.shapes import all_shapes
from playground.world import demo_accounts
from seezar.errors import SeezarError
from seezar.settings import get_settings
from seezar.telemetry.logs import mask_logs


async def run(port: int, smtp_port: int, mail_domain: str) -> None:
    """Serve on `port` until SIGINT or SIGTERM; codes go to `mail_domain` by the SMTP server at `smtp_port`.

    Raises:
        PortTaken: another program listens on `port`.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with PlaygroundServer(port=port, smtp_port=smtp_port, accounts=demo_accounts(mail_domain)) as server:
        typer.echo(f"The playground is at {server.base_url}/ and mails its codes to 127.0.0.1:{smtp_port}.")
        for shape in all_shapes().values():
            for account in server.state.accounts_of(shape.name):
                typer.echo(f"  {account.name:<15} {account.url(server.base_url)}  {shape.summary}")
        typer.echo("Passwords are in playground/world.py. Ctrl-C stops it.")
        await stop.wait()


def main() -> int:
    """Parse the command line and run. Returns the exit code."""
    mask_logs()
    try:
        settings = get_settings()
        parser = argparse.ArgumentParser(prog="python -m playground", description=__doc__)
        parser.add_argument("--port", type=int, default=settings.playground_port, help="port on loopback, 0 for any")
        parser.add_argument("--smtp-port", type=int, default=settings.smtp_port, help="SMTP server that gets the codes")
        arguments = parser.parse_args()
        asyncio.run(run(arguments.port, arguments.smtp_port, settings.mail_domain_list[0]))
    except SeezarError as error:
        typer.echo(str(error), err=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
