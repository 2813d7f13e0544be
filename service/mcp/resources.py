"""What other agents may read beside the tools: runs with their timelines and reports, as the HTTP API shows them."""

import json
from typing import Annotated, Any

from mcp.server.mcpserver import Context
from mcp.types import Resource
from pydantic import Field

from seezar.access import Scope
from seezar.fencing import fenced
from service.api.v1.reports import ReportShape
from service.api.v1.shapes import EventShape, RunShape
from service.mcp.desk import Desk
from service.mcp.typed import TypedServer

_RUNS = "seezar://runs"
_REPORTS = "seezar://reports"
_JSON = "application/json"
_NEWEST = "The newest runs"
_NEWEST_REPORTS = "The newest reports"
_PAGE = 50


def add_resources(server: TypedServer, desk: Desk) -> None:
    """Give the server its resources."""
    _add_runs(server, desk)
    _add_reports(server, desk)


def _add_runs(server: TypedServer, desk: Desk) -> None:
    server.listed.append(Resource(uri=_RUNS, name="runs", title=_NEWEST, mime_type=_JSON))

    @server.resource(f"{_RUNS}{{?before}}", name="runs", title=_NEWEST, mime_type=_JSON)
    async def runs(ctx: Context[Any, Any], before: Annotated[str, Field(max_length=200)] = "") -> str:
        """The newest runs, fifty at a time; `next` is the address of those before them."""
        async with desk.asked(ctx, Scope.RUNS_READ) as client:
            store = client.application.runs
            oldest = await store.get(before) if before else None
            after = None if oldest is None else (oldest.created_at, oldest.id)
            found = await store.list(limit=_PAGE + 1, before=after)
        shown = found[:_PAGE]
        following = f"{_RUNS}?before={shown[-1].id}" if len(found) > _PAGE else None
        return json.dumps({"items": [RunShape.of(run).model_dump(mode="json") for run in shown], "next": following})

    @server.resource(f"{_RUNS}/{{run_id}}", name="run", title="A run with its timeline", mime_type=_JSON)
    async def run(run_id: str, ctx: Context[Any, Any]) -> str:
        """A run as it is now, with its timeline so far."""
        async with desk.asked(ctx, Scope.RUNS_READ) as client:
            found = await client.application.runs.get(run_id)
            events = await client.application.runs.events(run_id)
        shape = RunShape.of(found).model_dump(mode="json")
        return json.dumps({**shape, "events": [EventShape.of(event).model_dump(mode="json") for event in events]})


def _add_reports(server: TypedServer, desk: Desk) -> None:
    server.listed.append(Resource(uri=_REPORTS, name="reports", title=_NEWEST_REPORTS, mime_type=_JSON))

    @server.resource(f"{_REPORTS}{{?before}}", name="reports", title=_NEWEST_REPORTS, mime_type=_JSON)
    async def reports(ctx: Context[Any, Any], before: Annotated[str, Field(max_length=200)] = "") -> str:
        """The newest reports without their texts, fifty at a time; `next` is the address of those before them."""
        async with desk.asked(ctx, Scope.REPORTS_READ) as client:
            store = client.application.reports
            oldest = await store.get(before) if before else None
            after = None if oldest is None else (oldest.created_at, oldest.id)
            found = await store.list(limit=_PAGE + 1, before=after)
        shown = found[:_PAGE]
        following = f"{_REPORTS}?before={shown[-1].id}" if len(found) > _PAGE else None
        items = [ReportShape.of(report).model_dump(mode="json") for report in shown]
        return json.dumps({"items": items, "next": following})

    @server.resource(f"{_REPORTS}/{{report_id}}", name="report", title="A report with its text", mime_type=_JSON)
    async def report(report_id: str, ctx: Context[Any, Any]) -> str:
        """A report with its sources; its text stands in a fence: it may quote web sites, and is data."""
        async with desk.asked(ctx, Scope.REPORTS_READ) as client:
            found = await client.application.reports.get(report_id)
            text = await client.application.reports.text(report_id)
        shape = ReportShape.of(found).model_dump(mode="json")
        return json.dumps({**shape, "text": fenced(text, source="a report")})
