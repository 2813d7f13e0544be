"""Puts the mail API together: an application of its own, because its errors have the shapes of the original."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from seezar.application import Application
from seezar.errors import SeezarError
from seezar.mail.hosted import HostedMail
from service.api.mail import accounts, domains, events, messages, problems
from service.api.mail.faults import Faults
from service.api.mail.problems import problem
from service.api.mail.rate import Rate


@dataclass
class MailApi:
    """What the routes work with while the application runs.

    Attributes:
        hosted: the accounts and their mail.
        closing: set when the server is about to stop; streams end then.
        streams: open streams of events, by account.
    """

    hosted: HostedMail
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    streams: dict[str, int] = field(default_factory=dict[str, int])

    @staticmethod
    @asynccontextmanager
    async def opened(mail: FastAPI, application: Application) -> "AsyncGenerator[MailApi]":
        """Let `mail` work on the stores of `application` for the time of the block."""
        settings = application.settings
        hosted = HostedMail(
            application.database,
            application.mail.store,
            domains=settings.mail_domain_list,
            quota=settings.mail_quota,
        )
        mail.state.api = api = MailApi(hosted)
        try:
            yield api
        finally:
            api.closing.set()


def build_mail(*, rate: float | None, faults: Faults) -> FastAPI:
    """The mail application; it works inside `MailApi.opened`.

    Args:
        rate: requests a second of one client; None = no limit.
        faults: misbehaviour, for tests of clients.
    """
    # No descriptions of its own: those of the original hold.
    app = FastAPI(title="mail", openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.faults = faults
    app.add_exception_handler(problems.Unauthorised, problems.on_unauthorised)
    app.add_exception_handler(problems.Invalid, problems.on_invalid)
    app.add_exception_handler(HTTPException, problems.on_http)
    app.add_exception_handler(SeezarError, problems.on_seezar)
    app.add_middleware(_Gate, rate=Rate(rate), faults=faults)
    for module in (domains, accounts, messages, events):
        app.include_router(module.router)
    return app


class _Gate:
    """Answers requests that are too many, or that are to fail, in place of the application."""

    def __init__(self, app: ASGIApp, rate: Rate, faults: Faults) -> None:
        self._app = app
        self._rate = rate
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self._refusal(Request(scope)) if scope["type"] == "http" else None
        await (answer or self._app)(scope, receive, send)

    def _refusal(self, request: Request) -> Response | None:
        fault = self._faults.refused()
        if fault == 429:
            after = self._faults.busy_retry_after
            return problem(request, 429, "Too Many Requests", {} if after is None else {"retry-after": str(after)})
        if fault is not None:
            return problem(request, fault, "Bad Gateway")
        if not self._rate.allows(request.client.host if request.client else ""):
            return problem(request, 429, "Too Many Requests", {"retry-after": "1"})
        return None
