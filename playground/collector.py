"""A receiver of traces on loopback: takes OTLP over HTTP as Langfuse and any collector do, and keeps it in memory."""

import gzip
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

_LOOK_EVERY_S = 0.05


class Reception(StrEnum):
    """What it does with every request."""

    TAKES = "takes"
    REFUSES = "refuses"
    HANGS = "hangs"


@dataclass(frozen=True)
class Received:
    """A span that came in.

    Attributes:
        began, ended: epoch nanoseconds.
        parent: its id as `id`; empty for a root.
        links: (trace, span) ids.
        error: the text of its status; None unless that is an error.
        resource: attributes of the process.
    """

    name: str
    trace: str
    id: str
    parent: str
    scope: str
    began: int
    ended: int
    attributes: dict[str, Any]
    events: tuple[tuple[str, dict[str, Any]], ...]
    links: tuple[tuple[str, str], ...]
    error: str | None
    resource: dict[str, Any]


class Collector:
    """Listens on a port of 127.0.0.1 while it is entered, in threads of its own.

    Attributes:
        reception: what it does; may be changed while it runs.
        url: to be `OTEL_EXPORTER_OTLP_ENDPOINT`, or `LANGFUSE_BASE_URL`.
        requests: path and headers of every request.
        bodies: what came, as it came.
    """

    def __init__(self, reception: Reception = Reception.TAKES) -> None:
        self.reception = reception
        self.url = ""
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.bodies: list[bytes] = []
        self._spans: list[Received] = []
        self._lock = threading.Lock()
        self._closing = threading.Event()

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(_LOOK_EVERY_S,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def spans(self) -> list[Received]:
        """What came so far, the first begun first."""
        with self._lock:
            return sorted(self._spans, key=lambda span: span.began)

    def wait(self, until: Callable[[list[Received]], bool], *, timeout: float = 20.0) -> list[Received]:
        """The spans, once they are as wanted.

        Raises:
            TimeoutError: they were not, for so many seconds; names those that came.
        """
        deadline = time.monotonic() + timeout
        while not until(found := self.spans):
            if time.monotonic() > deadline:
                raise TimeoutError(f"of what was waited for came only: {sorted(span.name for span in found)}")
            time.sleep(_LOOK_EVERY_S)
        return found

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        collector = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                status, answer = collector._took(self.path, dict(self.headers), raw)
                # Who was kept waiting is gone by then.
                with suppress(ConnectionError):
                    self.send_response(status)
                    self.send_header("Content-Type", "application/x-protobuf")
                    self.send_header("Content-Length", str(len(answer)))
                    self.end_headers()
                    self.wfile.write(answer)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - named so by its base
                pass

        return Handler

    def _took(self, path: str, headers: dict[str, str], raw: bytes) -> tuple[int, bytes]:
        body = gzip.decompress(raw) if headers.get("Content-Encoding") == "gzip" else raw
        with self._lock:
            self.requests.append((path, headers))
        if self.reception is Reception.HANGS:
            self._closing.wait()
        if self.reception is not Reception.TAKES:
            return 503, b""
        spans = received(body)
        with self._lock:
            self.bodies.append(body)
            self._spans.extend(spans)
        return 200, ExportTraceServiceResponse().SerializeToString()


def received(body: bytes) -> list[Received]:
    """The spans of a request, which is an `ExportTraceServiceRequest` of OTLP.

    Raises:
        google.protobuf.message.DecodeError: it is none.
    """
    return [
        _span(span, of_scope.scope.name, _attributes(of_process.resource.attributes))
        for of_process in ExportTraceServiceRequest.FromString(body).resource_spans
        for of_scope in of_process.scope_spans
        for span in of_scope.spans
    ]


def _span(span: Span, scope: str, resource: dict[str, Any]) -> Received:
    return Received(
        name=span.name,
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        scope=scope,
        began=span.start_time_unix_nano,
        ended=span.end_time_unix_nano,
        attributes=_attributes(span.attributes),
        events=tuple((event.name, _attributes(event.attributes)) for event in span.events),
        links=tuple((link.trace_id.hex(), link.span_id.hex()) for link in span.links),
        error=span.status.message if span.status.code == Status.STATUS_CODE_ERROR else None,
        resource=resource,
    )


def _attributes(pairs: Iterable[KeyValue]) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(part) for part in value.array_value.values]
    return None if kind is None else getattr(value, kind)


def tree(spans: Iterable[Received]) -> Iterator[tuple[int, Received]]:
    """The spans of one trace from the root on, each with its depth; one whose parent is not there is at the top."""
    known = {span.id: span for span in spans}
    below: dict[str, list[Received]] = {}
    for span in sorted(known.values(), key=lambda span: span.began):
        below.setdefault(span.parent if span.parent in known else "", []).append(span)

    def walk(parent: str, depth: int) -> Iterator[tuple[int, Received]]:
        for span in below.get(parent, ()):
            yield depth, span
            yield from walk(span.id, depth + 1)

    return walk("", 0)
