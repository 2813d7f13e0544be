"""Traces of agents: OpenInference's instrumentation of ADK, over the provider of this process."""

import os

from seezar.telemetry.setup import telemetry

# With the second version ADK makes no span of its own for a model call, and the instrumentation, which suppresses the
# one that there is, would write what it knows of it to the agent's span.
_SCHEMA = "ADK_TELEMETRY_SCHEMA_VERSION_OPT_IN"
_FIRST = "1"


def start() -> None:
    """Trace what the agents of this process do, if the environment names a target; the second call changes nothing.

    Raises:
        SettingsInvalid: the address of a target cannot be one.
    """
    if not telemetry.start("agents"):
        return
    os.environ[_SCHEMA] = _FIRST
    from openinference.instrumentation.google_adk import GoogleADKInstrumentor
    from opentelemetry import trace

    instrumentor = GoogleADKInstrumentor()
    if not instrumentor.is_instrumented_by_opentelemetry:
        instrumentor.instrument(tracer_provider=trace.get_tracer_provider())
