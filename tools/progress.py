"""What a run is doing, told in the chat while the tool that started it still waits for its end."""

import asyncio
import contextvars
import functools
import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable

from google.adk.events.event import Event
from google.genai import types

from seezar.accounts import RunEvent
from tools.answers import Answer
from workflows.client import Client

# Who listens to the tool that is at work; set in the task of that one call.
_listener: contextvars.ContextVar[Callable[[str], None] | None] = contextvars.ContextVar("listener", default=None)

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


def streamed[**P](tool: Callable[P, Awaitable[Answer]]) -> Callable[P, AsyncGenerator[Event | Answer]]:
    """A tool as ADK streams it: what `result_of` tells is shown at once, and the last that it yields is its answer.

    The events are partial: a chat shows them, no session stores them, no model gets them. ADK 2.13 runs an async
    generator as a node of its own (`FunctionTool._run_generator_as_node`).
    """

    @functools.wraps(tool)
    async def stream(*args: P.args, **kwargs: P.kwargs) -> AsyncGenerator[Event | Answer]:
        lines: asyncio.Queue[str | None] = asyncio.Queue()
        context = contextvars.copy_context()
        context.run(_listener.set, lines.put_nowait)
        task = asyncio.get_running_loop().create_task(_answer(tool(*args, **kwargs)), context=context)
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
    return stream


async def _answer(answer: Awaitable[Answer]) -> Answer:
    return await answer
