"""`/v1/webhooks`: registered, shown without secrets, changed, told, forgotten."""

import httpx

from seezar.access import Scope
from tests.api.v1.server import ApiServer

_URL = "https://203.0.114.7/hook"


async def _added(client: httpx.AsyncClient) -> dict[str, str]:
    made = await client.post("/v1/webhooks", json={"url": _URL, "events": ["run.finished"]})
    assert made.status_code == 201, made.text
    assert made.headers["location"] == f"/v1/webhooks/{made.json()['webhook']['id']}"
    assert made.headers["cache-control"] == "no-store"
    return made.json()["webhook"] | {"secret": made.json()["secret"]}


async def test_a_webhook_is_registered_changed_and_forgotten(api: ApiServer) -> None:
    async with await api.client(Scope.WEBHOOKS_WRITE, Scope.CONFIRM) as client:
        made = await _added(client)
        url = f"/v1/webhooks/{made['id']}"
        shown = await client.get(url)
        assert shown.json() == {name: value for name, value in made.items() if name != "secret"}
        assert made["secret"] not in (await client.get("/v1/webhooks")).text
        changed = await client.patch(url, json={"enabled": False}, headers={"if-match": shown.headers["etag"]})
        assert changed.json()["enabled"] is False
        stale = await client.patch(url, json={"enabled": True}, headers={"if-match": shown.headers["etag"]})
        assert stale.status_code == 412
        assert (await client.post(f"{url}/ping")).status_code == 422
        rotated = await client.post(f"{url}/secret")
        assert rotated.json()["secret"] not in (made["secret"], "")
        assert (await client.delete(url)).status_code == 204
        assert (await client.get(url)).json()["code"] == "unknown_webhook"


async def test_deliveries_are_listed_in_pages_and_sent_again(api: ApiServer) -> None:
    async with await api.client(Scope.WEBHOOKS_WRITE, Scope.CONFIRM) as client:
        url = f"/v1/webhooks/{(await _added(client))['id']}"
        pings = [(await client.post(f"{url}/ping")).json()["id"] for _ in range(3)]
        first = (await client.get(f"{url}/deliveries?limit=2")).json()
        rest = (await client.get(f"{url}/deliveries", params={"cursor": first["next"]})).json()
        assert [d["id"] for d in first["items"] + rest["items"]] == pings[::-1]
        again = await client.post(f"{url}/deliveries/{pings[0]}/retry")
        assert (again.status_code, again.json()["status"]) == (202, "waiting")
        assert (await client.post(f"{url}/deliveries/nope/retry")).status_code == 404


async def test_a_program_needs_a_person_for_a_new_address(api: ApiServer) -> None:
    async with await api.client(Scope.WEBHOOKS_WRITE) as client:
        asked = await client.post("/v1/webhooks", json={"url": _URL})
        assert (asked.status_code, asked.json()["code"]) == (403, "confirmation_required")
        assert (await client.get("/v1/webhooks")).json()["items"] == []


async def test_addresses_inside_are_refused(api: ApiServer) -> None:
    async with await api.client(Scope.WEBHOOKS_WRITE, Scope.CONFIRM) as client:
        for url in (
            "https://127.0.0.1/",
            "https://169.254.169.254/",
            "http://203.0.114.7/",
            "https://no-such.invalid/",
        ):
            refused = await client.post("/v1/webhooks", json={"url": url})
            assert refused.status_code == 422, (url, refused.text)
        assert (await client.get("/v1/webhooks")).json()["items"] == []
