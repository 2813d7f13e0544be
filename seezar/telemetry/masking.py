"""What stands before every exporter: spans without known secrets, and without what looks like one."""

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from typing import override

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import Link, Status
from opentelemetry.util.types import AttributeValue

_log = logging.getLogger("seezar.telemetry")

# Shapes of secrets that need not be known: a header that authorizes, a token of three parts (RFC 7519), the key of a
# TOTP generator in its address, the password in an address (RFC 3986), a value that is called by the name of a secret.
# What is masked by value already stands in «», and says which secret it was.
_NAMES = (
    r"pass(?:word|wd|phrase)?|secret|api[_-]?key|access[_-]?token|refresh[_-]?token|set-cookie|cookie|authorization"
)
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9+/_=.~-]{8,}"), r"\1 «masked»"),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"), "«masked»"),
    (re.compile(r"(?i)\b(otpauth://[^\s\"'<>]*?secret=)[A-Z2-7]+"), r"\1«masked»"),
    (re.compile(r"(://[^/\s:@]*:)(?!«)[^/\s@]+(?=@)"), r"\1«masked»"),
    (
        re.compile(rf"(?i)(?<!«)(\b[\w-]*(?:{_NAMES})\\*[\"']?\s*[:=]\s*\\*[\"']?)(?!«)[^\s\"'&,;}}\\]{{4,}}"),
        r"\1«masked»",
    ),
    # In a sentence only what is no ordinary word: "the password is accepted".
    (
        re.compile(r"(?i)\b(pass(?:word|wd|phrase)? is [\"'`]?)(?=[^\s,.;]*[^a-z\s,.;])(?!«)[^\s\"'`,;]{4,}"),
        r"\1«masked»",
    ),
)


def masked(text: str) -> str:
    """`text` without what looks like a secret."""
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


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

            clean = [_span(span, mask) for span in spans]
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


def _span(span: ReadableSpan, mask: Callable[[str], str]) -> ReadableSpan:
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
