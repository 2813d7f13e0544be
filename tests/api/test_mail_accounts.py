"""Accounts, tokens and domains of the mail API, over HTTP."""

import asyncio
import json
import smtplib
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from seezar.settings import Settings
from tests.api.server import DOMAIN, PASSWORD, MailServer, mail_server

PLAIN = {"accept": "application/json"}
BLANK = "This value should not be blank."
NO_ADDRESS = "This value is not a valid email address."


@pytest.fixture
def web(server: MailServer) -> httpx.AsyncClient:
    """A client without a token."""
    return httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=30)


def violations(answer: httpx.Response) -> list[tuple[str, str]]:
    assert answer.status_code == 422, answer.text
    return [(each["propertyPath"], each["message"]) for each in answer.json()["violations"]]


async def until_answered(web: httpx.AsyncClient, url: str) -> None:
    for _ in range(100):
        if (await web.get(url)).status_code == 200:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("refused for five seconds")


async def test_an_account_is_made_logged_in_and_deleted(server: MailServer, web: httpx.AsyncClient) -> None:
    reader = await server.account("ann")
    me = await reader.client.get("/me")
    assert me.headers["content-type"] == "application/ld+json; charset=utf-8"
    body = me.json()
    assert body.pop("createdAt") == body.pop("updatedAt")
    assert body == {
        "@context": "/contexts/Account",
        "@id": f"/accounts/{reader.id}",
        "@type": "Account",
        "id": reader.id,
        "address": f"ann@{DOMAIN}",
        "quota": 40_000_000,
        "used": 0,
        "isDisabled": False,
        "isDeleted": False,
    }
    assert (await reader.client.get(f"/accounts/{reader.id}")).json() == me.json()
    assert [a.address for a in await server.application.mail.addresses()] == [reader.address]

    gone = await reader.client.delete(f"/accounts/{reader.id}")
    assert (gone.status_code, gone.content) == (204, b"")
    assert (await reader.client.get("/me")).status_code == 401
    known = {"address": reader.address, "password": PASSWORD}
    assert (await web.post("/token", json=known)).json() == {"code": 401, "message": "Invalid credentials."}
    with pytest.raises(smtplib.SMTPRecipientsRefused, match="No such mailbox"):
        await server.deliver(reader.address, b"Subject: x\r\n\r\nx\r\n")
    assert (await web.post("/accounts", json=known)).status_code == 201


async def test_a_client_that_accepts_json_gets_plain_objects_and_lists(server: MailServer) -> None:
    reader = await server.account("ann")
    me = await reader.client.get("/me", headers=PLAIN)
    assert me.headers["content-type"] == "application/json; charset=utf-8"
    assert not [key for key in me.json() if key.startswith("@")]
    listed = (await reader.client.get("/domains", headers=PLAIN)).json()
    assert isinstance(listed, list)
    assert listed[0]["domain"] == DOMAIN


@pytest.mark.parametrize(
    ("accept", "plain"),
    [
        ("application/json", True),
        ("application/json, text/plain, */*", True),
        ("application/json;q=0.5, application/ld+json", False),
        ("application/ld+json;q=0.1, application/json;q=0.2", True),
        ("application/ld+json, application/json", False),
        ("*/*", False),
        ("text/html", False),
        ("application/json;q=nonsense", False),
        ("", False),
    ],
)
async def test_accept_decides_the_shape(web: httpx.AsyncClient, accept: str, plain: bool) -> None:
    answer = await web.get("/domains", headers={"accept": accept})
    assert isinstance(answer.json(), list) is plain


async def test_domains_are_those_of_the_settings(database_url: str, settings: Settings) -> None:
    served = settings.model_copy(update={"mail_domains": "one.test, Two.Test"})
    async with mail_server(served, database_url) as server, httpx.AsyncClient(trust_env=False) as web:
        body = (await web.get(f"{server.url}/domains")).json()
        assert body["@type"] == "hydra:Collection"
        assert body["hydra:totalItems"] == 2
        assert [each["domain"] for each in body["hydra:member"]] == ["one.test", "two.test"]
        assert all(each["isActive"] and not each["isPrivate"] for each in body["hydra:member"])
        second = body["hydra:member"][1]
        shown = (await web.get(f"{server.url}{second['@id']}")).json()
        assert shown == {"@context": "/contexts/Domain", **second}
        assert (await web.get(f"{server.url}/domains/two.test")).status_code == 404


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({}, [("address", BLANK), ("password", BLANK)]),
        ({"address": 1, "password": []}, [("address", BLANK), ("password", BLANK)]),
        ({"address": "ann", "password": PASSWORD}, [("address", NO_ADDRESS)]),
        ({"address": f"a\x00nn@{DOMAIN}", "password": PASSWORD}, [("address", NO_ADDRESS)]),
        ({"address": "ann@evil.test", "password": PASSWORD}, [("address", 'The domain "evil.test" is not valid.')]),
        (
            {"address": f"ann@{DOMAIN}", "password": "1234567"},
            [("password", "This value is too short. It should have 8 characters or more.")],
        ),
        (
            {"address": f"ann@{DOMAIN}", "password": "x" * 1025},
            [("password", "This value is too long. It should have 1024 characters or less.")],
        ),
    ],
)
async def test_what_cannot_be_an_account_is_told_field_by_field(
    web: httpx.AsyncClient, body: dict[str, Any], found: list[tuple[str, str]]
) -> None:
    answer = await web.post("/accounts", json=body)
    assert violations(answer) == found
    assert answer.json()["@type"] == "ConstraintViolationList"
    assert answer.json()["hydra:description"] == answer.json()["detail"] == "\n".join(": ".join(pair) for pair in found)
    plain = await web.post("/accounts", json=body, headers=PLAIN)
    assert violations(plain) == found
    assert not [key for key in plain.json() if "hydra" in key or key.startswith("@")]


