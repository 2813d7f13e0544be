"""Puts the HTTP API together."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from seezar.application import Application
from seezar.errors import SeezarError
from seezar.settings import Settings
from service.api import docs_page, health, problems
from service.api.events import written
from service.api.guards import BodyLimit, NoTraceback, PlainAddress
from service.api.hub import EventHub
from service.api.mail.app import MailApi, build_mail
from service.api.mail.faults import Faults
from service.api.request_id import HEADER, RequestId
from service.api.v1 import (
    accounts,
    audit,
    clients,
    confirmations,
    events,
    extractions,
    knowledge,
    mailboxes,
    models,
    pages,
    reports,
    runs,
    schedules,
    sessions,
    sign_ins,
    token,
    webhooks,
)
from service.mcp.http import McpEndpoint, routes
from workflows import engine
from workflows.client import Client

# A page elsewhere can make a browser send requests here under a name of its own (DNS rebinding); these are refused.
_HOSTS = ["127.0.0.1", "localhost"]
# What a page of another origin may send along, where one is let in.
_HEADERS = ("authorization", "content-type", "idempotency-key", "if-match", "if-none-match", "last-event-id")
_VERSION = "1"
_ABOUT = (
    "Sign accounts in, keep their sessions, do the work behind the login. Errors are problem details (RFC 9457); lists "
    "come in pages; every request that starts a run takes an Idempotency-Key."
)
_ROUTERS = (
    token.router,
    accounts.router,
    accounts.sites,
    sign_ins.router,
    runs.router,
    events.router,
    sessions.router,
    pages.router,
    mailboxes.router,
    knowledge.router,
    extractions.router,
    schedules.router,
    reports.router,
    webhooks.router,
    models.router,
    audit.router,
    clients.router,
    confirmations.router,
)


def build_app(settings: Settings, url: str, *, mail_rate: float | None = 8.0, faults: Faults | None = None) -> FastAPI:
    """The application; it opens its connections when it is started, and closes them at the end.

    Args:
        settings: of this process.
        url: of the migrated database.
        mail_rate: requests a second that one client may make to the mail API; None = no limit.
        faults: misbehaviour of the mail API, for tests of clients. Nothing but a caller in Python can set it.
    """
    mcp = McpEndpoint()
    mail = build_mail(rate=mail_rate, faults=faults or Faults())

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        try:
            # The name counts as a client: the worker and the embedded database stay while the API runs.
            application = await Application.open(settings, url, application_name="seezar-client-api", max_connections=8)
        except SeezarError as error:
            app.state.failure = error
            raise
        dbos = engine.client(url)
        hub = EventHub(application.database, application.runs, written)
        try:
            client = Client(application, dbos)
            async with application, MailApi.opened(mail, application) as api, hub.running(), mcp.running(client):
                app.state.application, app.state.mail, app.state.hub = application, api, hub
                app.state.client = client
                yield
        finally:
            await asyncio.to_thread(dbos.destroy)

    app = FastAPI(
        title="seezar",
        version=_VERSION,
        description=_ABOUT,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        separate_input_output_schemas=False,
    )
    # Why it could not be started.
    app.state.failure = None
    app.add_exception_handler(SeezarError, problems.on_seezar)
    app.add_exception_handler(RequestValidationError, problems.on_invalid)
    app.add_exception_handler(HTTPException, problems.on_http)
    _guard(app, settings)
    app.include_router(health.router)
    app.include_router(docs_page.router)
    for router in _ROUTERS:
        app.include_router(router)
    app.router.routes.extend(routes(mcp))
    app.mount("/mail", mail)
    app.openapi = lambda: _described(app)
    return app


def _guard(app: FastAPI, settings: Settings) -> None:
    """What stands before every route; the last one added is the first one met."""
    if settings.api_cors_list:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.api_cors_list),
            allow_methods=["GET", "POST", "PATCH", "DELETE"],
            allow_headers=[*_HEADERS],
            expose_headers=["etag", "location", "retry-after", HEADER],
        )
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=_HOSTS)
    app.add_middleware(PlainAddress)
    app.add_middleware(BodyLimit)
    app.add_middleware(NoTraceback)
    app.add_middleware(RequestId)


def _described(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI description, with what every route has in common."""
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        components = schema.setdefault("components", {}).setdefault("schemas", {})
        described = problems.Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        components.update(described.pop("$defs", {}))
        components["Problem"] = described
        # FastAPI names its own shape for this; ours is another.
        for name in ("HTTPValidationError", "ValidationError"):
            components.pop(name, None)
        for path in schema["paths"].values():
            for operation in path.values():
                common = problems.documented(400, 413, 500)
                operation["responses"] = {**{str(k): v for k, v in common.items()}, **operation["responses"]}
                scopes = [scope for way in operation.get("security", []) for names in way.values() for scope in names]
                if operation.get("security"):
                    operation["x-scopes"] = sorted(scopes)
        app.openapi_schema = schema
    return app.openapi_schema


def mail_api(app: FastAPI) -> MailApi:
    """The mail API of a running application."""
    return app.state.mail


def close_streams(app: FastAPI) -> None:
    """End the event streams that are open, so that the server need not wait for their clients."""
    if hasattr(app.state, "mail"):
        mail_api(app).closing.set()
        app.state.hub.close()
