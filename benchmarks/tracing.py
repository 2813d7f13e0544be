"""What traces cost a sign-in: the same one in two worlds in turn, of which one sends its traces to a collector."""

import asyncio
import os
import time
from contextlib import AsyncExitStack

from opentelemetry import trace

from benchmarks.report import Ratio, Report
from benchmarks.world import BenchmarkWorld, make_world
from playground.collector import Collector
from seezar.telemetry.setup import telemetry
from seezar.telemetry.spans import spans

_TIMEOUT_S = 120.0
_PAUSE_S = 1.5


async def tracing(report: Report, pairs: int) -> None:
    """The ratio `tracing`: a sign-in with a mailed code, recorded and sent, against one that is not.

    Raises:
        RuntimeError: a sign-in did not succeed.
    """
    async with AsyncExitStack() as stack:
        collector = stack.enter_context(Collector())
        # Its worker is started before there is a target, so it has none.
        plain = await stack.enter_async_context(make_world())
        telemetry.start("benchmark", os.environ | {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url})
        provider = trace.get_tracer_provider()
        traced = await stack.enter_async_context(make_world())
        times: dict[bool, list[float]] = {True: [], False: []}
        for pair in range(-1, pairs):
            for recorded in (True, False) if pair % 2 else (False, True):
                spans.use(provider if recorded else None)
                # The browser of the one before has closed its page and made another one by then.
                await asyncio.sleep(_PAUSE_S)
                took = await _signed_in(traced if recorded else plain)
                # The first of each is slower than all others.
                if pair >= 0:
                    times[recorded].append(took)
        report.ratios["tracing"] = Ratio.of(times[True], times[False])
        report.figures["spans_of_a_sign_in"] = round(len(collector.spans) / (pairs + 1))
    telemetry.stop()


async def _signed_in(world: BenchmarkWorld) -> float:
    began = time.perf_counter()
    with spans.span("benchmark"):
        run_id = await world.client.sign_in(world.crowd[0].name, fresh=True)
        result = await world.client.result(run_id, timeout=_TIMEOUT_S)
    if result["status"] != "signed_in":
        raise RuntimeError(f"a sign-in ended as {result['status']}: {result['reason']}")
    return time.perf_counter() - began
