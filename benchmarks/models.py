"""The model pool over providers of which three of four fail, against LiteLLM's Router as it comes; turns and start-up.

The providers listen on loopback: one answers 429 with Retry-After, one 500, one never, one does. The Router that it is
compared with has the same deployments and the same timeout (its default of ten minutes would end no benchmark), and
nothing else set. `steady`: a request once the bad ones are known, against one that goes to the good one alone through
`litellm.acompletion`. `agent_turn`: a turn of an agent over the pool, against the same agent over ADK's own `LiteLlm`.
`tracing`: a sign-in that is traced, against one that is not.
`web_start`: `seezar web` until its first page, against `adk web` with an agent that does nothing.
"""

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml
from google.adk.agents import LlmAgent
from google.adk.models.lite_llm import LiteLlm
from google.adk.runners import InMemoryRunner
from google.genai import types

from agents.model import PoolClient, PoolModel
from benchmarks.report import Ratio, Report, parser
from benchmarks.tracing import tracing
from playground.providers import Behaviour, Provider
from seezar.models import litellm_import
from seezar.models.pool import load_pool
from seezar.models.router import ModelRouter

_HELLO = [{"role": "user", "content": "hello"}]
_BAD = (Behaviour.RATE_LIMITED, Behaviour.FAILS, Behaviour.HANGS)
_TIMEOUT_S = 2.0
_RETRY_AFTER_S = 30
# LiteLLM's Router may sleep a minute and more in one request; it gets so long for all of them.
_PATIENCE_S = 180.0
_SETTLED = 20
_START_S = 120.0
_EMPTY_AGENT = "from google.adk.agents import LlmAgent\nroot_agent = LlmAgent(name='empty', model='gemini-2.5-flash')\n"


async def main() -> None:
    """Run the benchmark; see `--help`."""
    options = parser(__doc__ or "")
    options.add_argument("--calls", type=int, default=200, help="requests to each router")
    options.add_argument("--pairs", type=int, default=100, help="pairs for the ratios `steady` and `agent_turn`")
    options.add_argument("--sign-ins", type=int, default=20, help="pairs of sign-ins, with and without traces")
    options.add_argument("--starts", type=int, default=5, help="pairs of servers started")
    arguments = options.parse_args()
    report = Report("models")
    await _warm()
    await _failing(report, arguments.calls)
    await _steady(report, arguments.pairs)
    await _turns(report, arguments.pairs)
    await tracing(report, arguments.sign_ins)
    await asyncio.to_thread(_starts, report, arguments.starts)
    report.write(arguments.json)


async def _warm() -> None:
    """LiteLLM loads much of itself at its first requests."""
    litellm = litellm_import.load()
    async with Provider() as good:
        await litellm.acompletion(model="openai/m", messages=_HELLO, api_base=good.url, api_key="k")


@asynccontextmanager
async def _providers(*behaviours: Behaviour) -> AsyncIterator[list[Provider]]:
    async with AsyncExitStack() as stack:
        made = (Provider(behaviour, retry_after=_RETRY_AFTER_S) for behaviour in behaviours)
        yield [await stack.enter_async_context(provider) for provider in made]


def _entries(providers: list[Provider]) -> list[dict[str, Any]]:
    return [
        {
            "model_name": "fast",
            "litellm_params": {"model": f"openai/m{n}", "api_key": "k", "api_base": provider.url},
            "model_info": {"id": f"d{n}"},
        }
        for n, provider in enumerate(providers)
    ]


def _pool_router(providers: list[Provider]) -> ModelRouter:
    settings = {"timeout": _TIMEOUT_S, "stream_timeout": _TIMEOUT_S}
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        yaml.safe_dump({"model_list": _entries(providers), "router_settings": settings}, file)
        file.flush()
        router = ModelRouter(load_pool(Path(file.name)))
    router.warm_up()
    return router


async def _failing(report: Report, calls: int) -> None:
    """Success, waiting time and hits on bad servers, of both routers."""
    litellm = litellm_import.load()
    for name in ("pool", "litellm"):
        async with _providers(*_BAD, Behaviour.ANSWERS) as providers:
            if name == "pool":
                router: Any = _pool_router(providers)
            else:
                entries = _entries(providers)
                router = litellm.Router(model_list=entries, timeout=_TIMEOUT_S, stream_timeout=_TIMEOUT_S)
            times, failed, until = list[float](), 0, time.monotonic() + _PATIENCE_S
            while len(times) + failed < calls and time.monotonic() < until:
                began = time.perf_counter()
                try:
                    await router.acompletion(model="fast", messages=_HELLO)
                except Exception:  # noqa: BLE001 - of either router: it is counted
                    failed += 1
                else:
                    times.append(time.perf_counter() - began)
            report.figures[f"{name}_requests"] = len(times) + failed
            report.figures[f"{name}_succeeded"] = len(times)
            report.figures[f"{name}_first_ms"] = round(1000 * times[0], 1) if times else None
            report.figures[f"{name}_longest_ms"] = round(1000 * max(times), 1) if times else None
            settled = times[_SETTLED:] or times
            report.figures[f"{name}_settled_ms"] = round(1000 * statistics.median(settled), 1) if settled else None
            report.figures[f"{name}_hits_on_bad"] = [provider.hits for provider in providers[:-1]]


