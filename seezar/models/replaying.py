"""Replaying a recording: the same requests get the same answers, nobody is asked, and no key is needed."""

import asyncio
import difflib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from seezar.errors import SeezarError
from seezar.models import errors, litellm_import
from seezar.models.errors import ModelRecordingInvalid, ModelReplayMismatch
from seezar.models.recording import HEAD, get, mapped, plain, put, texts_in_pieces
from seezar.models.tape import Embeddings
from seezar.models.varying import Marks, put_back

# Of a difference; more of them help nobody.
_MOST_LINES = 120


@dataclass(slots=True)
class _Exchange:
    """A request of the recording and what was answered."""

    call: str
    asked: dict[str, Any]
    line: int
    answer: dict[str, Any] = field(default_factory=dict[str, Any])


class Replay:
    """Answers from a recording, in its order.

    Args:
        file: what `Recorder` wrote.
        redact: as when it was recorded.

    Raises:
        ModelRecordingInvalid: it cannot be read; names the line.
    """

    def __init__(self, file: Path, redact: Callable[[str], str]) -> None:
        self._path = file
        self._redact = redact
        self._exchanges = _read(file)
        self._next = 0
        self._then, self._now = Marks(), Marks()
        # What stands now for a value of the recording.
        self._instead: dict[str, str] = {}

    async def completion(self, request: dict[str, Any], ask: Callable[[], Awaitable[Any]]) -> Any:
        """See `Tape.completion`; `ask` is never called.

        Raises:
            ModelReplayMismatch: another request was recorded here, or none.
            SeezarError: what was raised when it was recorded.
        """
        answer = self._answer("completion", request)
        litellm = await asyncio.to_thread(litellm_import.load)
        if "pieces" in answer:
            return _streamed(litellm, self._pieces_now(answer["pieces"]), answer.get("error"))
        if "error" in answer:
            raise _error(answer["error"])
        return litellm.ModelResponse(**mapped(answer["whole"], self._put_back))

    async def embedding(self, request: dict[str, Any], ask: Callable[[], Awaitable[Embeddings]]) -> Embeddings:
        """See `Tape.embedding`; as `completion`."""
        answer = self._answer("embedding", request)
        if "error" in answer:
            raise _error(answer["error"])
        return Embeddings(answer["embedding_model"], answer["vectors"])

    def _answer(self, call: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """What was answered to this request, which must be the next one of the recording."""
        now = mapped(plain(request), self._redact)
        if self._next == len(self._exchanges):
            raise ModelReplayMismatch(
                f"The recording {self._path} has no more answers: it ends after {self._next} requests.\n"
                + "\n".join(_lines(call, now)[:_MOST_LINES]),
                kept="Nothing was sent.",
                next_step="Record the conversation anew.",
            )
        exchange = self._exchanges[self._next]
        then, values_then = self._then.marked("\n".join(_lines(exchange.call, exchange.asked)))
        marked, values_now = self._now.marked("\n".join(_lines(call, now)))
        if then != marked:
            raise ModelReplayMismatch(
                f"Request {self._next + 1} is not the one of line {exchange.line} of the recording {self._path}:\n"
                + _difference(then, marked),
                kept="Nothing was sent.",
                next_step="Record the conversation anew if the difference is meant.",
            )
        self._next += 1
        self._instead.update(zip(values_then, values_now, strict=True))
        if not exchange.answer:
            raise ModelReplayMismatch(
                f"The recording {self._path} holds no answer to the request of line {exchange.line}.",
                kept="Nothing was sent.",
                next_step="Record the conversation anew.",
            )
        return exchange.answer

    def _put_back(self, text: str) -> str:
        return put_back([text], self._instead)[0]

    def _pieces_now(self, pieces: Sequence[Any]) -> list[Any]:
        texts = texts_in_pieces(pieces)
        changed = [mapped(piece, self._put_back) for piece in pieces]
        for places in texts.values():
            parts = put_back([get(pieces[n], place) for n, place in places], self._instead)
            for (n, place), part in zip(places, parts, strict=True):
                put(changed[n], place, part)
        return changed


async def _streamed(litellm: Any, pieces: Sequence[Any], error: Mapping[str, str] | None) -> AsyncIterator[Any]:
    for piece in pieces:
        yield litellm.types.utils.ModelResponseStream(**piece)
    if error is not None:
        raise _error(error)


def _error(told: Mapping[str, str]) -> SeezarError:
    """The error that was raised when it was recorded."""
    known = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, SeezarError)]
    kind = next((kind for kind in known if kind.status == told["status"]), SeezarError)
    return kind(told["what"], kept=told["kept"], next_step=told["next_step"])


