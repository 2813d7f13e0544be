"""What stands before every exporter: spans without known secrets, and without what looks like one."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import override

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import Link, Status
from opentelemetry.util.types import AttributeValue

from seezar.telemetry.rules import masked

_log = logging.getLogger("seezar.telemetry")


class MaskingExporter(SpanExporter):
    """Hands spans on with every text in them masked. A batch that cannot be masked is dropped, never sent as it is.

    Args:
        inner: sends them.
        known: gives what replaces the secrets that are known at the moment.
        name: of the target, for people.
    """

    def __init__(self, inner: SpanExporter, known: Callable[[], Callable[[str], str]], *, name: str) -> None:
        self._inner = inner
        self._known = known
        self._name = name
        self._failing = False

    @override
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        try:
            redact = self._known()

            def mask(text: str) -> str:
                return masked(redact(text))

            clean = [masked_span(span, mask) for span in spans]
        except Exception as error:  # noqa: BLE001 - whatever it is, the work goes on and nothing leaves
            _log.error("%d spans could not be masked (%s) and were dropped", len(spans), type(error).__name__)
            return SpanExportResult.FAILURE
        result = self._inner.export(clean)
        self._tell(failing=result is not SpanExportResult.SUCCESS)
        return result

    def _tell(self, *, failing: bool) -> None:
        # Once, and once more when it is over: a receiver that is away is no reason to fill a log.
        if failing and not self._failing:
            _log.warning("%s takes no traces at the moment; the work goes on without", self._name)
        elif self._failing and not failing:
            _log.info("%s takes traces again", self._name)
        self._failing = failing

    @override
    def shutdown(self) -> None:
        self._inner.shutdown()

    @override
    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._inner.force_flush(timeout_millis)


def masked_span(span: ReadableSpan, mask: Callable[[str], str]) -> ReadableSpan:
    """A copy of `span` with `mask` done to every text in it."""
    return ReadableSpan(
        name=mask(span.name),
        context=span.get_span_context(),
        parent=span.parent,
        resource=span.resource,
        attributes=_attributes(span.attributes, mask),
        events=[Event(mask(e.name), _attributes(e.attributes, mask), e.timestamp) for e in span.events],
        links=[Link(link.context, _attributes(link.attributes, mask)) for link in span.links],
        kind=span.kind,
        status=Status(span.status.status_code, mask(span.status.description) if span.status.description else None),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _attributes(
    attributes: Mapping[str, AttributeValue] | None, mask: Callable[[str], str]
) -> dict[str, AttributeValue]:
    return {name: _value(value, mask) for name, value in (attributes or {}).items()}


def _value(value: AttributeValue, mask: Callable[[str], str]) -> AttributeValue:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, Sequence):
        return [mask(part) if isinstance(part, str) else part for part in value]  # pyright: ignore[reportReturnType]
    return value
