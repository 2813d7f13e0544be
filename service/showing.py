"""`seezar runs show`: a run, where it stands, and its timeline."""

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import psycopg

from seezar.errors import SeezarError
from service.terminal import fields, moment, print_json, stderr, stdout
from service.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seezar.accounts import Run, RunEvent
    from seezar.application import Application
    from workflows.adoption import Stranded
    from workflows.client import Client

# So often it is looked at whether any worker may still take a run, and so many times in a row there must be none.
_LOOK_EVERY_S: Final = 2.0
_LOOKS: Final = 2


@dataclass(frozen=True)
class Shown:
    """A run, its events, and the attempts that have a picture."""

    run: "Run"
    events: "Sequence[RunEvent]"
    pictures: list[int]
    stranded: "Stranded | None" = None


async def load(application: "Application", run_id: str) -> Shown:
    """What there is to show.

    Raises:
        RunUnknown: no such id.
    """
    from workflows.adoption import is_stranded

    run = await application.runs.get(run_id)
    return Shown(
        run,
        await application.runs.events(run_id),
        await application.pictures.attempts(run_id),
        await is_stranded(application, run),
    )


async def watch(client: "Client", shown: Shown, *, as_json: bool) -> Shown:
    """Draw the timeline as it grows, until the run has ended or waits for a person, or for a version that no worker
    has; returns what there is then.

    Args:
        as_json: the drawing goes to stderr.
    """
    run = shown.run
    if shown.stranded is not None:
        # Nothing will happen by itself.
        return shown
    if not as_json:
        fields([("run", run.id), *_standing(shown)])
    timeline = Timeline(stderr() if as_json else stdout(), began=run.created_at, evidence=True)
    drawing = asyncio.ensure_future(timeline.show(client.follow(run.id)))
    looking = asyncio.ensure_future(_until_stranded(client.application, run.id))
    try:
        await asyncio.wait((drawing, looking), return_when=asyncio.FIRST_COMPLETED)
        if drawing.done():
            drawing.result()
    finally:
        for task in (drawing, looking):
            task.cancel()
        await asyncio.gather(drawing, looking, return_exceptions=True)
    return await load(client.application, run.id)


async def _until_stranded(application: "Application", run_id: str) -> None:
    """Returns once no live worker may take the run: from then on nothing would be drawn, for ever."""
    from workflows.adoption import is_stranded

    seen = 0
    # Workers that are being replaced one by one leave a version without any for a moment.
    while seen < _LOOKS:
        await asyncio.sleep(_LOOK_EVERY_S)
        try:
            seen = seen + 1 if await is_stranded(application, await application.runs.get(run_id)) else 0
        except (psycopg.Error, SeezarError):
            # What the database's being away means for the run is told by whoever draws it.
            seen = 0


def print_shown(shown: Shown, *, as_json: bool, timeline: bool = True) -> None:
    """Print a run, and its events unless they were drawn before."""
    run = shown.run
    if as_json:
        from service.commands.runs import as_object

        waits = None if shown.stranded is None else f"{shown.stranded.reason} {shown.stranded.next_step}"
        print_json({**as_object(run), "stranded": waits, "events": [_event(event) for event in shown.events]})
        return
    fields(_fields(shown))
    if timeline:
        drawn = Timeline(stdout(), began=run.created_at, evidence=True)
        for event in shown.events:
            drawn.line(event)


def _event(event: "RunEvent") -> dict[str, Any]:
    return {
        "id": event.id,
        "at": event.at,
        "step": event.step,
        "message": event.message,
        "attempt": event.attempt,
        "worker": event.worker,
        "detail": event.detail,
    }


def _fields(shown: Shown) -> list[tuple[str, str]]:
    from service.commands.runs import duration

    run = shown.run
    return [
        ("run", run.id),
        ("kind", run.kind),
        ("account", run.account or "-"),
        *_standing(shown),
        *_question(run),
        ("reason", run.reason or "-"),
        ("attempts", str(run.attempts)),
        *([("worker", run.worker)] if run.worker else []),
        *([("adopted", f"{run.adoptions} times after a worker died")] if run.adoptions else []),
        ("model calls", str(run.model_calls)),
        ("created", moment(run.created_at)),
        ("took", duration(run)),
        *([("trace", run.trace_id)] if run.trace_id else []),
        *[("picture", f"seezar runs picture {run.id} --attempt {attempt} --output FILE") for attempt in shown.pictures],
    ]


def _standing(shown: Shown) -> list[tuple[str, str]]:
    from service.commands.runs import status_of

    if shown.stranded is None:
        return [("status", status_of(shown.run))]
    return [
        ("status", f"{shown.run.status}, for a version that no worker has"),
        ("why", shown.stranded.reason),
        ("next", shown.stranded.next_step),
    ]


def _question(run: "Run") -> list[tuple[str, str]]:
    from service.commands.answer import QUESTIONS

    if run.question is None:
        return []
    lines = [("asks", QUESTIONS[run.question]), ("since", moment(run.asked_at))]
    return [*lines, ("answer", f"seezar runs answer {run.id}")] if run.waiting else lines[:1]
