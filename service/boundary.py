"""The edge of every command: errors become one sentence, an exit code, and JSON where it was asked for."""

import functools
import sys
import traceback
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from datetime import datetime
from pathlib import Path
from typing import Any

import typer

from seezar.errors import DiskFull, InvalidInput, SeezarError
from seezar.files import NO_ROOM
from service.secret_input import entered

type Shape = Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]

_LOG = "cli.log"
_SHOWN = 200


def _as_it_is(failure: dict[str, Any], arguments: dict[str, Any]) -> dict[str, Any]:
    return failure


command: ContextVar[str] = ContextVar("seezar_command", default="")
"""The command that runs, without its arguments: `sign_in`, `runs answer`."""


def guarded[**P](*, shape: Shape = _as_it_is) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Decorates a command so that no traceback leaves it.

    A `SeezarError` is told in one line on stderr, exit code 1. Anything unforeseen is told by its type; its traceback
    goes to a log file. A command whose argument `as_json` is true also prints `{"status", "message"}` on stdout.

    Args:
        shape: makes, of that object and the arguments of the command, the object that the command promises.
    """

    def decorate(work: Callable[P, None]) -> Callable[P, None]:
        @functools.wraps(work)
        def run(*args: P.args, **kwargs: P.kwargs) -> None:
            command.set(_name(work))
            try:
                work(*args, **kwargs)
            except SeezarError as error:
                _tell(error.as_dict(), shape, dict(kwargs))
            # typer's own ways out: exit, abort, wrong usage.
            except (typer.Exit, typer.Abort, BrokenPipeError):
                raise
            except OSError as error:
                told = no_room(error) or _named(error, kwargs) or {"status": "error", "message": unforeseen(error)}
                _tell(told, shape, dict(kwargs))
            except Exception as error:
                if type(error).__module__.startswith(("typer.", "click.")):
                    raise
                _tell({"status": "error", "message": unforeseen(error)}, shape, dict(kwargs))

        return run

    return decorate


def _name(work: Callable[..., None]) -> str:
    group, name = work.__module__.rpartition(".")[2], work.__name__
    return name if group == name else f"{group} {name}"


def _tell(failure: dict[str, Any], shape: Shape, arguments: dict[str, Any]) -> None:
    from service.terminal import note, print_json

    note(f"seezar: {failure['message']}", style="red")
    if arguments.get("as_json"):
        print_json(shape(failure, arguments))
    raise typer.Exit(1) from None


def no_room(error: OSError) -> dict[str, str] | None:
    """What is told of a file that could not be written because there is no room, else None."""
    if error.errno not in NO_ROOM:
        return None
    where = f" to {error.filename}" if error.filename else ""
    return DiskFull(
        f"There is no room to write{where}: {error.strerror}.",
        kept="Everything that was stored is still there.",
        next_step="Make room on that disk (seezar doctor says how much there is) and try again.",
    ).as_dict()


def _named(error: OSError, arguments: Mapping[str, object]) -> dict[str, str] | None:
    """What is told of a file that the command was given and that cannot be used, else None."""
    named = [value for given in arguments.values() for value in (given if isinstance(given, list) else [given])]
    paths = {str(place) for path in named if isinstance(path, Path) for place in (path, path.absolute())}
    if error.filename is None or str(error.filename) not in paths:
        return None
    name = str(error.filename)
    shown = name if len(name) <= _SHOWN else f"{name[:_SHOWN]}…"
    return InvalidInput(f"{shown} cannot be used: {error.strerror}.", next_step="Name another file.").as_dict()


def unforeseen(error: Exception, *, advice: str = "; seezar doctor checks this installation") -> str:
    """Write the traceback of an error that nobody foresaw to the log; returns the sentence about it."""
    what = f"Something unforeseen happened ({type(error).__name__})."
    try:
        path = _write_traceback(error)
    except (OSError, SeezarError):
        return f"{what} Its traceback could not be written to a log file."
    return f"{what} What was stored before is kept. The traceback is in {path}{advice}."


def _write_traceback(error: Exception) -> Path:
    from seezar.files import private_folder
    from seezar.redaction import Redactor
    from seezar.settings import get_settings
    from seezar.telemetry.logs import without_secrets

    settings = get_settings()
    # Frames quote lines of code, but the text of an error may quote a value.
    redact = Redactor({**_configured_secrets(), **entered()})
    text = without_secrets(redact("".join(traceback.format_exception(error))))
    path = private_folder(settings.log_dir) / _LOG
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{datetime.now().astimezone().isoformat(timespec='seconds')} {' '.join(sys.argv[1:2])}\n{text}\n")
    path.chmod(0o600)
    return path


def _configured_secrets() -> dict[str, str]:
    from urllib.parse import unquote, urlsplit

    from seezar.settings import get_settings

    settings = get_settings()
    secrets: dict[str, str] = {}
    if settings.master_key is not None:
        secrets["master-key"] = settings.master_key.get_secret_value()
    if settings.other_master_keys is not None:
        others = settings.other_master_keys.get_secret_value().split(",")
        secrets |= {f"other-master-key-{number}": key for number, key in enumerate(others, 1) if key.strip()}
    if settings.vault_token is not None:
        secrets["vault-token"] = settings.vault_token.get_secret_value()
    if settings.database_url is not None and (password := urlsplit(settings.database_url).password):
        secrets["database-password"] = unquote(password)
    return secrets
