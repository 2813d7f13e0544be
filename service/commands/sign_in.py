"""`seezar sign-in NAME`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from seezar.errors import AnsweredAlready, InvalidInput, NotWaiting
from service import completing
from service.boundary import guarded
from service.watching import patience, watched

if TYPE_CHECKING:
    from workflows.client import Client

KEYS = (
    "status",
    "account",
    "run_id",
    "attempts",
    "model_calls",
    "duration_s",
    "second_factor",
    "reason",
    "session_id",
)
# A run that is given up by its own deadline still has to write down how it ended, and may have had to queue.
_PATIENCE_S = 2.0


def result_object(known: dict[str, Any]) -> dict[str, Any]:
    """The object that `--json` prints: `known` with every promised key, and no other."""
    empty: dict[str, Any] = dict.fromkeys(KEYS)
    empty |= {"attempts": 0, "model_calls": 0, "duration_s": 0.0, "second_factor": "none", "reason": ""}
    return empty | {key: value for key, value in known.items() if key in KEYS}


def _without_run(failure: dict[str, Any], arguments: dict[str, Any]) -> dict[str, Any]:
    return result_object({"status": failure["status"], "account": arguments.get("name"), "reason": failure["message"]})


class Watch:
    """A sign-in that this command started or attached to."""

    def __init__(self, name: str, *, fresh: bool, timeout: float | None, key: str | None = None) -> None:
        self.name = name
        self.run_id: str | None = None
        self._fresh = fresh
        self._timeout = timeout
        self._key = key

    async def follow(self, client: "Client") -> dict[str, Any]:
        """Queue the sign-in and print its timeline until it has ended; returns its result.

        A run that is not finished in time is a result, not an error: it goes on.

        Raises:
            SeezarError: the run could not be started or watched.
        """
        from service.timeline import waiting

        self.run_id = await client.sign_in(self.name, fresh=self._fresh, timeout=self._timeout, key=self._key)
        run = await client.application.runs.get(self.run_id)
        with waiting(f"Signing in {self.name} …"):
            return await watched(client, run, timeout=self._patience(client))

    def _patience(self, client: "Client") -> float:
        if self._timeout is not None:
            return self._timeout + _PATIENCE_S
        return patience(client)


@guarded(shape=_without_run)
def sign_in(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="Name of the account.", show_default=False, autocompletion=completing.accounts
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")] = False,
    timeout: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", min=1, help="Deadline of the sign-in. [default: the setting, 180]"),
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Do not use the stored session.")] = False,
    key: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="Names this request: repeated with the same key, it is the same run."),
    ] = None,
) -> None:
    """Sign an account in, or attach to its sign-in that is under way. Exit code 0 only when it is signed in.

    What only a person can give is asked for right here on a terminal; elsewhere the run waits: seezar runs answer.
    """
    from service.ground import with_client
    from service.terminal import interactive, note, print_json

    watch = Watch(name, fresh=fresh, timeout=timeout, key=key)
    try:
        result = with_client(watch.follow)
        if interactive() and not as_json:
            result = asked_until_done(result)
    except KeyboardInterrupt:
        if watch.run_id is None:
            raise
        note(f"The sign-in goes on in the worker. See it: seezar runs show {watch.run_id}", style="yellow")
        note(f"Stop it: seezar runs cancel {watch.run_id}", style="yellow")
        if as_json:
            reason = "No longer watched; it goes on in the worker."
            print_json(
                result_object({"status": "interrupted", "account": name, "run_id": watch.run_id, "reason": reason})
            )
        raise
    tell(result, as_json=as_json)


def asked_until_done(result: dict[str, Any]) -> dict[str, Any]:
    """Ask the person at the terminal what the run asks, until it asks nothing more; returns its last result."""
    from service.commands.answer import give, value_for
    from service.ground import with_client
    from service.terminal import note

    while result.get("question"):
        run_id = str(result["run_id"])
        try:
            value = value_for(str(result["question"]))
        except (InvalidInput, typer.Abort):
            note("The run waits.")
            return result

        async def work(client: "Client", run_id: str = run_id, value: str | None = value) -> dict[str, Any]:
            return await give(client, run_id, value, timeout=patience(client))

        async def watch(client: "Client", run_id: str = run_id) -> dict[str, Any]:
            run = await client.application.runs.get(run_id)
            return await watched(client, run, timeout=patience(client))

        try:
            result = with_client(work)
        except InvalidInput as error:
            note(f"seezar: {error}", style="red")
        except (AnsweredAlready, NotWaiting) as error:
            # Somebody else was first; the run goes on, or has ended, with that.
            note(f"seezar: {error}", style="yellow")
            result = with_client(watch)
    return result


def tell(result: dict[str, Any], *, as_json: bool) -> None:
    """Print how it went; exit code 0 only when it is signed in.

    Raises:
        typer.Exit: it is not (code 1).
    """
    from service.terminal import print_json

    shown = result_object(result)
    if as_json:
        print_json(shown)
    else:
        _say(shown)
    if shown["status"] != "signed_in":
        raise typer.Exit(1)


def _say(result: dict[str, Any]) -> None:
    from service.terminal import say

    name, reason = result["account"], result["reason"]
    if result["status"] != "signed_in":
        say(f"✗ {name} is not signed in ({result['status']}). {reason}", style="red")
        say(f"Its timeline: seezar runs show {result['run_id']}")
        return
    attempts, calls = result["attempts"], result["model_calls"]
    facts = [f"{result['duration_s']:.1f} s", f"{calls} model call{'' if calls == 1 else 's'}"]
    if attempts:
        facts.append("1 attempt" if attempts == 1 else f"{attempts} attempts")
    if result["second_factor"] != "none":
        facts.append(f"second factor: {result['second_factor']}")
    say(f"✓ {name} is signed in ({', '.join(facts)}). {reason}".rstrip(), style="green")
