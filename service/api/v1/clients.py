"""`/v1/clients`: who may ask for tokens. For administrators."""

from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field
from starlette.responses import Response

from seezar.access import Caller, Scope
from seezar.access.clients import Client
from service.api.auth import require
from service.api.needs import App
from service.api.paging import Cursor, Limit, Page, page_by
from service.api.problems import documented
from service.api.strict import StrictRoute
from service.api.v1.shapes import NAME, Strict

router = APIRouter(prefix="/v1/clients", tags=["clients"], route_class=StrictRoute)

type Admin = Annotated[Caller, require(Scope.ADMIN)]
type Name = Annotated[str, Path(max_length=80, description="Id or name of a client.")]


class ClientShape(BaseModel):
    """A client."""

    id: str
    name: str
    scopes: list[Scope]
    created_at: datetime
    disabled_at: datetime | None

    @classmethod
    def of(cls, client: Client) -> Self:
        """What is shown of a client."""
        return cls(
            id=client.id,
            name=client.name,
            scopes=sorted(client.scopes),
            created_at=client.created_at,
            disabled_at=client.disabled_at,
        )


class NewClientBody(Strict):
    """A client to make."""

    name: str = Field(pattern=NAME, examples=["deploy-bot"])
    scopes: list[Scope] = Field(min_length=1, max_length=len(Scope))


class ClientPatch(Strict):
    """What is to change; what is left out stays."""

    scopes: list[Scope] | None = Field(default=None, min_length=1, max_length=len(Scope))
    disabled: bool | None = None


class SecretShape(BaseModel):
    """A client with its secret, which is shown this once."""

    client: ClientShape
    secret: str


@router.get("", responses=documented(401, 403, 422, 503))
async def list_clients(app: App, caller: Admin, limit: Limit = 50, cursor: Cursor = None) -> Page[ClientShape]:
    """All clients by name."""
    return page_by(
        await app.access.clients.list(), key=lambda c: c.name, show=ClientShape.of, limit=limit, cursor=cursor
    )


@router.post("", status_code=201, responses=documented(400, 401, 403, 409, 415, 422, 503))
async def add_client(response: Response, app: App, caller: Admin, body: NewClientBody) -> SecretShape:
    """Make a client. Its secret is shown this once."""
    made = await app.access.clients.add(body.name, body.scopes)
    response.headers.update({"location": f"/v1/clients/{made.client.name}", "cache-control": "no-store"})
    app.access.forget_state()
    return SecretShape(client=ClientShape.of(made.client), secret=made.secret)


@router.get("/{name}", responses=documented(401, 403, 404, 422, 503))
async def get_client(app: App, caller: Admin, name: Name) -> ClientShape:
    """A client."""
    return ClientShape.of(await app.access.clients.get(name))


@router.patch("/{name}", responses=documented(400, 401, 403, 404, 415, 422, 503))
async def change_client(app: App, caller: Admin, name: Name, body: ClientPatch) -> ClientShape:
    """Give a client other scopes, disable it with all of its tokens, or enable it again."""
    clients = app.access.clients
    client = await clients.get(name)
    if body.scopes is not None:
        client = await clients.set_scopes(name, body.scopes)
    if body.disabled is not None:
        client = await (clients.disable(name) if body.disabled else clients.enable(name))
    app.access.forget_state()
    return ClientShape.of(client)


@router.post("/{name}/secret", responses=documented(401, 403, 404, 422, 503))
async def rotate_secret(response: Response, app: App, caller: Admin, name: Name) -> SecretShape:
    """Give a client a new secret, shown this once; the old one and all of its tokens no longer count."""
    made = await app.access.clients.rotate_secret(name)
    response.headers["cache-control"] = "no-store"
    app.access.forget_state()
    return SecretShape(client=ClientShape.of(made.client), secret=made.secret)


@router.delete("/{name}/tokens", status_code=204, responses=documented(401, 403, 404, 422, 503))
async def revoke_tokens(app: App, caller: Admin, name: Name) -> None:
    """Take back every token of a client; it may ask for new ones."""
    await app.access.clients.revoke_tokens(name)
    app.access.forget_state()
