"""JSON for DBOS rows: never pickle, never the text of an error that we did not write ourselves."""

import json
import logging
import traceback
from datetime import UTC, datetime
from typing import Any

from dbos import Serializer

from seezar.errors import SeezarError

_log = logging.getLogger("seezar.workflows")

_EXCEPTION = "__exception__"
_DATETIME = "__datetime__"


class WorkflowFailed(Exception):
    """An error that came back out of a DBOS row. `status` is that of the `SeezarError` it was, or `error`."""

    def __init__(self, status: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class JsonSerializer(Serializer):
    """What workflows pass and return: JSON values, date-times, and errors reduced to status and message."""

    def name(self) -> str:
        """The name that DBOS stores beside each value."""
        return "seezar_json"

    def serialize(self, data: Any) -> str:
        """`data` as JSON text.

        Raises:
            TypeError: it holds something that JSON does not know; a workflow must pass references instead.
        """
        return json.dumps(data, default=_encode, separators=(",", ":"))

    def deserialize(self, serialized_data: str) -> Any:
        """The value of `serialize`'s text; tuples come back as lists."""
        return json.loads(serialized_data, object_hook=_decode)


def unforeseen(error: BaseException) -> str:
    """One sentence on an error that nobody foresaw; where it happened goes to the log.

    Its own message is neither shown nor logged: it may hold what was typed (Playwright's call logs do).
    """
    where = "".join(traceback.format_tb(error.__traceback__))
    _log.error("unforeseen %s\n%s", type(error).__name__, where)
    return (
        f"Something unforeseen happened in the worker ({type(error).__name__}); its log tells where. Nothing was lost."
    )


def _encode(value: Any) -> Any:
    if isinstance(value, datetime):
        return {_DATETIME: value.astimezone(UTC).isoformat()}
    if isinstance(value, SeezarError):
        return {_EXCEPTION: [value.status, str(value)]}
    if isinstance(value, WorkflowFailed):
        return {_EXCEPTION: [value.status, value.message]}
    if isinstance(value, BaseException):
        return {_EXCEPTION: ["error", unforeseen(value)]}
    raise TypeError(f"{type(value).__name__} does not go into a workflow row")


def _decode(value: dict[str, Any]) -> Any:
    if _EXCEPTION in value:
        status, message = value[_EXCEPTION]
        return WorkflowFailed(status, message)
    if _DATETIME in value:
        return datetime.fromisoformat(value[_DATETIME])
    return value