async def _steady(report: Report, pairs: int) -> None:
    litellm = litellm_import.load()
    async with _providers(*_BAD, Behaviour.ANSWERS) as providers:
        router = _pool_router(providers)
        for _ in range(_SETTLED):
            await router.acompletion("fast", _HELLO)
        good = providers[-1]

        async def alone() -> Any:
            await litellm.acompletion(model="openai/m3", messages=_HELLO, api_base=good.url, api_key="k")

        ours, theirs = await _in_turn(pairs, lambda: router.acompletion("fast", _HELLO), alone)
    report.ratios["steady"] = Ratio.of(ours, theirs)
    report.figures["added_ms"] = round(1000 * (statistics.median(ours) - statistics.median(theirs)), 2)


async def _turns(report: Report, pairs: int) -> None:
    async with _providers(Behaviour.ANSWERS) as [good]:
        pool = PoolModel("fast", llm_client=PoolClient(_pool_router([good])))
        bare = LiteLlm(model="openai/m0", api_base=good.url, api_key="k")
        ours, theirs = await _in_turn(pairs, _turn(pool), _turn(bare))
    report.ratios["agent_turn"] = Ratio.of(ours, theirs)
    report.figures["turn_ms"] = round(1000 * statistics.median(ours), 1)


def _turn(model: LiteLlm) -> Callable[[], Awaitable[None]]:
    """A turn of an agent with nothing but its model, in a conversation of its own."""
    runner = InMemoryRunner(agent=LlmAgent(name="empty", model=model), app_name="empty")

    async def turn() -> None:
        session = await runner.session_service.create_session(app_name="empty", user_id="u")
        said = types.Content(role="user", parts=[types.Part(text="hello")])
        async for _ in runner.run_async(user_id="u", session_id=session.id, new_message=said):
            pass

    return turn


async def _in_turn(
    pairs: int, ours: Callable[[], Awaitable[Any]], theirs: Callable[[], Awaitable[Any]]
) -> tuple[list[float], list[float]]:
    times: tuple[list[float], list[float]] = ([], [])
    sides = ((ours, times[0]), (theirs, times[1]))
    for side, _ in sides:
        await side()
    for pair in range(pairs):
        for side, taken in sides if pair % 2 == 0 else reversed(sides):
            began = time.perf_counter()
            await side()
            taken.append(time.perf_counter() - began)
    return times


def _starts(report: Report, pairs: int) -> None:
    """Seconds to the first page of ADK Web, and of `seezar --help`."""
    command = Path(sys.executable).parent
    with tempfile.TemporaryDirectory() as folder:
        home, empty = Path(folder) / "home", Path(folder) / "agents"
        (empty / "empty").mkdir(parents=True)
        (empty / "empty" / "__init__.py").write_text("from . import agent\n")
        (empty / "empty" / "agent.py").write_text(_EMPTY_AGENT)
        env = {**os.environ, "SEEZAR_HOME": str(home), "ADK_DISABLE_LOCAL_STORAGE": "1"}
        seezar = str(command / "seezar")
        ours, theirs, helps = list[float](), list[float](), list[float]()
        # The database and a worker are there already, as for anybody who uses it.
        subprocess.run([seezar, "runs", "list"], env=env, check=True, capture_output=True)
        for pair in range(pairs):
            sides = (([seezar, "web", "--port"], ours), ([str(command / "adk"), "web", str(empty), "--port"], theirs))
            for words, taken in sides if pair % 2 == 0 else reversed(sides):
                taken.append(_until_it_answers(words, env))
            began = time.perf_counter()
            subprocess.run([seezar, "--help"], env=env, check=True, capture_output=True)
            helps.append(time.perf_counter() - began)
        subprocess.run([seezar, "down"], env=env, check=True, capture_output=True)
    report.ratios["web_start"] = Ratio.of(ours, theirs)
    report.figures["web_start_s"] = round(statistics.median(ours), 2)
    report.figures["help_s"] = round(statistics.median(helps), 2)


def _until_it_answers(words: list[str], env: dict[str, str]) -> float:
    """Seconds until the list of its apps comes, which needs their code."""
    port = _free_port()
    began = time.perf_counter()
    process = subprocess.Popen([*words, str(port)], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while time.perf_counter() - began < _START_S:
            try:
                httpx.get(f"http://127.0.0.1:{port}/list-apps", trust_env=False, timeout=_START_S).raise_for_status()
            except httpx.TransportError:
                time.sleep(0.02)
            else:
                return time.perf_counter() - began
        raise RuntimeError(f"{words[0]} did not answer within {_START_S:.0f} s")
    finally:
        process.terminate()
        process.wait(timeout=30)


def _free_port() -> int:
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


if __name__ == "__main__":
    asyncio.run(main())
