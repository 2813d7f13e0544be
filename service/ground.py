"""How a command gets to the stores and the workers: what is missing is started first, and said while it takes time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from seezar.errors import SeezarError, WorkerUnavailable
from seezar.settings import Settings, get_settings
from seezar.telemetry.setup import telemetry
from seezar.telemetry.spans import spans
from service.boundary import command

if TYPE_CHECKING:
    from seezar.application import Application
    from workflows.client import Client

_NAME = "seezar-client-cli"


def lay_ground(settings: Settings, *, worker: bool) -> str:
    """A running, migrated database and, with `worker`, a ready worker; returns the database URL.

    An embedded database that has to be started gets a worker in any case: it is the worker that stops both when nobody
    uses them any more. Where it is not needed, a worker that does not start is only told about.

    Raises:
        DatabaseUnavailable, DatabaseTooNew, SettingsInvalid, KeyUnusable, WorkerUnavailable: something is missing.
    """
    from service.terminal import note, working
    from workflows.ground import database_address, ensure_running, worker_ready

    address = database_address(settings)
    if address is None:
        with working("Starting the database and a worker"):
            try:
                return ensure_running(settings)
            except WorkerUnavailable as error:
                if worker:
                    raise
                unready = error
        note(f"seezar: {unready}", style="yellow")
    elif worker and not _ready(worker_ready, address):
        with working("Starting a worker"):
            return ensure_running(settings)
    return ensure_running(settings, worker=worker)


def _ready(worker_ready: Callable[[str], bool], address: str) -> bool:
    try:
        return worker_ready(address)
    except SeezarError:
        # Not reachable or not made yet: starting it says more.
        return False


def with_application[T](work: Callable[["Application"], Awaitable[T]]) -> T:
    """Run `work` on the stores; needs the database alone.

    Raises:
        SeezarError: as `lay_ground` and `work`.
    """
    settings = get_settings()
    url = lay_ground(settings, worker=False)

    async def run() -> T:
        from seezar.application import Application

        async with await Application.open(settings, url, application_name=_NAME, max_connections=2) as application:
            return await work(application)

    return asyncio.run(run())


def with_client[T](work: Callable[["Client"], Awaitable[T]]) -> T:
    """Run `work` with a client of the workers.

    What it does is a trace, where traces are recorded.

    Raises:
        SeezarError: as `lay_ground` and `work`.
    """
    settings = get_settings()
    telemetry.start("cli")
    lay_ground(settings, worker=True)

    async def run() -> T:
        from workflows.client import Client

        async with await Client.connect(settings, name=_NAME) as client:
            return await work(client)

    with spans.span(f"seezar {command.get()}".strip()):
        return asyncio.run(run())
