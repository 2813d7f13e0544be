"""Puts the HTTP API together."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.middleware.trustedhost import TrustedHostMiddleware

from seezar.application import Application
from seezar.errors import SeezarError
from seezar.settings import Settings
from service.api import health
from service.api.guards import BodyLimit, NoTraceback
from service.api.mail.app import MailApi, build_mail
from service.api.mail.faults import Faults

# A page elsewhere can make a browser send requests here under a name of its own (DNS rebinding); these are refused.
_HOSTS = ["127.0.0.1", "localhost"]


def build_app(settings: Settings, url: str, *, mail_rate: float | None = 8.0, faults: Faults | None = None) -> FastAPI:
    """The application; it opens its connections when it is started, and closes them at the end.

    Args:
        settings: of this process.
        url: of the migrated database.
        mail_rate: requests a second that one client may make to the mail API; None = no limit.
        faults: misbehaviour of the mail API, for tests of clients. Nothing but a caller in Python can set it.
    """
    mail = build_mail(rate=mail_rate, faults=faults or Faults())

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        try:
            # The name counts as a client: the worker and the embedded database stay while the API runs.
            application = await Application.open(settings, url, application_name="seezar-client-api", max_connections=8)
        except SeezarError as error:
            app.state.failure = error
            raise
        async with application, MailApi.opened(mail, application) as api:
            app.state.application, app.state.mail = application, api
            yield

    app = FastAPI(title="seezar", lifespan=lifespan, docs_url=None, redoc_url=None)
    # Why it could not be started.
    app.state.failure = None
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=_HOSTS)
    app.add_middleware(BodyLimit)
    app.add_middleware(NoTraceback)
    app.include_router(health.router)
    app.mount("/mail", mail)
    return app


def mail_api(app: FastAPI) -> MailApi:
    """The mail API of a running application."""
    return app.state.mail


def close_streams(app: FastAPI) -> None:
    """End the event streams that are open, so that the server need not wait for their clients."""
    if hasattr(app.state, "mail"):
        mail_api(app).closing.set()
