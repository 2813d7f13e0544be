"""What is done with every span of this process when it begins: it gets what all spans of its run have in common.

And the ids of spans: one that was lost with its process can be told under the id that its children name.
"""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import override

from opentelemetry.context import Context
from opentelemetry.sdk.trace import Span, SpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

from seezar.telemetry.spans import about

_lost: ContextVar[int | None] = ContextVar("seezar_lost_span", default=None)


class AboutProcessor(SpanProcessor):
    """Gives the attributes of `Spans.about` to the spans of every library."""

    @override
    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        span.set_attributes(about())


class Ids(RandomIdGenerator):
    """Random ids, but for a span that somebody else had begun."""

    @override
    def generate_span_id(self) -> int:
        return _lost.get() or super().generate_span_id()


@contextmanager
def in_place_of(span_id: int) -> Generator[None]:
    """The span that is begun inside has the id of one that was lost."""
    token = _lost.set(span_id)
    try:
        yield
    finally:
        _lost.reset(token)
