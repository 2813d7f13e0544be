"""JSON bodies as RFC 8259 and I-JSON (RFC 7493) have them: nothing is guessed, nothing is silently dropped.

Two readers of `{"name": "a", "name": "b"}` may see two names: one checks, the other acts. So it is refused, as are
numbers that JSON has not, lone surrogates, and bodies that do not say that they are JSON.
"""

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

_DEEPEST = 32


class StrictRequest(Request):
    """A request whose JSON is read strictly."""

    async def json(self) -> Any:
        """The body.

        Raises:
            HTTPException: 400, it is no JSON, or names something twice.
        """
        if not hasattr(self, "_strict_json"):
            self._strict_json = parsed(await self.body())
        return self._strict_json


class StrictRoute(APIRoute):
    """A route that takes JSON only, and reads it strictly."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap FastAPI's own."""
        handler = super().get_route_handler()
        takes_body = self.body_field is not None

        async def strict(request: Request) -> Response:
            # One object for all: a body can be read from the connection once.
            own = StrictRequest(request.scope, request.receive)
            if takes_body:
                sent = own.headers.get("content-type", "").partition(";")[0].strip().lower()
                if sent != "application/json" and await own.body():
                    raise HTTPException(415, "The body must be application/json.")
            return await handler(own)

        return strict


def parsed(body: bytes) -> Any:
    """The value of a JSON text.

    Raises:
        HTTPException: 400.
    """
    try:
        value = json.loads(body.decode("utf-8"), object_pairs_hook=_object, parse_constant=_no_constant)
        _check(value, _DEEPEST)
    except (ValueError, RecursionError) as error:
        why = str(error) if isinstance(error, _Refused) else "it is not JSON in UTF-8"
        raise HTTPException(400, f"The body cannot be read: {why}.") from None
    return value


class _Refused(ValueError):
    """JSON that is well-formed and not taken; its text quotes nothing that was sent."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _Refused("an object has the same name twice")
    return made


def _no_constant(_: str) -> Any:
    raise _Refused("NaN and Infinity are no numbers of JSON")


def _check(value: Any, depth: int) -> None:
    if depth == 0:
        raise _Refused(f"it is nested more than {_DEEPEST} deep")
    if isinstance(value, str):
        if "\0" in value or any("\ud800" <= sign <= "\udfff" for sign in value):
            raise _Refused("a text holds NUL or half of a character")
    elif isinstance(value, dict):
        for name, part in value.items():
            _check(name, depth)
            _check(part, depth - 1)
    elif isinstance(value, list):
        for part in value:
            _check(part, depth - 1)
