"""`seezar confirm list|yes|no`: what programs ask for and a person decides."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from service import completing
from service.boundary import guarded

if TYPE_CHECKING:
    from seezar.access.confirmations import Confirmation
    from seezar.application import Application

app = typer.Typer(help="What programs ask for, and a person has to say yes to.", no_args_is_help=True)

Id = Annotated[
    str,
    typer.Argument(metavar="ID", help="Id of the question.", show_default=False, autocompletion=completing.questions),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command("list")
@guarded()
def list_questions(
    every: Annotated[bool, typer.Option("--all", help="Those that were answered or are too old, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """List what waits for a yes or no."""
    from service.ground import with_application
    from service.terminal import moment, note, print_json, table

    async def load(application: "Application") -> list["Confirmation"]:
        return await application.access.confirmations.list(pending=not every)

    found = with_application(load)
    if as_json:
        print_json({"confirmations": [asdict(confirmation) for confirmation in found]})
    elif found:
        rows = [(c.id, c.status, f"{c.action} {c.subject}", c.client_id, moment(c.asked_at)) for c in found]
        table(("ID", "STATUS", "WHAT", "CLIENT", "ASKED"), rows)
    else:
        note("Nothing waits for you.")


@app.command()
@guarded()
def yes(question: Id, as_json: AsJson = False) -> None:
    """Let it be done, once. The program repeats its request."""
    _decide(question, confirm=True, as_json=as_json)


@app.command()
@guarded()
def no(question: Id, as_json: AsJson = False) -> None:
    """Refuse it."""
    _decide(question, confirm=False, as_json=as_json)


def _decide(question: str, *, confirm: bool, as_json: bool) -> None:
    from service.ground import with_application
    from service.terminal import print_json, say

    async def work(application: "Application") -> "Confirmation":
        from seezar.audit import actor

        return await application.access.confirmations.decide(question, confirm, by=actor())

    decided = with_application(work)
    if as_json:
        print_json(asdict(decided))
    else:
        say(f"{decided.status}: {decided.action} {decided.subject}.", style="green" if confirm else "yellow")
