"""Traces of a process: none configured cost nothing, a receiver that hangs delays nothing, the last are sent too."""

import os
import subprocess
import sys
import time

import pytest

from playground.collector import Collector, Reception

# What a process of ours does: starts, works, ends. The last line of its output is how long it took to end.
_WORK = """
import sys, time
from seezar.telemetry.setup import telemetry
from seezar.telemetry.spans import spans
from seezar.telemetry.revealed import revealed

on = telemetry.start("cli")
with spans.span("outer", {"seezar.account": "demo"}):
    revealed.note("code", "428913")
    with spans.about({"seezar.run.id": "run-1"}), spans.span("inner 428-913"):
        spans.event("typed", {"message": "428913 into the field; the key is " + sys.argv[1]})
print(on, sorted(name for name in sys.modules if name.startswith("opentelemetry"))[:1])
before = time.monotonic()
telemetry.stop()
print(time.monotonic() - before)
"""
_KEY = "gsk-corn-flower-1234"


def worked(**environ: str) -> list[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "LANGFUSE_"))}
    process = subprocess.run(
        [sys.executable, "-c", _WORK, _KEY],
        env={**clean, "GROQ_API_KEY": _KEY, **environ},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert process.stderr in ("", "OTLP takes no traces at the moment; the work goes on without\n"), process.stderr
    return process.stdout.splitlines()


def test_without_a_target_nothing_is_loaded() -> None:
    assert worked()[0] == "False []"


@pytest.mark.parametrize("kind", ["langfuse", "otlp"])
def test_what_was_recorded_is_there_at_the_end_and_masked(kind: str) -> None:
    with Collector() as collector:
        if kind == "langfuse":
            keys = {"LANGFUSE_PUBLIC_KEY": "pk", "LANGFUSE_SECRET_KEY": "sk-lf-corn-flower"}
            worked(**keys, LANGFUSE_BASE_URL=collector.url)
        else:
            worked(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, OTEL_EXPORTER_OTLP_HEADERS="x-tenant=a")
        outer, inner = collector.spans
        path, headers = collector.requests[0]
    assert path == ("/api/public/otel/v1/traces" if kind == "langfuse" else "/v1/traces")
    assert headers["Authorization"].startswith("Basic ") if kind == "langfuse" else headers["x-tenant"] == "a"
    assert (outer.name, outer.parent, inner.parent, inner.trace) == ("outer", "", outer.id, outer.trace)
    assert "seezar.run.id" not in outer.attributes
    assert inner.attributes["seezar.run.id"] == "run-1"
    assert inner.resource["service.name"] == "seezar"
    assert inner.resource["seezar.role"] == "cli"
    sent = b"".join(collector.bodies)
    assert all(secret not in sent for secret in (b"428913", b"428-913", _KEY.encode()))


def test_all_targets_get_all_spans() -> None:
    with Collector() as one, Collector() as other:
        worked(
            OTEL_EXPORTER_OTLP_ENDPOINT=one.url,
            LANGFUSE_PUBLIC_KEY="pk",
            LANGFUSE_SECRET_KEY="sk",
            LANGFUSE_BASE_URL=other.url,
        )
        assert [span.id for span in one.spans] == [span.id for span in other.spans] != []
        # What one of them asks for is no business of the other.
        assert "Authorization" not in one.requests[0][1]


@pytest.mark.parametrize("reception", [Reception.HANGS, Reception.REFUSES])
def test_a_receiver_that_does_not_work_delays_the_end_by_two_seconds_at_most(reception: Reception) -> None:
    with Collector(reception) as collector:
        lines = worked(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
        assert collector.requests
    assert float(lines[1]) < 2.5


def test_a_receiver_that_is_not_there() -> None:
    with Collector() as collector:
        url = collector.url
    began = time.monotonic()
    lines = worked(OTEL_EXPORTER_OTLP_ENDPOINT=url)
    assert lines[0].startswith("True")
    assert time.monotonic() - began < 30


def test_sampling_as_opentelemetry_s_variables_say() -> None:
    with Collector() as collector:
        worked(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, OTEL_TRACES_SAMPLER="parentbased_always_off")
        assert collector.spans == []
