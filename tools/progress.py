"""What a run is doing, told in the chat while the tool that started it still waits for its end."""

import asyncio
import contextvars
import functools
import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, override

from google.adk.events.event import Event
from google.adk.tools.function_tool import FunctionTool
from google.adk.tools.tool_context import ToolContext
from google.genai import types

from seezar.accounts import RunEvent
from tools.answers import Answer
from workflows.client import Client

# Who listens to the tool that is at work; set in the task of that one call.
_listener: contextvars.ContextVar[Callable[[str], None] | None] = contextvars.ContextVar("listener", default=None)
# The call that a streamed tool is.
_call: contextvars.ContextVar[ToolContext | None] = contextvars.ContextVar("call", default=None)

# A sender or a title is somebody else's text: it must not become a link or a picture in a chat that draws Markdown.
_PLAIN = str.maketrans("[]<>", "()‹›")


async def result_of(client: Client, run_id: str, *, timeout: float) -> Answer:
    """The result of a run, as `Client.result`; the chat is told its timeline meanwhile.

    Args:
        timeout: seconds to wait.

    Raises:
        RunUnknown, RunTimedOut, WorkerUnavailable: as `Client.result`.
    """
    tell = _listener.get()
    if tell is None:
        return await client.result(run_id, timeout=timeout)
    run = await client.application.runs.get(run_id)

    def told(event: RunEvent) -> None:
        text = event.message.translate(_PLAIN)
        tell(f"{run.account}: {text}" if run.account else text)

    return await client.result(run_id, timeout=timeout, on_event=told)


class Streamed(FunctionTool):
    """A tool that tells what it does while it does it: a generator for ADK, the last that it yields is its answer.

    ADK 2.13 runs a generator as a node of its own, with a context that has no call: no id for the key of its run,
    nobody to ask for a confirmation. So the generator is given the context of the call.
    """

    @override
    async def run_async(self, *, args: dict[str, Any], tool_context: ToolContext) -> Any:
        token = _call.set(tool_context)
        try:
            return await super().run_async(args=args, tool_context=tool_context)
        finally:
            _call.reset(token)


def streamed[**P](tool: Callable[P, Awaitable[Answer]]) -> Streamed:
    """`tool`, which takes a `tool_context`, as ADK streams it: what `result_of` tells is shown at once.

    The events are partial: a chat shows them, no session stores them, no model gets them.
    """

    @functools.wraps(tool)
    async def stream(*args: P.args, **kwargs: P.kwargs) -> AsyncGenerator[Event | Answer]:
        lines: asyncio.Queue[str | None] = asyncio.Queue()
        context = contextvars.copy_context()
        context.run(_listener.set, lines.put_nowait)
        task = asyncio.get_running_loop().create_task(_answer(tool, *args, **kwargs), context=context)
        task.add_done_callback(lambda _: lines.put_nowait(None))
        try:
            while (line := await lines.get()) is not None:
                # With a line break of Markdown: clients join the texts.
                part = types.Part(text=f"{line}  \n")
                yield Event(partial=True, content=types.Content(role="model", parts=[part]))
            yield await task
        finally:
            task.cancel()

    # ADK looks through a wrapper at what is wrapped, and would take the generator for a coroutine.
    signature = inspect.signature(tool)
    del stream.__wrapped__
    stream.__signature__ = signature.replace(return_annotation=AsyncGenerator[Event | Answer])  # type: ignore[attr-defined] - where inspect looks
    return Streamed(stream)


async def _answer[**P](tool: Callable[P, Awaitable[Answer]], *args: P.args, **kwargs: P.kwargs) -> Answer:
    if (call := _call.get()) is not None:
        kwargs["tool_context"] = call
    return await tool(*args, **kwargs)
