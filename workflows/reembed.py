"""Giving a collection the vectors of another embedding model, durably: no passage is embedded twice after a crash.

The checkpoint is the table that the new vectors stand in, so the step that embeds may be done again at any time.
"""

import asyncio
import time
from typing import Any

from dbos import DBOS

from seezar.accounts.records import result_without_end
from seezar.knowledge.reembedding import Reembedding
from workflows.names import REEMBED
from workflows.runtime import runtime
from workflows.shell import to_its_end, workflow_id
from workflows.steps import PATIENT
from workflows.taking import ended_before
from workflows.tracing import traced_workflow
from workflows.trying_again import DONE

# A million passages, at the pace of a provider of a few hundred a second.
_LONGEST_S = 6 * 3600.0
_TOLD_EVERY_S = 5.0
# An index may be in the making, for minutes.
_AGAIN_S = 1.0


@DBOS.workflow(name=REEMBED)
@traced_workflow
async def reembed(account: None, collection: str, model: str) -> dict[str, Any]:
    """Embed every passage of `collection` with `model`; until all are, it is searched as before.

    Args:
        account: none.

    Returns:
        `{"status": "reembedded", "account": None, "run_id", "collection", "model", "passages", "reason"}`, or a status
        with `reason`: then the collection is as it was.
    """
    run_id = workflow_id()
    return await to_its_end(run_id, account, _all(run_id, collection, model))


async def _all(run_id: str, collection: str, model: str) -> dict[str, Any]:
    began = await begin(run_id, collection, model)
    return began["ended"] if "ended" in began else await embed(run_id, collection, model, began["dimensions"])


@DBOS.step(**PATIENT)
async def begin(run_id: str, collection: str, model: str) -> dict[str, Any]:
    """Ask the model how long its vectors are."""
    if (over := await ended_before(run_id, deadline=time.time() + _LONGEST_S)) is not None:
        return {"ended": over}
    return {"dimensions": await _work(collection, model).begin()}


@DBOS.step(**PATIENT)
async def embed(run_id: str, collection: str, model: str, dimensions: int) -> dict[str, Any]:
    """Embed what has no new vector, then exchange all of them."""
    app = runtime().application
    work = _work(collection, model)
    done, told = await work.done(), 0.0
    while True:
        while some := await work.embed_some(dimensions):
            done += some
            if (over := await _over(run_id)) is not None:
                return over
            if time.monotonic() - told > _TOLD_EVERY_S:
                told = time.monotonic()
                await app.runs.event(run_id, "embed", f"{done:,} passages embedded")
        if (over := await _over(run_id)) is not None:
            return over
        if await work.exchange(dimensions):
            break
        await asyncio.sleep(_AGAIN_S)
    result = {"status": DONE[REEMBED], "account": None, "run_id": run_id, "collection": collection, "model": model}
    result |= {"passages": done, "reason": ""}
    await app.runs.event(run_id, "done", f"{collection} has vectors of {model}")
    await app.runs.finish(run_id, DONE[REEMBED], reason="", result=result)
    return result


async def _over(run_id: str) -> dict[str, Any] | None:
    """The result of a run that was ended meanwhile: cancelled, or out of time. What is embedded stays."""
    run = await runtime().application.runs.get(run_id)
    return (run.result or result_without_end(run, run.status, run.reason)) if run.finished else None


def _work(collection: str, model: str) -> Reembedding:
    app = runtime().application
    return Reembedding(app.database, collection, model, app.knowledge.embedder(model), audit=app.audit)
