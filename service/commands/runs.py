"""`seezar runs list|show|answer|cancel|resume|retry`."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service import completing
from service.boundary import guarded

if TYPE_CHECKING:
    from seezar.accounts import Run
    from seezar.accounts.pictures import Picture
    from seezar.application import Application
    from seezar.errors import SeezarError
    from workflows.client import Client

app = typer.Typer(help="Runs: what was asked for, and how it went.", no_args_is_help=True)

RunId = Annotated[
    str, typer.Argument(metavar="ID", help="Id of the run.", show_default=False, autocompletion=completing.runs)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]

_FIELDS = (
    "id",
    "kind",
    "account",
    "status",
    "question",
    "reason",
    "attempts",
    "model_calls",
    "created_at",
    "asked_at",
    "position",
    "worker",
    "adoptions",
    "started_at",
    "deadline",
    "finished_at",
)


def _result_shape(failure: dict[str, Any], arguments: dict[str, Any]) -> dict[str, Any]:
    from service.commands.sign_in import result_object

    return result_object({"status": failure["status"], "run_id": arguments.get("run_id"), "reason": failure["message"]})


@app.command("list")
@guarded()
def list_runs(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many, the newest first.")] = 20,
    account: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only of this account.", autocompletion=completing.accounts)
    ] = None,
    kind: Annotated[str | None, typer.Option(metavar="KIND", help="Only of this kind, such as sign_in.")] = None,
    status: Annotated[
        str | None,
        typer.Option(metavar="WORD", help="queued, running, waiting (for a person), finished, or a status word."),
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="WHEN", help="Asked for since then: 2h, 7d, 2026-11-01, 2026-11-01T10:30.")
    ] = None,
    trace: Annotated[
        str | None, typer.Option(metavar="ID", help="Only of the trace with this id, as Langfuse shows it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the newest runs."""
    from seezar.accounts.selecting import RunFilter
    from service.ground import with_application
    from service.moments import since as moment_of
    from service.terminal import moment, note, print_json, table

    only = RunFilter(account, _kind(kind), status, None if since is None else moment_of(since), trace)

    async def load(application: "Application") -> list["Run"]:
        if (
            status is not None
            and not _is_status(status)
            and not await application.runs.list(limit=1, only=RunFilter(status=status))
        ):
            raise _no_such_status(status)
        return await application.runs.list(limit=limit, only=only)

    runs = with_application(load)
    if as_json:
        print_json({"runs": [as_object(run) for run in runs]})
    elif runs:
        rows = [(run.id, status_of(run), moment(run.created_at), duration(run)) for run in runs]
        table(("RUN", "STATUS", "CREATED", "TOOK"), rows)
    else:
        note("There are no runs yet." if only == RunFilter() else "There are no such runs.")


def as_object(run: "Run") -> dict[str, Any]:
    """What `--json` shows of a run."""
    values = asdict(run)
    return {**{name: values[name] for name in _FIELDS}, "trace_id": run.trace_id}


def status_of(run: "Run") -> str:
    """The status; what is asked where a person is waited for; the place in the queue."""
    if run.position is not None:
        return f"{run.status} (number {run.position})"
    return f"{run.status} (waits: {run.question})" if run.waiting else run.status


def duration(run: "Run") -> str:
    """How long a finished run took from its start; one that was never started, from when it was asked for."""
    if run.finished_at is None:
        return "-"
    return f"{(run.finished_at - (run.started_at or run.created_at)).total_seconds():.1f} s"


def _kind(word: str | None) -> str | None:
    """A kind of runs, as it was typed.

    Raises:
        InvalidInput: there is none such.
    """
    from seezar.errors import InvalidInput
    from workflows.trying_again import KINDS

    kind = None if word is None else word.replace("-", "_")
    if kind is None or kind in KINDS:
        return kind
    raise InvalidInput(f"There are no runs of the kind {word!r}.", next_step=f"The kinds are {', '.join(KINDS)}.")


def _is_status(word: str) -> bool:
    """Whether a run may stand so, or end so."""
    from seezar.errors import SeezarError

    def of(kind: type[SeezarError]) -> Iterator[str]:
        yield kind.status
        for narrower in kind.__subclasses__():
            yield from of(narrower)

    return word in _statuses() or word in of(SeezarError)


def _statuses() -> list[str]:
    from typing import get_args

    from seezar.accounts.adoptions import PARKED
    from seezar.accounts.selecting import STANDS
    from seezar.signin.outcome import SignInStatus
    from workflows.trying_again import DONE

    return list(dict.fromkeys((*STANDS, *get_args(SignInStatus.__value__), *DONE.values(), "cancelled", PARKED)))


def _no_such_status(word: str) -> "SeezarError":
    from seezar.errors import InvalidInput

    return InvalidInput(
        f"No run stands or ends as {word!r}.",
        next_step=f"The words are {', '.join(_statuses())}, and those of errors (see Troubleshooting).",
    )


def _exit_code(run: "Run") -> None:
    """End with 1 when a run has not done what was asked for."""
    from workflows.trying_again import succeeded

    if not succeeded(run):
        raise typer.Exit(1)