def _lines(call: str, request: Mapping[str, Any]) -> list[str]:
    """A request as a person compares it: message by message, tools by their names."""
    lines = [f"{call} of {request.get('model', 'any model')}"]
    for number, message in enumerate(cast("Sequence[dict[str, Any]]", request.get("messages", ())), start=1):
        rest = {key: value for key, value in message.items() if key not in ("role", "content", "tool_calls")}
        lines.append(f"message {number}, {message.get('role')}{f' {_text(rest)}' if rest else ''}:")
        lines += [f"  {line}" for line in _text(message.get("content") or "").splitlines()]
        for each in message.get("tool_calls") or ():
            function = each.get("function", {})
            lines.append(f"  calls {function.get('name')} ({each.get('id')}): {function.get('arguments')}")
    for text in cast("Sequence[Any]", request.get("input", ())):
        lines += [f"  {line}" for line in _text(text).splitlines()]
    tools = {_name(tool): tool for tool in cast("Sequence[dict[str, Any]]", request.get("tools", ()))}
    lines += [f"tool {name}: {_text(tools[name])}" for name in sorted(tools)]
    shown = {"model", "messages", "input", "tools"}
    return lines + [f"{key}: {_text(request[key])}" for key in sorted(request.keys() - shown)]


def _name(tool: Mapping[str, Any]) -> str:
    return str(tool.get("function", {}).get("name", ""))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def _difference(then: str, now: str) -> str:
    lines = list(difflib.unified_diff(then.splitlines(), now.splitlines(), "recorded", "asked now", lineterm="", n=2))
    more = len(lines) - _MOST_LINES
    return "\n".join(lines[:_MOST_LINES] + ([f"… {more} more lines"] if more > 0 else []))


def _read(file: Path) -> list[_Exchange]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise _invalid(file, error.strerror or "it cannot be read") from None
    except UnicodeDecodeError:
        raise _invalid(file, "it is not UTF-8 text") from None
    exchanges: dict[int, _Exchange] = {}
    for number, line in enumerate(lines, start=1):
        try:
            said = json.loads(line)
            if number == 1:
                if said != HEAD:
                    raise _invalid(file, "line 1 does not say that it is one, of a version that is known")
            elif "request" in said:
                exchanges[said["request"]] = _Exchange(str(said["call"]), dict(said["asked"]), number)
            else:
                _check(said)
                exchanges[said["answer"]].answer = said
        except (ValueError, TypeError, KeyError):
            raise _invalid(file, f"line {number} is damaged") from None
    if not lines:
        raise _invalid(file, "it is empty")
    return [exchanges[key] for key in sorted(exchanges)]


def _check(answer: Mapping[str, Any]) -> None:
    """That the line of an answer holds one.

    Raises:
        KeyError, TypeError: it does not.
    """
    if not any(key in answer for key in ("whole", "pieces", "vectors", "error")):
        raise KeyError
    for each in (*answer.get("pieces", ()), *([answer["whole"]] if "whole" in answer else ())):
        if not isinstance(each, dict):
            raise TypeError
    if "error" in answer:
        _error(answer["error"])


def _invalid(file: Path, reason: str) -> ModelRecordingInvalid:
    return ModelRecordingInvalid(
        f"The recording {file} cannot be replayed: {reason}.",
        kept="Nothing was sent to any model.",
        next_step="Record it anew (SEEZAR_MODEL_RECORDING_MODE=record), or name another file.",
    )
