"""JSON for DBOS rows: never pickle, never the text of an error that we did not write ourselves."""

import json
from datetime import UTC, datetime
from typing import Any

from dbos import Serializer

from seezar.errors import SeezarError

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


def _encode(value: Any) -> Any:
    if isinstance(value, datetime):
        return {_DATETIME: value.astimezone(UTC).isoformat()}
    if isinstance(value, SeezarError):
        return {_EXCEPTION: [value.status, str(value)]}
    if isinstance(value, WorkflowFailed):
        return {_EXCEPTION: [value.status, value.message]}
    if isinstance(value, BaseException):
        # The message of a foreign error may hold what was typed; its type must do.
        return {_EXCEPTION: ["error", f"{type(value).__name__} in the worker; its log has more."]}
    raise TypeError(f"{type(value).__name__} does not go into a workflow row")


def _decode(value: dict[str, Any]) -> Any:
    if _EXCEPTION in value:
        status, message = value[_EXCEPTION]
        return WorkflowFailed(status, message)
    if _DATETIME in value:
        return datetime.fromisoformat(value[_DATETIME])
    return value
