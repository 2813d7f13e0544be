"""`seezar runs show`: a run, where it stands, and its timeline."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from service.terminal import fields, moment, print_json, stderr, stdout
from service.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seezar.accounts import Run, RunEvent
    from seezar.application import Application
    from workflows.client import Client


@dataclass(frozen=True)
class Shown:
    """A run, its events, and the attempts that have a picture."""

    run: "Run"
    events: "Sequence[RunEvent]"
    pictures: list[int]


async def load(application: "Application", run_id: str) -> Shown:
    """What there is to show.

    Raises:
        RunUnknown: no such id.
    """
    run = await application.runs.get(run_id)
    return Shown(
        run,
        await application.runs.events(run_id),
        await application.pictures.attempts(run_id),
    )


async def watch(client: "Client", shown: Shown, *, as_json: bool) -> Shown:
    """Draw the timeline as it grows, until the run has ended or waits for a person; returns what there is then.

    Args:
        as_json: the drawing goes to stderr.
    """
    run = shown.run
    if not as_json:
        fields([("run", run.id), *_standing(shown)])
    timeline = Timeline(stderr() if as_json else stdout(), began=run.created_at)
    await timeline.show(client.follow(run.id))
    return await load(client.application, run.id)


def print_shown(shown: Shown, *, as_json: bool, timeline: bool = True) -> None:
    """Print a run, and its events unless they were drawn before."""
    run = shown.run
    if as_json:
        from service.commands.runs import as_object

        print_json({**as_object(run), "events": [_event(event) for event in shown.events]})
        return
    fields(_fields(shown))
    if timeline:
        drawn = Timeline(stdout(), began=run.created_at)
        for event in shown.events:
            drawn.line(event)


def _event(event: "RunEvent") -> dict[str, Any]:
    return {
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
        ("began", moment(run.created_at)),
        ("took", duration(run)),
        *[("picture", f"seezar runs picture {run.id} --attempt {attempt} --output FILE") for attempt in shown.pictures],
    ]


def _standing(shown: Shown) -> list[tuple[str, str]]:
    from service.commands.runs import status_of

    return [("status", status_of(shown.run))]


def _question(run: "Run") -> list[tuple[str, str]]:
    from service.commands.answer import QUESTIONS

    if run.question is None:
        return []
    lines = [("asks", QUESTIONS[run.question]), ("since", moment(run.asked_at))]
    return [*lines, ("answer", f"seezar runs answer {run.id}")] if run.waiting else lines[:1]
