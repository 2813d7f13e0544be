"""Recording what models are asked and answer, so that it can be replayed without them (`seezar.models.replaying`).

JSON lines, readable by their owner alone: a head, then for each request a line with it and, once it is answered, a line
with the answer. What must not be written is masked first.
"""

import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO, cast

from seezar.errors import SeezarError
from seezar.models.errors import ModelRecordingInvalid
from seezar.models.tape import Embeddings

HEAD = {"format": "seezar model recording", "version": 1}
# Parameters that say how something is asked and not what; keys and headers may be secret.
_LEFT_OUT = frozenset({"timeout", "api_key", "headers", "extra_headers"})
# A text of a streamed answer comes in pieces under one of these names.
_IN_PIECES = frozenset({"content", "reasoning_content", "arguments"})

type Place = tuple[str | int, ...]


class Recorder:
    """Writes what passes. One recording is of one process: requests are told apart by their order.

    Args:
        file: made at the first request; it must not be there.
        redact: masks secrets in a text.
    """

    def __init__(self, file: Path, redact: Callable[[str], str]) -> None:
        self._path = file
        self._redact = redact
        self._file: TextIO | None = None
        self._requests = 0

    async def completion(self, request: dict[str, Any], ask: Callable[[], Awaitable[Any]]) -> Any:
        """See `Tape.completion`.

        Raises:
            ModelRecordingInvalid: the file is there already, or cannot be written.
        """
        number = self._asked("completion", request)
        try:
            answer = await ask()
        except SeezarError as error:
            self._write({"answer": number, "error": told(error)})
            raise
        if request.get("stream"):
            return self._streamed(number, answer)
        self._write({"answer": number, "whole": self._masked(json.loads(answer.model_dump_json()))})
        return answer

    async def embedding(self, request: dict[str, Any], ask: Callable[[], Awaitable[Embeddings]]) -> Embeddings:
        """See `Tape.embedding`."""
        number = self._asked("embedding", request)
        try:
            answer = await ask()
        except SeezarError as error:
            self._write({"answer": number, "error": told(error)})
            raise
        self._write({"answer": number, "embedding_model": answer.model, "vectors": answer.vectors})
        return answer

    async def _streamed(self, number: int, pieces: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """The pieces as they come. They are written when the last one is there: a secret may begin in one and end in
        another.
        """
        kept: list[Any] = []
        end: dict[str, Any] = {}
        try:
            async for piece in pieces:
                kept.append(json.loads(piece.model_dump_json()))
                yield piece
        except SeezarError as error:
            end = {"error": told(error)}
            raise
        finally:
            self._write({"answer": number, "pieces": self._masked_pieces(kept)} | end)

    def _asked(self, call: str, request: Mapping[str, Any]) -> int:
        self._requests += 1
        self._write({"request": self._requests, "call": call, "asked": self._masked(plain(request))})
        return self._requests

    def _masked(self, value: Any) -> Any:
        return mapped(value, self._redact)

    def _masked_pieces(self, pieces: list[Any]) -> list[Any]:
        masked = [self._masked(piece) for piece in pieces]
        for places in texts_in_pieces(pieces).values():
            whole = self._redact("".join(get(pieces[n], place) for n, place in places))
            if whole != "".join(get(masked[n], place) for n, place in places):
                for at, (n, place) in enumerate(places):
                    put(masked[n], place, "" if at else whole)
        return masked

    def _write(self, line: Mapping[str, Any]) -> None:
        try:
            if self._file is None:
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
                self._file = os.fdopen(os.open(self._path, flags, 0o600), "w", encoding="utf-8")
                self._file.write(json.dumps(HEAD) + "\n")
            self._file.write(json.dumps(line, ensure_ascii=False) + "\n")
            self._file.flush()
        except FileExistsError:
            raise ModelRecordingInvalid(
                f"The recording {self._path} is there already.",
                kept="It was not changed, and nothing was sent.",
                next_step="Name another file in SEEZAR_MODEL_RECORDING, or delete this one.",
            ) from None
        except OSError as error:
            raise ModelRecordingInvalid(
                f"The recording {self._path} cannot be written: {error.strerror}.",
                next_step="Name a file in a folder that can be written to.",
            ) from None


def plain(request: Mapping[str, Any]) -> dict[str, Any]:
    """A request as JSON can hold it, without what has no influence on the answer."""
    said = {key: value for key, value in request.items() if value is not None and key not in _LEFT_OUT}
    return json.loads(json.dumps(said, default=_json))


def _json(value: Any) -> Any:
    if isinstance(value, type):
        return value.__qualname__
    dump = getattr(value, "model_dump", None)
    return dump(exclude_none=True) if dump else str(value)


def told(error: SeezarError) -> dict[str, str]:
    """An error as a recording holds it."""
    return {"status": error.status, "what": error.what, "kept": error.kept, "next_step": error.next_step}


def mapped(value: Any, change: Callable[[str], str]) -> Any:
    """A JSON value with every text in it changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: mapped(each, change) for key, each in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [mapped(each, change) for each in cast("list[Any]", value)]
    return value


def texts_in_pieces(pieces: Sequence[Any]) -> dict[Place, list[tuple[int, Place]]]:
    """Where the parts of each text of a streamed answer are: the number of the piece, and the place in it."""
    found: dict[Place, list[tuple[int, Place]]] = {}
    for number, piece in enumerate(pieces):
        for name, place in _texts(piece, (), ()):
            found.setdefault(name, []).append((number, place))
    return found


def _texts(value: Any, name: Place, place: Place) -> list[tuple[Place, Place]]:
    """Name and place of each; a call is named by its index, since a piece may hold the third one alone."""
    if isinstance(value, list):
        parts = [(_index(each, n), n, each) for n, each in enumerate(cast("list[Any]", value))]
    elif isinstance(value, dict):
        parts = [(key, key, each) for key, each in cast("dict[str, Any]", value).items()]
    else:
        return [(name, place)] if isinstance(value, str) and place[-1] in _IN_PIECES else []
    return [text for called, key, each in parts for text in _texts(each, (*name, called), (*place, key))]


def _index(value: Any, position: int) -> int:
    index = cast("dict[str, Any]", value).get("index") if isinstance(value, dict) else None
    return index if isinstance(index, int) else position


def get(value: Any, place: Place) -> Any:
    """What is at a place of a JSON value."""
    for key in place:
        value = value[key]
    return value


def put(value: Any, place: Place, new: Any) -> None:
    """Put something else at a place."""
    get(value, place[:-1])[place[-1]] = new
