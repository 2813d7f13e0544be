"""A Langfuse on loopback that keeps everything in memory: the endpoints that seezar uses, answered as documented.

The shapes are those of the API reference (https://api.reference.langfuse.com); Langfuse's own client is run against
them in the tests. Traces are kept as they arrive, unread.
"""

import asyncio
import secrets
import socket
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from service.serving import HOST, Server, listening_socket

PUBLIC_KEY = "pk-lf-playground"
SECRET_KEY = "sk-lf-playground"
# Dataset runs were made through an endpoint of their own before this version, and are made from traces since.
_RUNS_FROM_TRACES = 4
_TARGETS = ("traceId", "sessionId", "datasetRunId")
type Record = dict[str, Any]


@dataclass
class LangfuseState:
    """What was sent, and how it answers.

    Attributes:
        version: of the server, as `health` tells it.
        answers_with: None to answer; else the status with which everything is refused.
        open: cleared to keep every request waiting.
        datasets: by name.
        items: by id, over all datasets.
        run_items: the links of dataset runs, before version 4.
        scores: by id.
        prompts: by name.
        asked: method and path of every request, in order.
        traces: bodies of OTLP requests.
        trace_headers: of the last of them.
    """

    version: str = "4.50.0"
    answers_with: int | None = None
    open: asyncio.Event = field(default_factory=asyncio.Event)
    datasets: dict[str, Record] = field(default_factory=dict)
    items: dict[str, Record] = field(default_factory=dict)
    run_items: list[Record] = field(default_factory=list)
    scores: dict[str, Record] = field(default_factory=dict)
    prompts: dict[str, Record] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    traces: list[bytes] = field(default_factory=list)
    trace_headers: dict[str, str] = field(default_factory=dict)

    def put_prompt(self, name: str, text: object, *, label: str = "production") -> None:
        """Add a version of a prompt; a text, or the messages of a chat prompt."""
        version = self.prompts.get(name, {"version": 0})["version"] + 1
        kind = "text" if isinstance(text, str) else "chat"
        self.prompts[name] = {
            "type": kind,
            "prompt": text,
            "name": name,
            "version": version,
            "config": {},
            "labels": [label, "latest"],
            "tags": [],
        }

    @property
    def runs_from_traces(self) -> bool:
        """Whether dataset runs come from the attributes of spans and from nowhere else."""
        return int(self.version.partition(".")[0]) >= _RUNS_FROM_TRACES


class LangfuseServer:
    """Listens at a free port of 127.0.0.1 for the time of an `async with` block.

    Attributes:
        state: what it holds.
        url: its address, inside the block.
    """

    def __init__(self, state: LangfuseState | None = None) -> None:
        self.state = state or LangfuseState()
        self.state.open.set()

    async def __aenter__(self) -> Self:
        self._listener: socket.socket = listening_socket(0, what="The playground's Langfuse", variable="PORT")
        self.url = f"http://{HOST}:{self._listener.getsockname()[1]}"
        config = uvicorn.Config(
            _application(self.state), log_level="warning", access_log=False, timeout_graceful_shutdown=1
        )
        self._server = Server(config)
        self._serving = asyncio.create_task(self._server.serve(sockets=[self._listener]), name="langfuse")
        await self._server.listening.wait()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.state.open.set()
        self._server.should_exit = True
        await self._serving
        self._listener.close()

    @property
    def environment(self) -> dict[str, str]:
        """The variables with which seezar finds it."""
        return {
            "LANGFUSE_PUBLIC_KEY": PUBLIC_KEY,
            "LANGFUSE_SECRET_KEY": SECRET_KEY,
            "LANGFUSE_BASE_URL": self.url,
        }


def _application(state: LangfuseState) -> ASGIApp:
    routes = [
        Route("/api/public/health", _health),
        Route("/api/public/v2/datasets", _create_dataset, methods=["POST"]),
        Route("/api/public/dataset-items", _put_item, methods=["POST"]),
        Route("/api/public/dataset-items", _list_items, methods=["GET"]),
        Route("/api/public/dataset-run-items", _create_run_item, methods=["POST"]),
        Route("/api/public/scores", _create_score, methods=["POST"]),
        Route("/api/public/v2/prompts/{name:path}", _prompt),
        Route("/api/public/otel/v1/traces", _traces, methods=["POST"]),
    ]
    application = Starlette(routes=routes)
    application.state.langfuse = state
    return _Gate(application, state)


class _Gate:
    """Notes each request, keeps it waiting or refuses it as the state says, and asks for the keys."""

    def __init__(self, inner: ASGIApp, state: LangfuseState) -> None:
        self._inner = inner
        self._state = state
        self._expected = "Basic " + b64encode(f"{PUBLIC_KEY}:{SECRET_KEY}".encode()).decode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        request = Request(scope)
        self._state.asked.append((request.method, request.url.path))
        await self._state.open.wait()
        answer: ASGIApp = self._inner
        if self._state.answers_with is not None:
            answer = _refusal(self._state.answers_with, "Refused", "as the playground was told")
        elif request.url.path != "/api/public/health" and request.headers.get("authorization") != self._expected:
            answer = _refusal(401, "UnauthorizedError", "Invalid credentials. Confirm that you've configured the keys.")
        await answer(scope, receive, send)


