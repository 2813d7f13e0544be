"""What the trace tab of ADK's own servers shows: they keep the spans of their process in memory, as they are."""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult

from seezar.telemetry.logs import without_secrets
from seezar.telemetry.masking import masked_span

_MARK = "__seezar_masked__"


def mask_trace_tab() -> None:
    """Let both keepers of ADK's servers keep masked spans only; the second call changes nothing."""
    from google.adk.cli import api_server

    for keeper in (api_server.ApiServerSpanExporter, api_server.InMemoryExporter):
        if not hasattr(keeper.export, _MARK):
            # ADK makes them itself and offers no place for another.
            setattr(keeper, "export", _masking(keeper.export))  # noqa: B010 - its type says that it is not assigned to


def _masking(
    export: Callable[[Any, Sequence[ReadableSpan]], SpanExportResult],
) -> Callable[[Any, Sequence[ReadableSpan]], SpanExportResult]:
    @wraps(export)
    def masking(self: Any, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return export(self, [masked_span(span, without_secrets) for span in spans])

    setattr(masking, _MARK, True)
    return masking
