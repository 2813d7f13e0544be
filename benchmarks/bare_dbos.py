"""DBOS by itself: workflows of empty steps, queued and worked off in one process. Prints one JSON object.

`python -m benchmarks.bare_dbos URL`: URL is an empty database of a PostgreSQL server. It runs as a process of its own,
because DBOS is launched once a process.
"""

import asyncio
import json
import sys
import time

from dbos import DBOS, DBOSConfig, SetWorkflowID

from workflows.serializer import JsonSerializer

_STEPS = 10
_WORKFLOWS = 40
_QUEUE = "empty"


@DBOS.step()
async def empty(number: int) -> int:
    """Do nothing."""
    return number


@DBOS.workflow()
async def ten_steps() -> int:
    """Ten empty steps."""
    total = 0
    for number in range(_STEPS):
        total += await empty(number)
    return total


async def measure() -> dict[str, float]:
    """Steps per second with the workflows queued together, and milliseconds a step of one workflow alone."""
    await DBOS.register_queue_async(_QUEUE, worker_concurrency=8, polling_interval_sec=0.05)
    alone: list[float] = []
    for number in range(10):
        began = time.perf_counter()
        with SetWorkflowID(f"alone-{number}"):
            await ten_steps()
        alone.append((time.perf_counter() - began) / _STEPS)
    began = time.perf_counter()
    handles = [await DBOS.enqueue_workflow_async(_QUEUE, ten_steps) for _ in range(_WORKFLOWS)]
    for handle in handles:
        await handle.get_result()
    taken = time.perf_counter() - began
    return {"steps_per_s": round(_WORKFLOWS * _STEPS / taken, 1), "step_ms": round(1000 * sorted(alone)[5], 2)}


def main() -> None:
    """Launch, measure, print."""
    config: DBOSConfig = {
        "name": "bare-dbos",
        "system_database_url": sys.argv[1],
        "serializer": JsonSerializer(),
        "log_level": "ERROR",
        "console_log_level": "ERROR",
    }
    DBOS(config=config)

    async def run() -> dict[str, float]:
        DBOS.launch()
        return await measure()

    print(json.dumps(asyncio.run(run())))
    DBOS.destroy()


if __name__ == "__main__":
    main()
