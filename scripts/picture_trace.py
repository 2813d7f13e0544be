"""Draw docs/images/trace.svg, and print the same as text: the spans of "sign in to demo-mail" in a chat.

A world of its own is brought up for it: database, worker, playground, and a collector on loopback.

    .venv/bin/python scripts/picture_trace.py
"""

import asyncio
import os
import shutil
import socket
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Sequence
from html import escape
from pathlib import Path

from playground.collector import Collector, Received, tree
from playground.seed import seed
from playground.server import PlaygroundServer
from seezar.settings import Settings
from service.stopping import stop_database, stop_workers
from workflows.client import Client
from workflows.ground import worker_environment

_ROOT = Path(__file__).resolve().parents[1]
_OUTPUT = _ROOT / "docs" / "images" / "trace.svg"
# The first turn of a process loads LiteLLM, the second is what is drawn.
_SAID = "which accounts are there?\nsign in to demo-mail\nexit\n"
_TURN_S = 120
# Colours of the processes, readable on white and on black.
_COLOURS = {"agents": "#3b7dd8", "worker": "#d9822b"}
_TEXT_WIDTH, _CHART_WIDTH, _ROW, _TOP = 330, 640, 20, 40


async def spans_of_a_turn(collector: Collector) -> list[Received]:
    """What a turn of `adk run` sends.

    Raises:
        TimeoutError: it does not come to its end.
    """
    home = Path(tempfile.mkdtemp(prefix="seezar-picture-"))
    os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.url
    settings = Settings(home=home, smtp_port=_free_port(), database_url=None)
    try:
        async with await Client.connect(settings) as client, PlaygroundServer(smtp_port=settings.smtp_port) as world:
            app = client.application
            await seed(app.accounts, app.vault, app.mail, world.base_url)
            # The first browser of a worker takes its time, and is not what is drawn.
            await client.result(await client.sign_in("demo-password"), timeout=_TURN_S)
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "google.adk.cli", "run", str(_ROOT / "agents" / "coordinator")),
                env=worker_environment(settings),
                cwd=home,
                stdin=PIPE,
                stdout=DEVNULL,
                stderr=DEVNULL,
            )
            await asyncio.wait_for(process.communicate(_SAID.encode()), _TURN_S)
            await asyncio.to_thread(
                collector.wait, lambda spans: any(s.name == "finish" and _is_of_chat(s, spans) for s in spans)
            )
    finally:
        await asyncio.to_thread(_end, settings)
    chat = [span.trace for span in collector.spans if span.name.startswith("invocation [")][-1]
    return [span for span in collector.spans if span.trace == chat]


def _is_of_chat(span: Received, spans: Sequence[Received]) -> bool:
    return any(other.trace == span.trace and other.name.startswith("invocation [") for other in spans)


def _end(settings: Settings) -> None:
    stop_workers(settings)
    stop_database(settings)
    shutil.rmtree(settings.home, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def as_text(rows: Sequence[tuple[int, Received]]) -> str:
    """One line a span: how long it took, the process, the name."""
    return "\n".join(
        f"{(span.ended - span.began) / 1e6:7.0f} ms  {span.resource['seezar.role']:6}  {'  ' * depth}{span.name}"
        for depth, span in rows
    )


def as_svg(rows: Sequence[tuple[int, Received]]) -> str:
    """The same as bars over time."""
    began, ended = min(span.began for _, span in rows), max(span.ended for _, span in rows)
    width, height = _TEXT_WIDTH + _CHART_WIDTH + 70, _TOP + _ROW * len(rows) + 10
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"',
        '  font-family="monospace" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    for number, (role, colour) in enumerate(_COLOURS.items()):
        x = 10 + 160 * number
        parts.append(f'<rect x="{x}" y="12" width="12" height="12" rx="2" fill="{colour}"/>')
        name = "the chat (adk run)" if role == "agents" else "the worker"
        parts.append(f'<text x="{x + 18}" y="22" fill="#333333">{name}</text>')
    for row, (depth, span) in enumerate(rows):
        y = _TOP + _ROW * row
        left = _TEXT_WIDTH + _CHART_WIDTH * (span.began - began) / (ended - began)
        length = max(2.0, _CHART_WIDTH * (span.ended - span.began) / (ended - began))
        colour = _COLOURS[span.resource["seezar.role"]]
        parts.append(f'<text x="{10 + 9 * depth}" y="{y + 14}" fill="#222222">{escape(span.name)}</text>')
        parts.append(
            f'<rect x="{left:.1f}" y="{y + 4}" width="{length:.1f}" height="{_ROW - 8}" rx="2" fill="{colour}"/>'
        )
        told = f"{(span.ended - span.began) / 1e6:.0f} ms"
        parts.append(f'<text x="{left + length + 4:.1f}" y="{y + 14}" fill="#777777" font-size="10">{told}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def main() -> None:
    """Draw it."""
    with Collector() as collector:
        rows = list(tree(asyncio.run(spans_of_a_turn(collector))))
    _OUTPUT.write_text(as_svg(rows), encoding="utf-8")
    sys.stdout.write(f"{as_text(rows)}\n")


if __name__ == "__main__":
    main()
