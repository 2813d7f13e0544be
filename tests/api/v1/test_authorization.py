"""The matrix: every route of the description, with every scope and every kind of token that does not count."""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from seezar.access import WEB_AUDIENCE, Access, Scope
from seezar.access.tokens import ALGORITHM
from seezar.settings import Settings
from service.api.app import build_app
from tests.api.v1.server import ApiServer, api_server

# Open to everybody, on purpose: whether the server is well, and where tokens are had.
OPEN = {("GET", "/health"), ("GET", "/ready"), ("POST", "/v1/token"), ("POST", "/v1/token/revoke")}


@dataclass(frozen=True)
class Route:
    """An operation of the description."""

    method: str
    path: str
    scopes: frozenset[str]
    responses: frozenset[str]

    @property
    def url(self) -> str:
        """An address of it; nothing has these names."""
        url = self.path
        for name in (
            "name",
            "account",
            "address",
            "run_id",
            "page_id",
            "confirmation_id",
            "subscription_id",
            "report_id",
            "document_id",
            "collection",
            "extraction",
            "schedule",
            "webhook_id",
            "delivery_id",
        ):
            url = url.replace(f"{{{name}}}", "nothing")
        return url


def _routes() -> list[Route]:
    schema: dict[str, Any] = build_app(Settings(_env_file=None), "postgresql://nowhere/none").openapi()  # pyright: ignore[reportCallIssue]
    return [
        Route(method.upper(), path, frozenset(about.get("x-scopes", [])), frozenset(about["responses"]))
        for path, operations in schema["paths"].items()
        for method, about in operations.items()
    ]


ROUTES = _routes()


@pytest.fixture
async def api(settings: Settings, database_url: str) -> AsyncIterator[ApiServer]:
    async with api_server(settings, database_url) as running:
        yield running


def test_every_route_but_these_names_its_scopes() -> None:
    assert {(route.method, route.path) for route in ROUTES if not route.scopes} == OPEN
    assert len(ROUTES) > 35
    for route in ROUTES:
        assert route.scopes <= set(Scope)
        if route.scopes:
            assert {"401", "403"} <= route.responses, route


async def _statuses(api: ApiServer, token: str | None) -> dict[Route, httpx.Response]:
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=api.root, headers=headers, trust_env=False, timeout=60) as client:
        return {
            route: await client.request(route.method, route.url, headers={"accept": "application/json"})
            for route in ROUTES
            if route.scopes
        }


async def _tokens_that_do_not_count(api: ApiServer) -> dict[str, str | None]:
    access: Access = api.application.access
    made = await access.clients.add("all", list(Scope))
    good = (await access.tokens.issue_here("all")).access_token
    claims = jwt.decode(good, options={"verify_signature": False})
    kid, key = await access.keys.signing()
    stranger = Ed25519PrivateKey.generate()

    def signed(by: Any, **changes: Any) -> str:
        return jwt.encode(claims | changes, by, algorithm=ALGORITHM, headers={"kid": kid})

    revoked = (await access.tokens.issue_here("all")).access_token
    await access.revoke(revoked, client_id=made.client.id)
    await access.clients.add("gone", list(Scope))
    disabled = (await access.tokens.issue_here("gone")).access_token
    await access.clients.disable("gone")
    access.forget_state()
    return {
        "none": None,
        "nonsense": "nonsense",
        "expired": signed(key, exp=time.time() - 3600),
        "not yet": signed(key, nbf=time.time() + 3600),
        "of another audience": (await access.tokens.issue_here("all", audience=WEB_AUDIENCE)).access_token,
        "of another key": signed(stranger),
        "unsigned": f"{good.rpartition('.')[0]}.",
        "revoked": revoked,
        "of a disabled client": disabled,
    }


async def test_no_route_lets_in_a_token_that_does_not_count(api: ApiServer) -> None:
    refused = 0
    for kind, token in (await _tokens_that_do_not_count(api)).items():
        for route, answer in (await _statuses(api, token)).items():
            assert answer.status_code == 401, (kind, route, answer.text)
            assert answer.json()["code"] == "invalid_token", (kind, route)
            assert answer.headers["www-authenticate"].startswith("Bearer"), (kind, route)
            refused += 1
    print(f"figures: authorization: {refused} requests with tokens that do not count, all refused")  # noqa: T201 - the figure


async def test_each_scope_opens_its_routes_and_no_others(api: ApiServer) -> None:
    asked = 0
    for scope in Scope:
        token = await api.token(scope)
        for route, answer in (await _statuses(api, token)).items():
            asked += 1
            may = scope is Scope.ADMIN or route.scopes <= {scope}
            code = answer.json().get("code", "") if answer.status_code == 403 else ""
            assert (code == "insufficient_scope") != may, (scope, route, answer.status_code, answer.text)
            assert str(answer.status_code) in route.responses, (scope, route, answer.status_code, answer.text)
    print(f"figures: authorization: {asked} requests, each scope on each route, all as documented")  # noqa: T201 - the figure
