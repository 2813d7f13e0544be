"""Runs over HTTP, with a real worker, browser and site: asked for once, followed live, answered, exported."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from httpx_sse import aconnect_sse
from playwright.async_api import async_playwright

from seezar.access import Scope
from seezar.browser.executable import find_chromium
from seezar.settings import Settings
from tests.api.v1.server import ApiServer, api_server
from tests.world import World, make_world

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@dataclass
class Served:
    """A world and the API in front of it."""

    world: World
    api: ApiServer


@pytest.fixture
async def served(postgres: str) -> AsyncIterator[Served]:
    async with make_world(postgres) as world, api_server(world.settings, world.url) as api:
        yield Served(world, api)


async def _followed(client: httpx.AsyncClient, run_id: str, **headers: str) -> list[tuple[str, str, dict[str, object]]]:
    """The events of a run to its end: id, kind, data."""
    seen: list[tuple[str, str, dict[str, object]]] = []
    path = f"/v1/runs/{run_id}/events"
    async with aconnect_sse(client, "GET", path, headers=headers, timeout=90) as source:
        async for event in source.aiter_sse():
            seen.append((event.id, event.event, json.loads(event.data)))
            if event.event == "end":
                break
    return seen


async def test_a_sign_in_is_asked_for_followed_and_its_session_taken_out(served: Served) -> None:
    client = await served.api.client()
    asked = await client.post("/v1/sign-ins", json={"account": "demo-mail"}, headers={"idempotency-key": "one"})
    assert asked.status_code == 202, asked.text
    run_id = asked.json()["id"]
    assert asked.headers["location"] == f"/v1/runs/{run_id}"
    events = await _followed(client, run_id)
    assert [kind for _, kind, _ in events][-1] == "end"
    assert events[-1][2]["status"] == "signed_in"
    numbers = [int(number) for number, kind, _ in events if kind == "event"]
    assert numbers == sorted(set(numbers))
    # Cut off in the middle, and back with the last id: the rest, nothing twice.
    middle = len(numbers) // 2
    rest = await _followed(client, run_id, **{"last-event-id": str(numbers[middle])})
    assert [int(number) for number, kind, _ in rest if kind == "event"] == numbers[middle + 1 :]
    listed = (await client.get(f"/v1/runs/{run_id}/events")).json()
    assert [event["id"] for event in listed] == numbers

    # The same request is the same run; another one with its key is refused.
    again = await client.post("/v1/sign-ins", json={"account": "demo-mail"}, headers={"idempotency-key": "one"})
    assert again.json()["id"] == run_id
    other = await client.post("/v1/sign-ins", json={"account": "demo-totp"}, headers={"idempotency-key": "one"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_conflict")

    stored = (await client.get("/v1/sessions/demo-mail")).json()
    assert stored["run_id"] == run_id
    exported = await client.post("/v1/sessions/demo-mail/export", json={})
    assert exported.headers["cache-control"] == "no-store"
    account = await served.world.application.accounts.get("demo-mail")
    await _is_signed_in(exported.json()["storage_state"], account.verify_url)
    header = (
        await client.post("/v1/sessions/demo-mail/export", json={"format": "cookie_header", "url": account.verify_url})
    ).json()["cookie_header"]
    async with httpx.AsyncClient(trust_env=False) as plain:
        assert (await plain.get(account.verify_url, headers={"cookie": header})).status_code == 200
        assert (await plain.get(account.verify_url)).status_code != 200
    elsewhere = {"format": "cookie_header", "url": "https://evil.example/"}
    refused = await client.post("/v1/sessions/demo-mail/export", json=elsewhere)
    assert (refused.status_code, refused.json()["code"]) == (422, "origin_not_allowed")
    done = [entry.action for entry in await served.api.application.audit.list(subject="demo-mail")]
    assert done.count("session.export") == 2
    assert {"sign_in.ask", "secret.open", "session.store"} <= set(done)


async def _is_signed_in(storage_state: dict[str, object], url: str) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=find_chromium(Settings(_env_file=None)),  # pyright: ignore[reportCallIssue]
            args=["--no-sandbox"],
        )
        context = await browser.new_context(storage_state=storage_state)  # pyright: ignore[reportArgumentType]
        page = await context.new_page()
        await page.goto(url)
        assert page.url == url
        await browser.close()


def _snippet(root: str, token: str, lines: str) -> str:
    """The snippet of the documentation, on this server and with the browser of this machine."""
    chromium = find_chromium(Settings(_env_file=None))  # pyright: ignore[reportCallIssue]
    launch = f"launch(executable_path={str(chromium)!r}, args=['--no-sandbox'])"
    return lines.replace("http://127.0.0.1:8000", root).replace("launch()", launch).replace("{TOKEN}", token)


async def test_the_snippet_of_the_documentation_gives_a_signed_in_context(served: Served) -> None:
    text = (Path(__file__).parents[3] / "docs" / "api.md").read_text()
    lines = text.partition("```python\n")[2].partition("```")[0]
    assert len([line for line in lines.splitlines() if line and "import" not in line]) < 10
    account = await served.world.application.accounts.get("demo-mail")
    token = await served.api.token(Scope.SIGNIN, Scope.RUNS_READ, Scope.SESSION_EXPORT, Scope.CONFIRM)
    code = _snippet(served.api.root, token, lines)
    code += f"    page = context.new_page()\n    page.goto({account.verify_url!r})\n    print(page.url)\n"
    done = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
    said, _ = await done.communicate()
    assert said.decode().strip() == account.verify_url


async def test_a_session_is_not_taken_out_without_its_scope_and_a_person(served: Served) -> None:
    await served.world.sign_in("demo-password")
    reader = await served.api.client(Scope.SESSION_READ, Scope.SIGNIN, Scope.RUNS_READ)
    without = await reader.post("/v1/sessions/demo-password/export", json={})
    assert (without.status_code, without.json()["scope"]) == (403, "session:export")
    program = await served.api.client(Scope.SESSION_EXPORT)
    asked = await program.post("/v1/sessions/demo-password/export", json={})
    assert asked.json()["code"] == "confirmation_required"
    assert "storage_state" not in asked.text


async def test_many_follow_one_run_over_one_connection(served: Served) -> None:
    client = await served.api.client(Scope.RUNS_READ, Scope.SIGNIN)
    run_id = (await client.post("/v1/sign-ins", json={"account": "demo-totp"})).json()["id"]
    followed = await asyncio.gather(*(_followed(client, run_id) for _ in range(25)))
    assert all(events == followed[0] for events in followed[1:])
    assert followed[0][-1][2]["status"] == "signed_in"
    row = await served.world.application.database.one(
        "SELECT count(*) AS n FROM pg_stat_activity WHERE application_name = 'seezar-listen'"
        " AND query LIKE 'LISTEN%%seezar_run%%'"
    )
    assert row is not None
    assert row["n"] <= 2


async def test_everything_that_happens_can_be_followed(served: Served) -> None:
    client = await served.api.client(Scope.RUNS_READ, Scope.SIGNIN, Scope.SESSION_WRITE)
    runs: set[str] = set()
    async with aconnect_sse(client, "GET", "/v1/events", timeout=90) as source:
        assert source.response.headers["content-type"].startswith("text/event-stream")
        first = (await client.post("/v1/sign-ins", json={"account": "demo-password"})).json()["id"]
        second = (await client.post("/v1/sign-ins", json={"account": "demo-totp"})).json()["id"]
        async for event in source.aiter_sse():
            told = json.loads(event.data)
            if told["step"] == "done":
                runs.add(told["run_id"])
            if runs >= {first, second}:
                break


async def test_a_run_that_waits_is_answered_and_one_is_cancelled(served: Served) -> None:
    client = await served.api.client(Scope.RUNS_READ, Scope.RUNS_WRITE, Scope.SIGNIN)
    served.world.mailer.hold = True
    run_id = (await client.post("/v1/sign-ins", json={"account": "demo-mail"})).json()["id"]
    not_waiting = await client.post(f"/v1/runs/{run_id}/answer", json={"value": "123456"})
    assert (not_waiting.status_code, not_waiting.json()["code"]) == (409, "not_waiting")
    assert "123456" not in not_waiting.text
    cancelled = await client.post(f"/v1/runs/{run_id}/cancel")
    assert cancelled.json()["status"] == "cancelled"
    events = await _followed(client, run_id)
    assert events[-1][2]["status"] == "cancelled"
    found = (await client.get("/v1/runs", params={"status": "cancelled", "account": "demo-mail"})).json()["items"]
    assert [run["id"] for run in found] == [run_id]
