"""DBOS as this project runs it: pinned version, slot as executor id, JSON rows, PostgreSQL only."""

import asyncio
import logging
import warnings
from collections.abc import Sequence

from dbos import DBOS, DBOSClient, DBOSConfig
from psycopg import OperationalError
from sqlalchemy import event
from sqlalchemy.engine import Engine, ExceptionContext

from seezar.database.urls import DBOS_DATABASE, with_database
from seezar.settings import Settings
from seezar.telemetry.spans import spans
from workflows.names import (
    APPLICATION_NAME,
    APPLICATION_VERSION,
    QUEUE_BROWSER,
    QUEUE_EXTRACT,
    QUEUE_REPORT,
    QUEUE_SIGN_IN,
    QUEUES,
)
from workflows.pace import IDLE_S
from workflows.serializer import JsonSerializer

_POOL = 10
_SIGN_INS_PER_BROWSER = 8
# They mostly wait for extractions.
_REPORTS = 8


def executor_id(slot: int) -> str:
    """The DBOS executor id of a slot."""
    return f"worker-{slot}"


def dbos_url(url: str) -> str:
    """The database of DBOS beside the `seezar` database at `url`.

    An embedded or own server has one `dbos`; where several seezar databases share a server (tests), each has its own.
    """
    from seezar.database.urls import APP_DATABASE, database_of

    name = database_of(url)
    return with_database(url, DBOS_DATABASE if name == APP_DATABASE else f"{name}_dbos")


def launch(url: str, *, slot: int, queues: Sequence[str] = QUEUES) -> DBOS:
    """Start DBOS in the calling thread's event loop and begin to take runs of `queues`. Imports and so registers all
    workflows.
    """
    import workflows.answer_sign_in
    import workflows.check_session
    import workflows.download
    import workflows.extract
    import workflows.open_page
    import workflows.read_rows
    import workflows.reembed
    import workflows.report
    import workflows.schedule
    import workflows.semantic
    import workflows.sign_in
    import workflows.sign_out  # noqa: F401 - registration is the effect

    quiet_logs()
    config: DBOSConfig = {
        "name": APPLICATION_NAME,
        "system_database_url": dbos_url(url),
        "application_version": APPLICATION_VERSION,
        "executor_id": executor_id(slot),
        "serializer": JsonSerializer(),
        "sys_db_pool_size": _POOL,
        "notification_listener_polling_interval_sec": 0.1,
        # A new schedule begins to count so soon.
        "scheduler_polling_interval_sec": 5.0,
        # It makes spans with the provider of this process, which masks and sends them.
        "enable_otlp": spans.on,
        "otel_attribute_format": "semconv",
        # It tells its progress at INFO, and asks to register with its maker's cloud.
        "log_level": "WARNING",
        "console_log_level": "WARNING",
    }
    if not event.contains(Engine, "handle_error", tell_refused):
        event.listen(Engine, "handle_error", tell_refused)
    dbos = DBOS(config=config)
    DBOS.listen_queues(queues)
    DBOS.launch()
    return dbos


def tell_refused(context: ExceptionContext) -> None:
    """Mark a connection that was refused as one that is lost, which DBOS waits for.

    It knows psycopg's "connection failed" only. Told "connection is bad", as of a socket whose server is gone, it gives
    the workflow up, whose row then belongs for ever to a worker that is alive and no longer at work on it.
    """
    if isinstance(context.original_exception, OperationalError) and "connection is bad" in str(
        context.original_exception
    ):
        context.is_disconnect = True


def cut_off(dbos: DBOS) -> None:
    """Stop the workflows that are at work in this event loop, in the middle of whatever they wait for. What they were
    doing is not recorded, and so is done again by whoever takes them up.
    """
    # DBOS itself leaves them running without a database when it is destroyed.
    for task in list(dbos._workflow_tasks):
        task.cancel()


async def put_back(dbos: DBOSClient, workflow_id: str, executor: str) -> bool:
    """Put a workflow of an executor that is gone back into its queue; False when it is not that executor's any more.

    Unlike `resume_workflow`, which puts it back whoever has it: what a live worker has taken must not be taken from it.
    """
    store = dbos._sys_db
    return await asyncio.to_thread(store.reenqueue_for_recovery, workflow_id, [executor], QUEUE_BROWSER)


async def register_queues(settings: Settings) -> None:
    """Make the queues known, with how many runs of each one worker takes at the same time.

    How many pages work at once is the pool's concern (`BrowserPool.turn`). A sign-in mostly waits for its mail, so many
    more are taken than there are browsers: otherwise a few that wait would stop all others.
    """
    of_queue = {
        QUEUE_SIGN_IN: _SIGN_INS_PER_BROWSER * settings.browsers,
        QUEUE_BROWSER: settings.browsers,
        QUEUE_EXTRACT: settings.browsers,
        QUEUE_REPORT: _REPORTS,
    }
    for name, most in of_queue.items():
        await DBOS.register_queue_async(
            name, worker_concurrency=most, polling_interval_sec=IDLE_S, on_conflict="always_update"
        )


def client(url: str) -> DBOSClient:
    """A client of the workers at `url`; it connects when it is first used."""
    quiet_logs()
    return DBOSClient(
        system_database_url=dbos_url(url),
        serializer=JsonSerializer(),
        system_database_pool_size=2,
        application_name=APPLICATION_NAME,
        lazy=True,
        retry_connection_errors=False,
    )


def quiet_logs() -> None:
    """DBOS logs its progress at INFO to the console and asks to register with its cloud; warnings are what matters
    here.
    """
    logging.getLogger("dbos").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", module="dbos")