async def test_an_address_is_taken_once(server: MailServer, web: httpx.AsyncClient) -> None:
    await server.account("ann")
    again = await web.post("/accounts", json={"address": f" ANN@{DOMAIN}", "password": PASSWORD})
    assert violations(again) == [("address", "This value is already used.")]
    bodies = [{"address": f"bob@{DOMAIN}", "password": f"{PASSWORD} {number}"} for number in range(6)]
    answers = await asyncio.gather(*(web.post("/accounts", json=body) for body in bodies))
    assert sorted(answer.status_code for answer in answers) == [201, 422, 422, 422, 422, 422]
    tokens = await asyncio.gather(*(web.post("/token", json=body) for body in bodies))
    assert [token.status_code == 200 for token in tokens] == [answer.status_code == 201 for answer in answers]


async def test_a_mailbox_made_otherwise_is_nobodys(server: MailServer, web: httpx.AsyncClient) -> None:
    mailbox = await server.application.mail.create("ops")
    taken = await web.post("/accounts", json={"address": mailbox.address, "password": PASSWORD})
    assert violations(taken) == [("address", "This value is already used.")]
    for password in ("", PASSWORD):
        answer = await web.post("/token", json={"address": mailbox.address, "password": password})
        assert answer.status_code == 401


async def test_only_the_right_password_opens_an_account(server: MailServer, web: httpx.AsyncClient) -> None:
    reader = await server.account("ann")
    for address, password in (
        (reader.address, PASSWORD + "x"),
        (reader.address, PASSWORD.upper()),
        (reader.address, ""),
        (reader.address, "x" * 5000),
        (f"nobody@{DOMAIN}", PASSWORD),
        ("no address", PASSWORD),
        ("", ""),
    ):
        answer = await web.post("/token", json={"address": address, "password": password})
        assert (answer.status_code, answer.json()) == (401, {"code": 401, "message": "Invalid credentials."})
    granted = await web.post("/token", json={"address": reader.address.upper(), "password": PASSWORD})
    assert granted.json()["id"] == reader.id
    assert granted.json()["token"] != reader.token
    odd = b'{"address": "odd@mail.seezar.test", "password": "half a pair \\ud800"}'
    as_json = {"content-type": "application/json"}
    assert (await web.post("/accounts", content=odd, headers=as_json)).status_code == 201
    assert (await web.post("/token", content=odd, headers=as_json)).status_code == 200


async def test_passwords_and_tokens_cannot_be_read_from_the_database(server: MailServer) -> None:
    reader = await server.account("ann")
    database = server.application.database
    accounts = await database.all("SELECT * FROM app.mail_account")
    stored = str([accounts, await database.all("SELECT * FROM app.mail_token")])
    assert "$argon2id$" in stored
    assert PASSWORD not in stored
    assert reader.token not in stored


@pytest.mark.parametrize("header", [None, "Bearer", "Basic YTpi", "Bearer nonsense", "Bearer \xe4"])
async def test_without_a_token_nothing_is_shown(server: MailServer, web: httpx.AsyncClient, header: str | None) -> None:
    reader = await server.account("ann")
    sent = httpx.Headers([] if header is None else [(b"authorization", header.encode("latin-1"))])
    for method, path in (
        ("GET", "/me"),
        ("GET", f"/accounts/{reader.id}"),
        ("DELETE", f"/accounts/{reader.id}"),
        ("GET", "/messages"),
        ("GET", "/messages/x"),
        ("PATCH", "/messages/x"),
        ("DELETE", "/messages/x"),
        ("GET", "/messages/x/download"),
        ("GET", "/messages/x/attachment/ATTACH000001"),
        ("GET", "/sources/x"),
        ("GET", f"/.well-known/mercure?topic=/accounts/{reader.id}"),
    ):
        answer = await web.request(method, path, headers=sent)
        assert answer.status_code == 401, path
        assert answer.json()["code"] == 401
        assert answer.headers["www-authenticate"] == "Bearer"
    assert (await reader.client.get("/me")).status_code == 200


