"""`seezar api`."""

import asyncio
from typing import Annotated

import typer

from service.boundary import guarded


@guarded()
def api(
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="On 127.0.0.1; 0 = any. [default: the setting, 8000]")
    ] = None,
) -> None:
    """Run the HTTP API in the foreground, for programs and agents. The first start makes an admin client."""
    from seezar.settings import get_settings
    from service.api.first_client import ensure_first_client
    from service.ground import lay_ground
    from service.serving import bound_for_api, run
    from service.terminal import note, say, working

    settings = get_settings()
    with bound_for_api(settings.api_port if port is None else port) as listener:
        url = lay_ground(settings, worker=True)
        ensure_first_client(settings, url)
        with working("Loading the API"):
            import uvicorn

            from service.api.app import build_app, close_streams
            from service.slow_clients import ImpatientProtocol

            application = build_app(settings, url)
            # No log of requests, as their queries name topics, and none of uvicorn's tracebacks: `NoTraceback` tells of
            # errors. No proxy is in front whose word on a client's address would count.
            config = uvicorn.Config(
                application,
                http=ImpatientProtocol,
                log_level="critical",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=3,
            )

        def told(address: str) -> None:
            say(f"The HTTP API is at {address} (described at {address}/docs, mail at {address}/mail).", style="green")
            note("Ctrl-C stops it.")

        asyncio.run(
            run(
                settings,
                config,
                listener,
                kind="api",
                on_listening=told,
                on_stop=lambda: close_streams(application),
            )
        )
        if application.state.failure is not None:
            raise application.state.failure
