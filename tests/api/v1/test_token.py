"""Tokens over HTTP: client credentials, refresh, revocation; errors in OAuth's words."""

import base64

import httpx
import pytest

from seezar.access import Scope
from seezar.access.clients import NewClient
from tests.api.v1.server import ApiServer


@pytest.fixture
async def bot(api: ApiServer) -> NewClient:
    return await api.application.access.clients.add("bot", [Scope.RUNS_READ, Scope.SIGNIN])


@pytest.fixture
async def http(api: ApiServer) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=api.root, trust_env=False, timeout=60)


async def _may(http: httpx.AsyncClient, token: str) -> int:
    return (await http.get("/v1/runs", headers={"authorization": f"Bearer {token}"})).status_code


async def test_a_token_by_form_json_and_basic(http: httpx.AsyncClient, bot: NewClient) -> None:
    fields = {"grant_type": "client_credentials", "client_id": bot.client.id, "client_secret": bot.secret}
    basic = base64.b64encode(f"{bot.client.id}:{bot.secret}".encode()).decode()
    answers = [
        await http.post("/v1/token", data=fields),
        await http.post("/v1/token", json=fields),
        await http.post(
            "/v1/token", data={"grant_type": "client_credentials"}, headers={"authorization": f"Basic {basic}"}
        ),
    ]
    for answer in answers:
        assert answer.status_code == 200, answer.text
        assert answer.headers["cache-control"] == "no-store"
        told = answer.json()
        assert (told["token_type"], told["expires_in"], told["scope"]) == ("Bearer", 900, "runs:read signin")
        assert await _may(http, told["access_token"]) == 200


async def test_fewer_scopes(http: httpx.AsyncClient, bot: NewClient) -> None:
    fields = {"grant_type": "client_credentials", "client_id": "bot", "client_secret": bot.secret}
    told = (await http.post("/v1/token", data={**fields, "scope": "signin"})).json()
    assert told["scope"] == "signin"
    assert await _may(http, told["access_token"]) == 403
    more = await http.post("/v1/token", data={**fields, "scope": "admin"})
    assert (more.status_code, more.json()["error"]) == (400, "invalid_scope")


async def test_refreshing_and_using_a_token_twice(http: httpx.AsyncClient, bot: NewClient) -> None:
    fields = {"grant_type": "client_credentials", "client_id": "bot", "client_secret": bot.secret}
    first = (await http.post("/v1/token", data=fields)).json()
    renewing = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    second = (await http.post("/v1/token", data=renewing)).json()
    assert await _may(http, second["access_token"]) == 200
    again = await http.post("/v1/token", data=renewing)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


async def test_a_token_is_taken_back(api: ApiServer, http: httpx.AsyncClient, bot: NewClient) -> None:
    fields = {"grant_type": "client_credentials", "client_id": "bot", "client_secret": bot.secret}
    mine = {"client_id": "bot", "client_secret": bot.secret}
    told = (await http.post("/v1/token", data=fields)).json()
    other = await api.application.access.clients.add("other", [Scope.RUNS_READ])
    stranger = {"client_id": "other", "client_secret": other.secret, "token": told["access_token"]}
    assert (await http.post("/v1/token/revoke", data=stranger)).status_code == 200
    assert await _may(http, told["access_token"]) == 200
    assert (await http.post("/v1/token/revoke", data={**mine, "token": "nonsense"})).status_code == 200
    assert (await http.post("/v1/token/revoke", data={**mine, "token": told["access_token"]})).status_code == 200
    assert await _may(http, told["access_token"]) == 401
    assert (await http.post("/v1/token/revoke", data={**mine, "token": told["refresh_token"]})).status_code == 200
    renewing = {"grant_type": "refresh_token", "refresh_token": told["refresh_token"]}
    assert (await http.post("/v1/token", data=renewing)).status_code == 400


@pytest.mark.parametrize(
    ("fields", "status", "error"),
    [
        ({}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, 401, "invalid_client"),
        ({"grant_type": "client_credentials", "client_id": "bot", "client_secret": "wrong"}, 401, "invalid_client"),
        ({"grant_type": "client_credentials", "client_id": "nobody", "client_secret": "x"}, 401, "invalid_client"),
        ({"grant_type": "refresh_token", "refresh_token": "nonsense"}, 400, "invalid_grant"),
        ({"grant_type": "refresh_token"}, 400, "invalid_grant"),
        ({"grant_type": "client_credentials", "unknown": "1"}, 400, "invalid_request"),
        ({"grant_type": "client_credentials", "client_id": "\x00", "client_secret": "\x00"}, 400, "invalid_request"),
    ],
)
async def test_what_is_refused_in_the_words_of_oauth(
    http: httpx.AsyncClient, bot: NewClient, fields: dict[str, str], status: int, error: str
) -> None:
    answer = await http.post("/v1/token", data=fields, headers={"content-type": "application/x-www-form-urlencoded"})
    assert (answer.status_code, answer.json()["error"]) == (status, error)


async def test_bodies_that_are_none(http: httpx.AsyncClient) -> None:
    for body, kind in (
        (b"\xff\xfe", "application/x-www-form-urlencoded"),
        (b"a=1&a=2", "application/x-www-form-urlencoded"),
        (b"{", "application/json"),
        (b'{"grant_type": 7}', "application/json"),
        (b"[]", "application/json"),
        (b'{"grant_type": "a", "grant_type": "b"}', "application/json"),
        (b"x", "text/plain"),
    ):
        answer = await http.post("/v1/token", content=body, headers={"content-type": kind})
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request"), body