async def test_a_token_expires(server: MailServer, web: httpx.AsyncClient) -> None:
    reader = await server.account("ann")
    database = server.application.database
    row = await database.one("SELECT expires_at - clock_timestamp() AS life FROM app.mail_token")
    assert row is not None
    assert 86_000 < row["life"].total_seconds() <= 86_400
    await database.run("UPDATE app.mail_token SET expires_at = clock_timestamp()")
    assert (await reader.client.get("/me")).status_code == 401
    known = {"address": reader.address, "password": PASSWORD}
    reader.client.headers["authorization"] = f"Bearer {(await web.post('/token', json=known)).json()['token']}"
    assert (await reader.client.get("/me")).status_code == 200
    left = await database.one("SELECT count(*) AS n FROM app.mail_token")
    assert left is not None
    assert left["n"] == 1, "expired tokens are cleared up"


async def test_an_account_sees_no_other(server: MailServer) -> None:
    ann, bob = await server.account("ann"), await server.account("bob")
    for answer in (
        await ann.client.get(f"/accounts/{bob.id}"),
        await ann.client.delete(f"/accounts/{bob.id}"),
        await ann.client.get("/accounts/nonsense"),
    ):
        assert (answer.status_code, answer.json()["detail"]) == (404, "Not Found")
    assert (await bob.client.get("/me")).status_code == 200


@pytest.mark.parametrize("path", ["/accounts", "/token"])
async def test_bodies_that_are_no_json_objects_are_refused(web: httpx.AsyncClient, path: str) -> None:
    as_json = {"content-type": "application/json"}
    for content in (b"", b"{", b"[1]", b"null", b"\xff", b"[" * 60_000):
        answer = await web.post(path, content=content, headers=as_json)
        assert answer.status_code == 400, content
    assert (await web.post(path, data={"address": "a"})).status_code == 415
    assert (await web.post(path, content=b"{}", headers={"content-type": ""})).status_code == 415
    missing = await web.post("/token", json={"address": "a@b.test"})
    assert (missing.status_code, missing.json()["detail"]) == (400, 'The key "password" must be provided.')


async def test_large_bodies_are_refused_announced_or_not(web: httpx.AsyncClient) -> None:
    large = json.dumps({"address": "a" * 70_000, "password": PASSWORD}).encode()
    as_json = {"content-type": "application/json"}

    async def in_pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(large), 1000):
            yield large[start : start + 1000]

    assert (await web.post("/accounts", content=large, headers=as_json)).status_code == 413
    assert (await web.post("/accounts", content=in_pieces(), headers=as_json)).status_code == 413


async def test_what_is_not_there_is_told_in_the_shape_that_is_accepted(web: httpx.AsyncClient) -> None:
    missing = await web.get("/nothing")
    assert missing.status_code == 404
    assert missing.json()["@type"] == "hydra:Error"
    assert missing.json()["hydra:description"] == "Not Found"
    plain = await web.get("/nothing", headers=PLAIN)
    assert plain.headers["content-type"].startswith("application/problem+json")
    assert plain.json() == {"type": "/errors/404", "title": "An error occurred", "status": 404, "detail": "Not Found"}
    for method, path in (("GET", "/token"), ("POST", "/messages"), ("PUT", "/accounts"), ("DELETE", "/domains")):
        assert (await web.request(method, path)).status_code == 405


async def test_a_client_makes_eight_requests_a_second(database_url: str, settings: Settings) -> None:
    async with mail_server(settings, database_url, mail_rate=8) as server, httpx.AsyncClient(trust_env=False) as web:
        url = f"{server.url}/domains"
        began = time.monotonic()
        answers = await asyncio.gather(*(web.get(url) for _ in range(60)))
        took = time.monotonic() - began
        allowed = [answer for answer in answers if answer.status_code == 200]
        refused = [answer for answer in answers if answer.status_code == 429]
        # While they were sent, some more became allowed.
        assert 8 <= len(allowed) <= 9 + 8 * took
        assert len(allowed) + len(refused) == 60
        assert refused
        assert {answer.headers["retry-after"] for answer in refused} == {"1"}
        assert refused[0].json()["detail"] == "Too Many Requests"
        # Another address of this machine is another client, and is not held up.
        elsewhere = httpx.AsyncHTTPTransport(local_address="127.0.0.2")
        async with httpx.AsyncClient(transport=elsewhere, trust_env=False) as other:
            assert (await other.get(url)).status_code == 200
        await until_answered(web, url)


async def test_a_forwarded_address_makes_no_other_client(database_url: str, settings: Settings) -> None:
    async with mail_server(settings, database_url, mail_rate=2) as server, httpx.AsyncClient(trust_env=False) as web:
        sent = [
            await web.get(f"{server.url}/domains", headers={"x-forwarded-for": f"10.0.0.{number}"})
            for number in range(20)
        ]
        assert 429 in {answer.status_code for answer in sent}


async def test_requests_under_another_name_are_refused(server: MailServer, web: httpx.AsyncClient) -> None:
    for url in (f"{server.url}/domains", f"{server.root}/health"):
        assert (await web.get(url, headers={"host": "evil.example"})).status_code == 400
    assert (await web.get("/domains", headers={"host": "localhost:8000"})).status_code == 200


async def test_health_tells_that_no_worker_runs(server: MailServer, web: httpx.AsyncClient) -> None:
    answer = await web.get(f"{server.root}/health")
    assert answer.status_code == 503
    assert answer.json() == {"status": "unavailable", "database": True, "worker": False, "key": True}
