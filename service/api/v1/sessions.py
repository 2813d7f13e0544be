"""`/v1/sessions`: what signed-in browsers keep. Taking one out needs a scope of its own, and a person."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from seezar.access import Caller, Scope
from seezar.accounts import SessionInfo
from seezar.errors import NotSignedIn
from service.api.auth import Confirm, require
from service.api.cookies import cookie_header
from service.api.needs import App, Workers
from service.api.paging import Cursor, Limit, Page, page_by
from service.api.problems import documented
from service.api.strict import StrictRoute
from service.api.v1.shapes import NAME, IdempotencyKey, RunShape, Strict, key_of, started

router = APIRouter(prefix="/v1/sessions", tags=["sessions"], route_class=StrictRoute)

type Name = Annotated[str, Path(pattern=NAME, description="Name of the account.", examples=["staging-admin"])]
type Reader = Annotated[Caller, require(Scope.SESSION_READ)]
type Writer = Annotated[Caller, require(Scope.SESSION_WRITE)]
type Exporter = Annotated[Caller, require(Scope.SESSION_EXPORT)]


class SessionShape(BaseModel):
    """A stored session, without what is in it."""

    id: str
    account: str
    run_id: str = Field(description="The run that obtained it.")
    obtained_at: datetime
    verified_at: datetime = Field(description="When the site last accepted it.")
    expires_at: datetime | None = Field(description="When the site's cookies end it, where they say so.")

    @classmethod
    def of(cls, session: SessionInfo) -> Self:
        """What is shown of a session."""
        return cls(**{name: getattr(session, name) for name in cls.model_fields})


class ExportBody(Strict):
    """In which form a session is taken out."""

    format: Literal["storage_state", "cookie_header"] = "storage_state"
    url: str | None = Field(
        default=None, max_length=2000, description="For a cookie header: the page on the account's site to send it to."
    )


class Exported(BaseModel):
    """A session that was taken out. Whoever has it is signed in."""

    account: str
    format: Literal["storage_state", "cookie_header"]
    storage_state: dict[str, Any] | None = Field(default=None, description="As Playwright takes it.")
    cookie_header: str | None = Field(default=None, description="Value of the `Cookie` header for the URL.")
    user_agent: str = Field(description="Of the browser that signed in; some sites tie a session to it.")
    has_session_storage: bool = Field(description="The site keeps something that neither form has a place for.")


@router.get("", responses=documented(401, 403, 422, 503))
async def list_sessions(app: App, caller: Reader, limit: Limit = 50, cursor: Cursor = None) -> Page[SessionShape]:
    """The stored sessions by account."""
    return page_by(await app.sessions.list(), key=lambda s: s.account, show=SessionShape.of, limit=limit, cursor=cursor)


@router.get("/{account}", responses=documented(401, 403, 404, 409, 422, 503))
async def get_session(app: App, caller: Reader, account: Name) -> SessionShape:
    """The stored session of an account; 409 when it has none. Whether it still works, the site knows: see `check`."""
    await app.accounts.get(account)
    session = await app.sessions.info(account)
    if session is None:
        raise NotSignedIn(f"The account {account!r} has no stored session.", next_step="Sign in: POST /v1/sign-ins.")
    return SessionShape.of(session)


@router.post("/{account}/check", status_code=202, responses=documented(401, 403, 404, 422, 503))
async def check(
    response: Response, workers: Workers, caller: Writer, account: Name, key: IdempotencyKey = None
) -> RunShape:
    """Ask the site whether the session still works; one that does not is forgotten."""
    return await started(response, workers, await workers.check_session(account, key=key_of(caller, key)))


@router.delete("/{account}", status_code=202, responses=documented(401, 403, 404, 422, 503))
async def forget(
    response: Response,
    workers: Workers,
    caller: Writer,
    account: Name,
    local: Annotated[bool, Query(description="Do not sign out at the site.")] = False,
    key: IdempotencyKey = None,
) -> RunShape:
    """Sign out at the site and forget the session."""
    return await started(response, workers, await workers.sign_out(account, local=local, key=key_of(caller, key)))


@router.post("/{account}/export", responses=documented(400, 401, 403, 404, 409, 415, 422, 503))
async def export(
    response: Response,
    app: App,
    caller: Exporter,
    confirm: Annotated[Confirm, Depends()],
    account: Name,
    body: ExportBody,
) -> Exported:
    """Take the session out, for a browser or a program of your own. A caller without the scope `confirm` needs a
    person's confirmation. It is written into the audit log first.
    """
    record = await app.accounts.get(account)
    state = await app.sessions.load(account)
    header = cookie_header(state, record, body.url) if body.format == "cookie_header" else None
    await confirm(caller, "export the session of", account, body.model_dump())
    await app.audit.note("session.export", account, format=body.format)
    response.headers["cache-control"] = "no-store"
    return Exported(
        account=account,
        format=body.format,
        storage_state=state.storage if header is None else None,
        cookie_header=header,
        user_agent=state.user_agent,
        has_session_storage=any(state.session_storage.values()),
    )
