"""`seezar up|down|status|doctor|worker|web`."""

from pathlib import Path
from typing import Annotated

import typer

from service.boundary import guarded

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@guarded()
def up() -> None:
    """Run everything in the foreground: database, worker, ADK Web, HTTP API. Ctrl-C stops it all."""
    from seezar.settings import get_settings
    from service.supervisor import run_up

    run_up(get_settings())


@guarded()
def down(as_json: AsJson = False) -> None:
    """Stop everything that runs in this home: `seezar up`, workers, the embedded database."""
    from seezar.settings import get_settings
    from service.stopping import stop_database, stop_foreground, stop_workers
    from service.terminal import print_json, say

    settings = get_settings()
    stopped: list[str] = []
    if settings.home.is_dir():
        for stop in (stop_foreground, stop_workers, stop_database):
            for what in stop(settings):
                stopped.append(what)
                if not as_json:
                    say(what)
    if as_json:
        print_json({"stopped": stopped})
    elif not stopped:
        say("Nothing is running.")


@guarded()
def status(as_json: AsJson = False) -> None:
    """Show what runs, the accounts with their sessions, and the last runs. Starts nothing."""
    from seezar.settings import get_settings
    from service.overview import print_status

    print_status(get_settings(), as_json=as_json)


@guarded()
def doctor(as_json: AsJson = False) -> None:
    """Check everything that seezar needs, and say what to do about what is missing. Exit code 1 if something is."""
    from seezar.settings import get_settings
    from service.checkup import run_checks

    if not run_checks(get_settings(), as_json=as_json):
        raise typer.Exit(1)


@guarded()
def worker(
    idle_exit: Annotated[
        float, typer.Option(metavar="S", min=0, help="Stop after so many seconds without client and work; 0 = never.")
    ] = 0.0,
    browsers: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, max=64, help="Pages that work at the same time. [default: the setting, 2]"),
    ] = None,
    queues: Annotated[
        str | None,
        typer.Option(metavar="NAMES", help="Queues to serve, with commas between: sign_in, browser. [default: both]"),
    ] = None,
) -> None:
    """Run a worker in the foreground: it executes the runs, and receives the mail. Several may run."""
    from workflows.worker import main

    options = ["--idle-exit", str(idle_exit)]
    if browsers is not None:
        options += ["--browsers", str(browsers)]
    if queues is not None:
        options += ["--queues", queues]
    raise typer.Exit(main(options))


@guarded()
def web(
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="On 127.0.0.1; 0 = any. [default: the setting, 8888]")
    ] = None,
    builder: Annotated[
        bool, typer.Option("--builder", help="Serve ADK's agent builder, which writes and runs Python, as well.")
    ] = False,
    token: Annotated[bool, typer.Option("--token", help="Ask for a client with the scope chat, here too.")] = False,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Listen there; others than this machine need a token, over TLS.")
    ] = "127.0.0.1",
    name: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Host name that it answers to; may be given repeatedly.")
    ] = None,
    certificate: Annotated[Path | None, typer.Option(metavar="FILE", help="PEM certificate with its chain.")] = None,
    key: Annotated[Path | None, typer.Option(metavar="FILE", help="PEM private key of the certificate.")] = None,
    behind_proxy: Annotated[
        bool, typer.Option("--behind-proxy", help="Something in front of it speaks TLS; tokens are asked for.")
    ] = False,
) -> None:
    """Run ADK Web in the foreground: the agents in a browser."""
    from seezar.settings import get_settings
    from service.web.app import Exposure, serve

    settings = get_settings()
    exposure = Exposure(host, tuple(name or ()), token, certificate, key, behind_proxy)
    serve(settings, port=settings.web_port if port is None else port, builder=builder, exposure=exposure)
