"""Letting the runs of a worker come to an end when it is told to stop, for as long as there is time."""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor

from dbos import DBOS, DBOSClient
from sqlalchemy.exc import DBAPIError

from workflows import engine

log = logging.getLogger("seezar.worker")

# Time that running steps get to end when the worker is asked to stop; what is cut off is taken up by the next worker.
DRAIN_S = 10
# How often DBOS looks whether all have ended; they are cut off so long before it lets go of its database.
_DBOS_LOOKS_S = 1.0
# For what is left to be closed.
_THREADS = 4


async def drain(dbos: DBOS, client: DBOSClient, slot: int) -> None:
    """Take no more runs, let those at work come to an end, and cut off what does not within the time."""
    at_work = await _at_work(client, slot)
    seconds = DRAIN_S if at_work else 0
    if at_work:
        log.info("%d runs are at work; they have %d s to end", at_work, seconds)
    destroyed = asyncio.create_task(asyncio.to_thread(DBOS.destroy, workflow_completion_timeout_sec=seconds))
    if seconds:
        await asyncio.wait({destroyed}, timeout=seconds - _DBOS_LOOKS_S)
    engine.cut_off(dbos)
    await destroyed
    # It made its threads those of the event loop, and has ended them.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_THREADS))


async def _at_work(client: DBOSClient, slot: int) -> int:
    try:
        mine = await client.list_workflows_async(
            status="PENDING", executor_id=engine.executor_id(slot), load_input=False, load_output=False
        )
    except DBAPIError:
        # Without the database, nothing comes to an end.
        return 0
    return len(mine)