def _refusal(status: int, error: str, message: str) -> JSONResponse:
    return JSONResponse({"error": error, "message": message}, status)


def _state(request: Request) -> LangfuseState:
    return request.app.state.langfuse


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def _health(request: Request) -> Response:
    return JSONResponse({"status": "OK", "version": _state(request).version})


async def _create_dataset(request: Request) -> Response:
    body, datasets = await request.json(), _state(request).datasets
    if not isinstance(body.get("name"), str) or not body["name"]:
        return _refusal(400, "InvalidRequestError", "name is required")
    known = datasets.get(body["name"], {"id": secrets.token_hex(8), "projectId": "playground", "createdAt": _now()})
    datasets[body["name"]] = {
        **known,
        "name": body["name"],
        "description": body.get("description"),
        "metadata": body.get("metadata"),
        "inputSchema": None,
        "expectedOutputSchema": None,
        "updatedAt": _now(),
    }
    return JSONResponse(datasets[body["name"]])


async def _put_item(request: Request) -> Response:
    body, state = await request.json(), _state(request)
    dataset = state.datasets.get(body.get("datasetName"))
    if dataset is None:
        return _refusal(404, "LangfuseNotFoundError", "Dataset not found")
    known = state.items.get(body.get("id") or "", {"createdAt": _now(), "status": "ACTIVE"})
    if known.get("datasetId", dataset["id"]) != dataset["id"]:
        return _refusal(404, "LangfuseNotFoundError", "The item belongs to another dataset")
    identity = body.get("id") or secrets.token_hex(8)
    # What is left out of the request stays as it was.
    told = {name: body[name] for name in ("input", "expectedOutput", "metadata", "status") if name in body}
    state.items[identity] = {
        "input": None,
        "expectedOutput": None,
        "metadata": None,
        **known,
        **told,
        "id": identity,
        "datasetId": dataset["id"],
        "datasetName": dataset["name"],
        "sourceTraceId": None,
        "sourceObservationId": None,
        "mediaReferences": [],
        "updatedAt": _now(),
    }
    return JSONResponse(state.items[identity])


async def _list_items(request: Request) -> Response:
    query = request.query_params
    name, page, limit = query.get("datasetName"), int(query.get("page", 1)), int(query.get("limit", 50))
    found = [item for item in _state(request).items.values() if name in (None, item["datasetName"])]
    meta = {"page": page, "limit": limit, "totalItems": len(found), "totalPages": -(-len(found) // limit)}
    return JSONResponse({"data": found[(page - 1) * limit : page * limit], "meta": meta})


async def _create_run_item(request: Request) -> Response:
    body, state = await request.json(), _state(request)
    if state.runs_from_traces:
        return _refusal(404, "LangfuseNotFoundError", "This endpoint is not available in Langfuse v4")
    if body.get("datasetItemId") not in state.items:
        return _refusal(404, "LangfuseNotFoundError", "Dataset item not found")
    if not body.get("runName") or not body.get("traceId"):
        return _refusal(400, "InvalidRequestError", "runName and traceId are required")
    runs = {item["datasetRunName"]: item["datasetRunId"] for item in state.run_items}
    made: Record = {
        "id": secrets.token_hex(8),
        "datasetRunId": runs.get(body["runName"], secrets.token_hex(8)),
        "datasetRunName": body["runName"],
        "datasetItemId": body["datasetItemId"],
        "traceId": body["traceId"],
        "observationId": body.get("observationId"),
        "createdAt": _now(),
        "updatedAt": _now(),
    }
    state.run_items.append({**made, "metadata": body.get("metadata")})
    return JSONResponse(made)


async def _create_score(request: Request) -> Response:
    body, state = await request.json(), _state(request)
    value, kind = body.get("value"), body.get("dataType", "NUMERIC")
    number = isinstance(value, int | float) and not isinstance(value, bool)
    fits = {"NUMERIC": number, "BOOLEAN": number and value in (0, 1), "CATEGORICAL": isinstance(value, str)}
    if not body.get("name") or not fits.get(kind, False):
        return _refusal(400, "InvalidRequestError", "name or value does not fit")
    if sum(bool(body.get(target)) for target in _TARGETS) != 1:
        return _refusal(400, "InvalidRequestError", f"exactly one of {', '.join(_TARGETS)} is required")
    identity = body.get("id") or secrets.token_hex(8)
    state.scores[identity] = body
    return JSONResponse({"id": identity})


async def _prompt(request: Request) -> Response:
    prompt = _state(request).prompts.get(request.path_params["name"])
    label = request.query_params.get("label", "production")
    if prompt is None or label not in prompt["labels"]:
        name = request.path_params["name"]
        return _refusal(404, "LangfuseNotFoundError", f"Prompt not found: '{name}' with label '{label}'")
    return JSONResponse(prompt)


async def _traces(request: Request) -> Response:
    state = _state(request)
    state.traces.append(await request.body())
    state.trace_headers = dict(request.headers)
    return Response(b"", media_type="application/x-protobuf")