@app.command()
@guarded()
def show(
    run_id: RunId,
    follow: Annotated[bool, typer.Option("--follow", help="Go on showing what happens until it has ended.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show a run with its timeline: seconds since it was asked for, step, worker and attempt, what happened."""
    from service.ground import with_application, with_client
    from service.showing import Shown, load, print_shown, watch

    async def read(application: "Application") -> Shown:
        return await load(application, run_id)

    shown = with_application(read)
    if follow and not shown.run.finished and not shown.run.waiting:

        async def go_on(client: "Client") -> Shown:
            return await watch(client, shown, as_json=as_json)

        shown = with_client(go_on)
        print_shown(shown, as_json=as_json, timeline=False)
    else:
        print_shown(shown, as_json=as_json)


@app.command()
@guarded(shape=_result_shape)
def answer(
    run_id: RunId,
    as_json: AsJson = False,
    value_env: Annotated[
        str | None,
        typer.Option(metavar="VAR", help="Environment variable that holds the code, or yes for terms."),
    ] = None,
) -> None:
    """Answer what a waiting run asks, and watch it to its end. Exit code 0 only when it is signed in.

    A code is typed hidden; without a terminal it is one line of standard input.
    """
    from service.commands.answer import give, value_for, waiting_run
    from service.commands.sign_in import asked_until_done, tell
    from service.ground import with_client
    from service.terminal import interactive
    from service.watching import patience

    async def find(client: "Client") -> "Run":
        return await waiting_run(client, run_id)

    question = with_client(find).question
    assert question is not None
    value = value_for(question, variable=value_env)

    async def work(client: "Client") -> dict[str, Any]:
        return await give(client, run_id, value, timeout=patience(client))

    result = with_client(work)
    if interactive() and not as_json and value_env is None:
        result = asked_until_done(result)
    tell(result, as_json=as_json)


@app.command()
@guarded()
def picture(
    run_id: RunId,
    output: Annotated[Path, typer.Option(metavar="FILE", help="New PNG file, made with mode 0600.")],
    attempt: Annotated[int | None, typer.Option(min=1, help="Which attempt; the last one with a picture.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write the picture of the page on which a sign-in came to a stop. Fields, secrets and codes are covered in it."""
    from seezar.errors import InvalidInput
    from seezar.files import write_private
    from service.ground import with_application
    from service.terminal import tell

    async def load(application: "Application") -> "Picture":
        await application.runs.get(run_id)
        return await application.pictures.get(run_id, attempt)

    found = with_application(load)
    try:
        written = write_private(output, found.image)
    except OSError as error:
        raise InvalidInput(f"{output} cannot be written: {error.strerror}.") from error
    if not written:
        raise InvalidInput(f"{output} exists already.", kept="It was left as it is.", next_step="Name a new file.")
    told = {"run_id": run_id, "attempt": found.attempt, "status": found.status, "output": str(output)}
    tell(f"Wrote the picture of attempt {found.attempt} ({found.status}) to {output}.", told, as_json=as_json)


@app.command()
@guarded()
def cancel(run_id: RunId, as_json: AsJson = False) -> None:
    """Cancel a run. What it stored before stays; one that has ended is left alone."""
    from service.ground import with_client
    from service.terminal import print_json, say

    async def work(client: "Client") -> tuple["Run", bool]:
        ended = (await client.application.runs.get(run_id)).finished
        return await client.cancel(run_id), ended

    run, ended = with_client(work)
    if as_json:
        print_json(as_object(run))
    elif ended:
        say(f"{run.id} had ended before: {run.status}.")
    else:
        say(f"Cancelled {run.id}. Take it up again: seezar runs resume {run.id}", style="green")


@app.command()
@guarded()
def resume(run_id: RunId, as_json: AsJson = False) -> None:
    """Take up a cancelled run where it stopped, and watch it to its end. Exit code 0 only when it has done its work."""
    from service.ground import with_client
    from service.showing import Shown, load, print_shown
    from service.timeline import Timeline, waiting

    async def work(client: "Client") -> Shown:
        await client.resume(run_id)
        with waiting(f"Resuming {run_id} …"):
            await Timeline().show(client.follow(run_id, timeout=client.application.settings.sign_in_timeout))
        return await load(client.application, run_id)

    shown = with_client(work)
    print_shown(shown, as_json=as_json, timeline=False)
    _exit_code(shown.run)


@app.command()
@guarded()
def retry(
    run_id: RunId,
    step: Annotated[
        str | None,
        typer.Option(metavar="STEP", help="Where a sign-in begins: open_and_submit, or begin to use a session."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Try a run that has failed once more, as a new run, and watch that to its end. Exit code as of resume."""
    from service.ground import with_client
    from service.showing import Shown, load, print_shown
    from service.terminal import note
    from service.timeline import Timeline, waiting

    async def work(client: "Client") -> Shown:
        new = await client.retry(run_id, step)
        events = await client.application.runs.events(new.id)
        if not any(event.detail.get("retries") == run_id for event in events):
            note(f"A sign-in of the account is under way already ({new.id}): it is watched, and nothing was started.")
        with waiting(f"Trying {run_id} again as {new.id} …"):
            await Timeline().show(client.follow(new.id, timeout=client.application.settings.sign_in_timeout))
        return await load(client.application, new.id)

    shown = with_client(work)
    print_shown(shown, as_json=as_json, timeline=False)
    _exit_code(shown.run)
