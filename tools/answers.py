"""What a tool gives back: a plain dict with a `status`, never an exception."""

import functools
import hashlib
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from google.adk.tools.tool_context import ToolContext

from seezar.audit import acting_as
from seezar.errors import SeezarError

type Answer = dict[str, Any]

_log = logging.getLogger(__name__)


def answers[**P](tool: Callable[P, Awaitable[Answer]]) -> Callable[P, Awaitable[Answer]]:
    """Make an async function a tool that does not raise: its errors become `{"status", "message"}`.

    A `SeezarError` says what happened, what was kept and what to do next. Of anything else only the type is told: its
    text may quote what must not be shown.
    """

    @functools.wraps(tool)
    async def safe(*args: P.args, **kwargs: P.kwargs) -> Answer:
        context = next((a for a in (*args, *kwargs.values()) if isinstance(a, ToolContext)), None)
        try:
            if context is None:
                return await tool(*args, **kwargs)
            with acting_as(f"agent:{context.session.user_id}"):
                return await tool(*args, **kwargs)
        except SeezarError as error:
            return dict(error.as_dict())
        except Exception as error:  # noqa: BLE001 - the promise of this decorator
            name = getattr(tool, "__name__", "tool")
            # With its traceback only at DEBUG: frames quote lines of code, never values, but a log reader need not see
            # them.
            _log.error("%s failed with %s", name, type(error).__name__)
            _log.debug("%s failed", name, exc_info=error)
            return {
                "status": "error",
                "message": (
                    f"{name} failed unexpectedly ({type(error).__name__}). Runs that were started go on in the worker. "
                    "See seezar runs list, and seezar doctor."
                ),
            }

    return safe


def call_key(context: ToolContext | None, part: str = "") -> str | None:
    """The key of this very call of a tool. A turn that is resumed makes its calls again with the ids that they had, and
    so gets the runs that they started.

    Args:
        context: of the call; None where no agent calls, and there is no key.
        part: tells the runs of a call apart that starts more than one.
    """
    if context is None or context.function_call_id is None:
        return None
    session = context.session
    # A client chooses some of these by itself; nothing but their being the same counts.
    ids = [session.app_name, session.user_id, session.id, context.invocation_id, context.function_call_id]
    ids += [part] if part else []
    return f"tool-{hashlib.sha256(json.dumps(ids).encode()).hexdigest()}"


def iso(moment: Any) -> str:
    """A point in time as text for people: to the second, with zone."""
    return moment.isoformat(sep=" ", timespec="seconds")
