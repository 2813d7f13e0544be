"""Traces on and off: one provider for the process, every target behind the mask, nothing at all without a target."""

import atexit
import logging
import os
import threading
from collections.abc import Mapping, MutableMapping
from importlib.metadata import version
from typing import TYPE_CHECKING

from seezar.telemetry.logs import know_environment
from seezar.telemetry.revealed import revealed
from seezar.telemetry.spans import spans
from seezar.telemetry.targets import Target, targets

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

_log = logging.getLogger("seezar.telemetry")

# A receiver that hangs costs one batch so long, in a thread of its own.
_SEND_S = 5.0
# How much of a trace a killed process loses.
_EVERY_MS = 1000
# What is not sent by then when a process ends is lost.
_FLUSH_S = 2.0
# ADK reads these as well and would send its spans, logs and metrics there as they are.
_READ_BY_ADK = (
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
    "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
)


class Telemetry:
    """The traces of this process.

    Attributes:
        found: where they go.
    """

    def __init__(self) -> None:
        self.found: list[Target] = []
        self._read: dict[str, str] = {}
        self._provider: TracerProvider | None = None
        self._ending = threading.Event()
        self._ended = threading.Event()

    def start(self, role: str, environ: MutableMapping[str, str] | None = None) -> bool:
        """Begin to send traces to the targets that the environment names; the second call changes nothing.

        Args:
            role: what this process is: worker, agents, api, cli.
            environ: None takes that of the process. What ADK would read in it is taken out; processes that are started
                from here get it through `environment`.

        Returns:
            Whether there is a target; without one, nothing was loaded and nothing is recorded.

        Raises:
            SettingsInvalid: the address of a target cannot be one.
        """
        if self._provider is not None:
            return True
        environ = os.environ if environ is None else environ
        self.found = targets(environ)
        if not self.found:
            return False
        self._read = {name: environ.pop(name) for name in _READ_BY_ADK if name in environ}
        know_environment(environ)
        revealed.listening = True
        self._provider = _provider(role, self.found)
        spans.use(self._provider)
        # It stands ready, as a process that ends can begin no thread.
        threading.Thread(target=self._end, args=(self._provider,), name="seezar-traces", daemon=True).start()
        atexit.register(self.stop)
        return True

    def environment(self) -> Mapping[str, str]:
        """What a process that is started from here needs to send its traces to the same targets."""
        return self._read if self._provider is not None else {}

    def stop(self) -> None:
        """Send what is left, for a short while; nothing is recorded from then on."""
        if self._provider is None or self._ending.is_set():
            return
        spans.use(None)
        self._ending.set()
        self._ended.wait(_FLUSH_S)

    def _end(self, provider: "TracerProvider") -> None:
        self._ending.wait()
        # Its own time limit covers one target and none of its retries.
        provider.shutdown()
        self._ended.set()


def _provider(role: str, found: list[Target]) -> "TracerProvider":
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    from seezar.telemetry.masking import MaskingExporter
    from seezar.telemetry.processors import AboutProcessor, Ids

    # It tells every failed batch with a traceback; that traces do not arrive is told once, by us.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    # Sampling, limits and further attributes come from the variables of OpenTelemetry, which its SDK reads.
    resource = Resource.create({"service.name": "seezar", "service.version": version("seezar"), "seezar.role": role})
    provider = TracerProvider(resource=resource, id_generator=Ids(), shutdown_on_exit=False)
    provider.add_span_processor(AboutProcessor())
    for target in found:
        exporter = OTLPSpanExporter(endpoint=target.url, headers=dict(target.headers), timeout=_SEND_S)
        provider.add_span_processor(
            BatchSpanProcessor(
                MaskingExporter(exporter, revealed.redactor, name=target.name),
                schedule_delay_millis=_EVERY_MS,
                export_timeout_millis=1000 * _SEND_S,
            )
        )
    trace.set_tracer_provider(provider)
    return provider


telemetry = Telemetry()
"""That of this process."""
