"""Traces on and off: one provider for the process, every target behind the mask, nothing at all without a target."""

import logging
import os
import threading
from collections.abc import MutableMapping
from importlib.metadata import version
from typing import TYPE_CHECKING

from seezar.telemetry.secrets import revealed
from seezar.telemetry.targets import Target, targets

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

_log = logging.getLogger("seezar.telemetry")

# A receiver that hangs costs one batch so long, in a thread of its own.
_SEND_S = 5.0
_EVERY_MS = 2000
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
    """The traces of this process."""

    def __init__(self) -> None:
        self._provider: TracerProvider | None = None

    def start(self, role: str, environ: MutableMapping[str, str] | None = None) -> list[Target]:
        """Begin to send traces to the targets that the environment names; the second call changes nothing.

        Args:
            role: what this process is: worker, agents, api, cli.
            environ: None takes that of the process. What ADK would read in it is taken out.

        Returns:
            the targets; without one, nothing was loaded and nothing is recorded.

        Raises:
            SettingsInvalid: the address of a target cannot be one.
        """
        environ = os.environ if environ is None else environ
        found = targets(environ)
        for name in _READ_BY_ADK:
            environ.pop(name, None)
        if found and self._provider is None:
            self._provider = _provider(role, found)
            revealed.listening = True
        return found

    def stop(self) -> None:
        """Send what is left, for a short while."""
        provider, self._provider = self._provider, None
        if provider is None:
            return
        # Its own time limit covers one target and none of its retries.
        flushing = threading.Thread(target=provider.shutdown, name="seezar-traces", daemon=True)
        flushing.start()
        flushing.join(_FLUSH_S)


def _provider(role: str, found: list[Target]) -> "TracerProvider":
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    from seezar.telemetry.masking import MaskingExporter

    # It tells every failed batch with a traceback; that traces do not arrive is told once, by us.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    # Sampling, limits and further attributes come from the variables of OpenTelemetry, which its SDK reads.
    resource = Resource.create({"service.name": "seezar", "service.version": version("seezar"), "seezar.role": role})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
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
