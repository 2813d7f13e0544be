"""The spans of seezar itself, between those of ADK and DBOS; and the trace that a run carries through the queue.

While no target of traces is named, nothing of OpenTelemetry is loaded and nothing is recorded.
"""

import functools
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import TYPE_CHECKING

from seezar.errors import SeezarError

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span, SpanContext, Tracer, TracerProvider

type Attribute = str | bool | int | float

SCOPE = "seezar"
RUN_ID = "seezar.run.id"
ACCOUNT = "seezar.account"
# The names of OpenInference, which Langfuse reads as well.
# https://github.com/Arize-ai/openinference/blob/main/spec/semantic_conventions.md
SPAN_KIND = "openinference.span.kind"
SESSION_ID = "session.id"
USER_ID = "user.id"

_about: ContextVar[Mapping[str, Attribute]] = ContextVar("seezar_about", default={})  # noqa: B039 - never written to


class Spans:
    """Makes spans once a provider is given; before that, all of it does nothing."""

    def __init__(self) -> None:
        self._tracer: Tracer | None = None

    @property
    def on(self) -> bool:
        """Whether spans are recorded."""
        return self._tracer is not None

    def use(self, provider: "TracerProvider | None") -> None:
        """Make spans with `provider` from now on; None makes none."""
        self._tracer = None if provider is None else provider.get_tracer(SCOPE)

    def span(
        self, name: str, attributes: Mapping[str, Attribute] | None = None, *, kind: str = "INTERNAL"
    ) -> "AbstractContextManager[Span | None]":
        """A span around what is done inside; what it raises is told by its type, or by the sentence of a `SeezarError`.

        Args:
            name: what is done: few different ones, without ids.
            attributes: names and numbers, never a value of a secret.
            kind: of OpenTelemetry: INTERNAL, CLIENT, PRODUCER or CONSUMER.

        Returns:
            gives the span; None while nothing is recorded.
        """
        return nullcontext() if self._tracer is None else _around(self._tracer, name, attributes or {}, kind)

    def note(self, attributes: Mapping[str, Attribute]) -> None:
        """Add to the span that is under way."""
        if (span := self.current()) is not None:
            span.set_attributes(attributes)

    def current(self) -> "Span | None":
        """The span that is under way, whoever began it."""
        if self._tracer is None:
            return None
        from opentelemetry.trace import get_current_span

        span = get_current_span()
        return span if span.is_recording() else None

    def carrier(self) -> str | None:
        """What another process needs to go on with the trace that is under way, as the header `traceparent` says it.

        Source: W3C Trace Context, https://www.w3.org/TR/trace-context/
        """
        span = self.current()
        if span is None:
            return None
        context = span.get_span_context()
        return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"

    def link(self, carried: str | None, attributes: Mapping[str, Attribute] | None = None) -> None:
        """Link the span that is under way to another one, named by its `traceparent`."""
        span, other = self.current(), context_of(carried)
        if span is not None and other is not None:
            span.add_link(other, attributes)

    def past(self, name: str, *, began: int) -> None:
        """A span that ends now and that nothing hangs below: of a wait in which a process may die.

        Args:
            began: epoch nanoseconds.
        """
        if self._tracer is not None:
            self._tracer.start_span(name, start_time=began).end()

    def lost(self, name: str, context: "SpanContext", *, began: int, reason: str) -> None:
        """Tell a span that ended with the process it was in, so that what hangs below it hangs below something.

        Args:
            context: of that span.
            began: epoch nanoseconds.
            reason: why it never ended by itself.
        """
        if self._tracer is None or (parent := self.current()) is None:
            return
        from opentelemetry.trace import Status, StatusCode

        from seezar.telemetry.processors import in_place_of

        # Beside the span that is under way, which is what goes on from it.
        above = getattr(parent, "parent", None)
        where = None if above is None else _below(above)
        with in_place_of(context.span_id):
            span = self._tracer.start_span(name, context=where, start_time=began, attributes={"seezar.lost": True})
        span.set_status(Status(StatusCode.ERROR, reason))
        span.end()

    def event(self, name: str, attributes: Mapping[str, Attribute]) -> None:
        """Something that happened, on the span that is under way."""
        if (span := self.current()) is not None:
            span.add_event(name, attributes)

    @contextmanager
    def about(self, attributes: Mapping[str, Attribute | None]) -> Generator[None]:
        """Every span that is begun inside, whoever begins it, has these attributes; None is none."""
        more = {name: value for name, value in attributes.items() if value is not None}
        token = _about.set({**_about.get(), **more})
        try:
            yield
        finally:
            _about.reset(token)


def about() -> Mapping[str, Attribute]:
    """The attributes that every span begun here has."""
    return _about.get()


def asked_by() -> dict[str, str]:
    """The conversation and the user that something is asked for in, as OpenInference's instrumentation of ADK knows
    them: `session.id` and `user.id`, where there are any.
    """
    from openinference.instrumentation import get_attributes_from_context

    return {name: str(value) for name, value in get_attributes_from_context() if name in (SESSION_ID, USER_ID)}


def trace_id(carried: str | None) -> str | None:
    """The id of the trace in a `traceparent`: 32 hex digits."""
    parts = (carried or "").split("-")
    return parts[1] if len(parts) == 4 else None


def context_of(carried: str | None) -> "SpanContext | None":
    """The span that a `traceparent` names; None when it names none."""
    if trace_id(carried) is None:
        return None
    from opentelemetry.trace import SpanContext, TraceFlags

    _, trace, span, flags = str(carried).split("-")
    context = SpanContext(int(trace, 16), int(span, 16), is_remote=True, trace_flags=TraceFlags(int(flags, 16)))
    return context if context.is_valid else None


def context_below(carried: str | None) -> "Context | None":
    """A context in which spans hang below the one that a `traceparent` names; None when it names none."""
    context = context_of(carried)
    return None if context is None else _below(context)


def _below(context: "SpanContext") -> "Context":
    from opentelemetry.trace import NonRecordingSpan, set_span_in_context

    return set_span_in_context(NonRecordingSpan(context))


def traced[**P, R](name: str) -> Callable[[Callable[P, Awaitable[R]]], Callable[P, Awaitable[R]]]:
    """Decorates an async function: each call is a span `name`."""

    def decorated(work: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
        @functools.wraps(work)
        async def around(*args: P.args, **kwargs: P.kwargs) -> R:
            with spans.span(name):
                return await work(*args, **kwargs)

        return around

    return decorated


@contextmanager
def _around(tracer: "Tracer", name: str, attributes: Mapping[str, Attribute], kind: str) -> "Generator[Span]":
    from opentelemetry.trace import SpanKind, Status, StatusCode

    with tracer.start_as_current_span(
        name,
        kind=SpanKind[kind],
        attributes=dict(attributes),
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield span
        except BaseException as error:
            # The text of any other exception may quote anything.
            told = str(error) if isinstance(error, SeezarError) else type(error).__name__
            span.set_status(Status(StatusCode.ERROR, told))
            raise


spans = Spans()
"""Those of this process."""
