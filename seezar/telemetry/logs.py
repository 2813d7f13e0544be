"""What this process logs and prints of its own accord, without the secrets that it has had in its hands.

Every record passes here when it is made, whoever's logger it is and whichever handlers it has: those of a library that
brings its own, and those that are added later.
"""

import logging
import os
import re
import sys
import threading
import traceback
from collections.abc import Mapping
from types import TracebackType
from typing import Any, cast, override
from urllib.parse import unquote, urlsplit

from seezar.telemetry.revealed import revealed
from seezar.telemetry.rules import masked

_SECRET_NAME = re.compile(r"(?:KEY|TOKEN|SECRET|PASSWORD|SALT)S?$")
_SHORTEST_SECRET = 8
_UNMASKABLE = "«a text that could not be masked»"


def mask_logs(environ: Mapping[str, str] | None = None) -> None:
    """From now on nothing that this process logs holds a known secret, or what looks like one: messages, arguments,
    tracebacks, warnings, and what is printed of an exception that ends a thread or the process. The second call changes
    nothing but that new variables are known.

    Args:
        environ: the secrets in it are known from now on; None takes that of the process.
    """
    know_environment(os.environ if environ is None else environ)
    revealed.listening = True
    if issubclass(cast("type[logging.LogRecord]", logging.getLogRecordFactory()), _Record):
        return
    logging.setLogRecordFactory(_Record)
    logging.captureWarnings(True)
    sys.excepthook = _on_exception
    sys.unraisablehook = _on_unraisable
    threading.excepthook = _on_thread


def know_environment(environ: Mapping[str, str]) -> None:
    """Know the secrets in `environ` by the names of their variables, such as the keys of model providers, and the
    passwords in addresses.
    """
    for name, value in environ.items():
        if _SECRET_NAME.search(name):
            for part in (value, *value.split(",")):
                if len(part.strip()) >= _SHORTEST_SECRET:
                    revealed.known(name.lower(), part.strip())
        elif name.endswith("_URL") and (password := _password(value)):
            revealed.known(name.lower(), password)


def _password(url: str) -> str:
    try:
        return unquote(urlsplit(url).password or "")
    except ValueError:
        return ""


def without_secrets(text: str) -> str:
    """`text` without what this process knows to be secret, and without what looks like it."""
    return masked(revealed.redactor()(text))


def _safe(text: str, *, rules: bool = True) -> str:
    # Logging must not fail, and must not tell what it could not mask.
    try:
        return without_secrets(text) if rules else revealed.redactor()(text)
    except Exception:  # noqa: BLE001 - whatever it is, nothing leaves
        return _UNMASKABLE


class _Record(logging.LogRecord):
    """A record in which everything that a formatter reads is masked."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Read by some formatters, and printed by `logging` itself where the two do not fit; the others get the whole
        # message from `getMessage`. By value only: what looks like a secret may be a place for an argument.
        if isinstance(self.msg, str):
            self.msg = _safe(self.msg, rules=False)
        self.args = _masked_args(self.args)
        if self.exc_info and self.exc_info[0] is not None:
            kind, error, trace = self.exc_info
            # Formatters write this text, and make none of their own without the exception.
            self.exc_text = _safe("".join(traceback.format_exception(kind, error, trace)).rstrip("\n"))
            self.exc_info = None
        if self.stack_info:
            self.stack_info = _safe(self.stack_info)

    @override
    def getMessage(self) -> str:
        return _safe(super().getMessage())


def _masked_args(args: Any) -> Any:
    if isinstance(args, tuple):
        return tuple(_safe(part) if isinstance(part, str) else part for part in cast("tuple[object, ...]", args))
    if isinstance(args, dict):
        named = cast("dict[str, object]", args)
        return {name: _safe(part) if isinstance(part, str) else part for name, part in named.items()}
    return args


def _on_exception(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    _print("".join(traceback.format_exception(kind, error, trace)))


def _on_thread(args: threading.ExceptHookArgs) -> None:
    # As Python does: a thread that is told to end has nothing to say.
    if args.exc_type is SystemExit:
        return
    name = args.thread.name if args.thread is not None else "unknown"
    text = "".join(traceback.format_exception(args.exc_type, args.exc_value, args.exc_traceback))
    _print(f"Exception in thread {name}:\n{text}")


def _on_unraisable(args: "sys.UnraisableHookArgs") -> None:
    text = "".join(traceback.format_exception(args.exc_type, args.exc_value, args.exc_traceback))
    _print(f"{args.err_msg or 'Exception ignored in'}: {type(args.object).__name__}\n{text}")


def _print(text: str) -> None:
    # None where a process has no terminal and no file.
    if sys.stderr is not None:
        sys.stderr.write(_safe(text))
