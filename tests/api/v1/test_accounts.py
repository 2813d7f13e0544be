"""Accounts over HTTP: secrets go in and never come out."""

import httpx

from seezar.access import Scope
from tests.api.v1.server import ApiServer

NEW = {
    "name": "ops",
    "url": "https://admin.example.com/login",
    "username": "ops@example.com",
    "password": "geheim-4711-canary",
    "totp": "JBSWY3DPEHPK3PXP",
}


async def _added(api: ApiServer) -> httpx.AsyncClient:
    client = await api.client()
    answer = await client.post("/v1/accounts", json=NEW)
    assert answer.status_code == 201, answer.text
    return client


async def test_an_account_is_added_listed_changed_and_removed(api: ApiServer) -> None:
    client = await _added(api)
    listed = (await client.get("/v1/accounts")).json()
    assert [account["name"] for account in listed["items"]] == ["ops"]
    assert listed["next"] is None
    shown = await client.get("/v1/accounts/ops")
    assert shown.json()["has_password"]
    assert shown.json()["second_factor"] == "totp"
    (site,) = (await client.get("/v1/sites")).json()["items"]
    assert site["accounts"] == ["ops"]
    changed = await client.patch("/v1/accounts/ops", json={"password": "neu-4712-canary", "keep_alive_s": 900})
    assert changed.json()["keep_alive_s"] == 900
    allowed = await client.patch("/v1/accounts/ops", json={"hosts": ["cdn.example.net", "*.images.example.net"]})
    assert allowed.json()["hosts"] == ["*.images.example.net", "cdn.example.net"]
    refused = await client.patch("/v1/accounts/ops", json={"hosts": ["http://not a host"], "keep_alive_s": 1})
    assert refused.status_code == 422
    assert (await client.patch("/v1/accounts/ops", json={"hosts": ["cdn.example.net"]})).json()["keep_alive_s"] == 900
    account = await api.application.accounts.get("ops")
    assert account.hosts == ("cdn.example.net",)
    assert account.password_ref is not None
    opened = await api.application.vault.open(account.password_ref, origin="https://admin.example.com")
    assert opened == "neu-4712-canary"
    assert (await client.delete("/v1/accounts/ops")).status_code == 204
    assert (await client.get("/v1/accounts/ops")).status_code == 404
    done = [entry.action for entry in await api.application.audit.list()]
    assert done[:1] == ["account.remove"]
    assert "account.change" in done
    actors = {entry.actor for entry in await api.application.audit.list(subject="ops")}
    assert actors == {"client:client1"}


async def test_secrets_never_come_out(api: ApiServer) -> None:
    client = await _added(api)
    texts = [(await client.get(path)).text for path in ("/v1/accounts", "/v1/accounts/ops", "/v1/sites", "/v1/audit")]
    # In the wrong field, and again.
    texts.append((await client.post("/v1/accounts", json={**NEW, "keep_alive_s": NEW["password"]})).text)
    texts.append((await client.post("/v1/accounts", json={**NEW, NEW["password"]: 1})).text)
    texts.append((await client.post("/v1/accounts", json=NEW)).text)
    for text in texts:
        assert "geheim-4711" not in text
        assert "JBSWY3DPEHPK3PXP" not in text


async def test_what_was_seen_is_not_sent_again_and_not_overwritten_unseen(api: ApiServer) -> None:
    client = await _added(api)
    tag = (await client.get("/v1/accounts/ops")).headers["etag"]
    again = await client.get("/v1/accounts/ops", headers={"if-none-match": tag})
    assert (again.status_code, again.content) == (304, b"")
    first = await client.patch("/v1/accounts/ops", json={"keep_alive_s": 60}, headers={"if-match": tag})
    assert first.status_code == 200
    second = await client.patch("/v1/accounts/ops", json={"keep_alive_s": 90}, headers={"if-match": tag})
    assert (second.status_code, second.json()["code"]) == (412, "precondition_failed")
    fresh = first.headers["etag"]
    assert (
        await client.patch("/v1/accounts/ops", json={"keep_alive_s": 90}, headers={"if-match": fresh})
    ).status_code == 200


async def test_a_list_comes_in_pages(api: ApiServer) -> None:
    client = await api.client()
    for number in range(5):
        made = await client.post("/v1/accounts", json={**NEW, "name": f"ops-{number}"})
        assert made.status_code == 201
    names: list[str] = []
    cursor: str | None = None
    for _ in range(3):
        parameters = {"limit": "2", **({"cursor": cursor} if cursor else {})}
        page = (await client.get("/v1/accounts", params=parameters)).json()
        names += [account["name"] for account in page["items"]]
        cursor = page["next"]
    assert names == [f"ops-{number}" for number in range(5)]
    assert cursor is None
    wrong = await client.get("/v1/accounts", params={"cursor": "nonsense"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid_input")


async def test_a_program_needs_a_person_for_what_is_dangerous(api: ApiServer) -> None:
    program = await api.client(Scope.ACCOUNTS_WRITE, Scope.ACCOUNTS_READ)
    person = await api.client(Scope.CONFIRM)
    asked = await program.post("/v1/accounts", json=NEW)
    assert (asked.status_code, asked.json()["code"]) == (403, "confirmation_required")
    confirmation = asked.json()["confirmation"]
    assert (await program.get("/v1/accounts/ops")).status_code == 404
    # It cannot say yes itself.
    own = await program.post(f"/v1/confirmations/{confirmation}", json={"confirm": True})
    assert (own.status_code, own.json()["code"]) == (403, "insufficient_scope")
    (waiting,) = (await person.get("/v1/confirmations", params={"pending": True})).json()
    assert (waiting["action"], waiting["subject"]) == ("add the account", "ops")
    said = await person.post(f"/v1/confirmations/{confirmation}", json={"confirm": True})
    assert said.json()["status"] == "confirmed"
    # For another site it does not hold.
    header = {"confirmation": confirmation}
    other = await program.post("/v1/accounts", json={**NEW, "url": "https://evil.example/"}, headers=header)
    assert (other.status_code, other.json()["code"]) == (403, "confirmation_invalid")
    assert (await program.post("/v1/accounts", json=NEW, headers=header)).status_code == 201
    removing = await program.delete("/v1/accounts/ops", headers=header)
    assert removing.json()["code"] == "confirmation_invalid"
    assert (await program.delete("/v1/accounts/ops")).json()["code"] == "confirmation_required"
    assert (await program.get("/v1/accounts/ops")).status_code == 200


async def test_what_is_not_known_is_told_as_a_problem(api: ApiServer) -> None:
    client = await api.client()
    answer = await client.get("/v1/accounts/nobody", headers={"x-request-id": "my-request"})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-request-id"] == "my-request"
    told = answer.json()
    assert (told["type"], told["request_id"]) == ("/problems/unknown_account", "my-request")
    assert told["detail"]
