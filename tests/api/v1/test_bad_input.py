"""Requests that are wrong in every way: typed problems, nothing half done, the server goes on."""

import asyncio
import json
from urllib.parse import urlsplit

import pytest

from seezar.access import Scope
from tests.api.v1.server import ApiServer

_JSON = {"content-type": "application/json"}
_GOOD = {"name": "ops", "url": "https://a.example/login", "username": "me"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"{", 400),
        (b"\xff\xfe\x00", 400),
        (b"null", 422),
        (b"[]", 422),
        (b'"text"', 422),
        (b"1e999", 422),
        (b'{"name": NaN}', 400),
        (b'{"name": "ops", "name": "admin", "url": "https://a.example", "username": "me"}', 400),
        (b'{"name": "ops", "url": "https://a.example", "username": "me\\u0000"}', 400),
        (b'{"name": "ops", "url": "https://a.example", "username": "me\\ud800"}', 400),
        (json.dumps({**_GOOD, "admin": True}).encode(), 422),
        (json.dumps({**_GOOD, "name": 7}).encode(), 422),
        (json.dumps({**_GOOD, "name": "Ops"}).encode(), 422),
        (json.dumps({**_GOOD, "name": "ops\u202e"}).encode(), 422),
        (json.dumps({**_GOOD, "name": "о\u0440s"}).encode(), 422),
        (json.dumps({**_GOOD, "url": "javascript:alert(1)"}).encode(), 422),
        (json.dumps({**_GOOD, "url": "http://a.example/"}).encode(), 422),
        (json.dumps({**_GOOD, "url": "https://me:secret@a.example/"}).encode(), 422),
        (json.dumps({**_GOOD, "totp": "not base32!"}).encode(), 422),
        (json.dumps({**_GOOD, "origins": ["https://b.example"] * 21}).encode(), 422),
        (json.dumps({**_GOOD, "keep_alive_s": -1}).encode(), 422),
        (json.dumps({**_GOOD, "keep_alive_s": 10**30}).encode(), 422),
        (json.dumps({**_GOOD, "username": "x" * 321}).encode(), 422),
        (b"[" * 100_000, 413),
        (b"[" * 5000 + b"]" * 5000, 400),
        (b'{"name": "' + b"x" * 70_000 + b'"}', 413),
    ],
)
async def test_bodies(api: ApiServer, body: bytes, status: int) -> None:
    client = await api.client()
    answer = await client.post("/v1/accounts", content=body, headers=_JSON)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert (told["status"], bool(told["code"]), bool(told["request_id"])) == (status, True, True)
    assert "secret" not in answer.text
    assert await api.application.accounts.list() == []


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "application/x-www-form-urlencoded", ""])
async def test_bodies_that_are_no_json(api: ApiServer, kind: str) -> None:
    client = await api.client()
    answer = await client.post("/v1/accounts", content=json.dumps(_GOOD), headers={"content-type": kind})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/nothing", 404),
        ("GET", "/v1/accounts/", 404),
        ("PUT", "/v1/accounts", 405),
        ("GET", "/v1/accounts/%00", 400),
        ("GET", "/v1/runs?account=%00", 400),
        ("GET", "/v1/runs?limit=0", 422),
        ("GET", "/v1/runs?limit=100000", 422),
        ("GET", "/v1/runs?limit=x", 422),
        ("GET", "/v1/runs?since=yesterday", 422),
        ("GET", "/v1/runs?since=2026-01-01T00:00:00", 422),
        ("GET", "/v1/runs?cursor=%FF", 422),
        ("GET", "/v1/runs?cursor=bm9wZQ", 422),
        ("GET", "/v1/runs?account=%F0%9F%A6%84", 200),
        ("GET", "/v1/runs/..%2F..%2Fetc%2Fpasswd", 404),
        ("GET", f"/v1/runs/{'x' * 300}", 422),
        ("GET", "/v1/pages/not-a-uuid", 404),
        ("GET", "/v1/mailboxes/not-an-address", 422),
        ("GET", "/v1/audit?cursor=99999999999999999999", 422),
        ("GET", "/v1/knowledge/search?q=", 422),
    ],
)
async def test_addresses(api: ApiServer, method: str, path: str, status: int) -> None:
    client = await api.client()
    answer = await client.request(method, path)
    assert answer.status_code == status, answer.text
    if status >= 400:
        assert answer.headers["content-type"] == "application/problem+json"


async def test_request_ids_are_plain_words(api: ApiServer) -> None:
    client = await api.client()
    for sent in ("a b", "x" * 65, "é"):
        answer = await client.get("/v1/accounts", headers=[(b"x-request-id", sent.encode())])
        assert answer.headers["x-request-id"] != sent
    assert (await client.get("/v1/accounts", headers={"x-request-id": "a-1"})).headers["x-request-id"] == "a-1"


async def test_pages_elsewhere_are_not_let_in(api: ApiServer) -> None:
    client = await api.client()
    answer = await client.get("/v1/accounts", headers={"origin": "https://evil.example"})
    assert "access-control-allow-origin" not in answer.headers
    asked = await client.options(
        "/v1/accounts", headers={"origin": "https://evil.example", "access-control-request-method": "GET"}
    )
    assert "access-control-allow-origin" not in asked.headers
    assert (await client.get("/v1/accounts", headers={"host": "evil.example"})).status_code == 400


async def test_dropped_connections_leave_nothing_behind(api: ApiServer) -> None:
    token = await api.token(Scope.ADMIN)
    where = urlsplit(api.root)
    for sent in (b'{"name": "ops"', b""):
        reader, writer = await asyncio.open_connection(where.hostname, where.port)
        head = f"POST /v1/accounts HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\n"
        writer.write(head.encode() + b"content-type: application/json\r\ncontent-length: 500\r\n\r\n" + sent)
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        assert reader is not None
    client = await api.client()
    assert (await client.get("/v1/accounts")).json()["items"] == []


async def test_two_at_once_make_one_account(api: ApiServer) -> None:
    client = await api.client()
    answers = await asyncio.gather(*(client.post("/v1/accounts", json=_GOOD) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]
