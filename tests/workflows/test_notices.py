"""Notices reach a webhook and a mailbox, at least once and with one id, whatever is down or killed meanwhile."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import pytest_asyncio
from pydantic import ValidationError

from playground.world import DEMO_ACCOUNTS
from seezar.settings import Settings
from tests.world import World, free_port, make_world
from workflows.ground import ensure_running

pytestmark = pytest.mark.asyncio(loop_scope="module")

MAILBOX = "people@mail.seezar.test"


@dataclass
class Hook:
    """A web server that takes notices. While `hold` is unset it takes them and does not answer."""

    port: int
    taken: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    status: int = 204
    hold: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def up(self) -> Iterator[None]:
        """The server runs."""
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.taken.append((self.headers["Idempotency-Key"], json.loads(body)))
                hook.hold.wait(60)
                self.send_response(hook.status)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that it has there
                pass

        server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        self.hold.set()
        try:
            yield
        finally:
            self.hold.set()
            server.shutdown()
            thread.join()
            server.server_close()


async def until(condition: Callable[[], Awaitable[bool]], *, seconds: float = 90) -> None:
    """Wait until `condition` holds."""
    async with asyncio.timeout(seconds):
        while True:
            if await condition():
                return
            await asyncio.sleep(0.1)


@pytest.fixture(scope="module")
def hook() -> Hook:
    return Hook(free_port())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(postgres: str, hook: Hook) -> AsyncIterator[World]:
    url = f"http://127.0.0.1:{hook.port}/told?token=hush"
    async with make_world(postgres, notice_url=url, notice_mail=MAILBOX) as made:
        yield made


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def clean(world: World, hook: Hook) -> None:
    await world.application.database.run("DELETE FROM app.notice")
    hook.taken.clear()
    hook.status = 204


async def waits_for_a_person(world: World, name: str) -> str:
    """An account whose sign-in waits for a person, as far as the tables tell; returns the run."""
    await world.add_like("demo-password", name)
    run_id = f"run-{name}"
    await world.application.runs.create(run_id, kind="sign_in", account=name)
    await world.application.database.run(
        "UPDATE app.run SET question = 'code', status = 'needs_person', asked_at = now() WHERE id = %s", run_id
    )
    return run_id


async def delivery(world: World) -> dict[str, Any]:
    row = await world.application.database.one(
        "SELECT n.id::text, d.tries, d.sent_at, d.problem FROM app.notice_delivery d JOIN app.notice n ON n.id ="
        " d.notice WHERE d.channel = 'webhook'"
    )
    return row or {"id": "", "tries": 0, "sent_at": None, "problem": ""}


async def due_now(world: World) -> None:
    await world.application.database.run(
        "UPDATE app.notice_delivery SET next_at = now() WHERE sent_at IS NULL AND channel = 'webhook'"
    )


async def sent(world: World) -> bool:
    return (await delivery(world))["sent_at"] is not None


async def test_both_ways(world: World, hook: Hook) -> None:
    with hook.up():
        run_id = await waits_for_a_person(world, "both")
        await until(lambda: sent(world))
    ((key, told),) = hook.taken
    assert key == told["id"] == (await delivery(world))["id"]
    what = "The account both needs a person. A sign-in waits for a code."
    assert told["text"] == f"{what} Answer it: seezar runs answer {run_id}"
    assert (told["kind"], told["account"], told["run_id"]) == ("needs_person", "both", run_id)
    everything = json.dumps(told)
    assert not [s for account in DEMO_ACCOUNTS for s in (*account.secrets, account.username) if s in everything]
    mail = world.application.mail

    async def mailed() -> bool:
        row = await world.application.database.one("SELECT sent_at FROM app.notice_delivery WHERE channel = 'mail'")
        return row is not None and row["sent_at"] is not None

    await until(mailed)
    refs, _ = await mail.list_since(await mail.address(MAILBOX), "0")
    assert [ref.subject for ref in refs] == ["The account both needs a person. A sign-in waits for a code."]
    assert "hush" not in world.log()


async def test_down_and_up_again(world: World, hook: Hook) -> None:
    await waits_for_a_person(world, "down")

    async def failed() -> bool:
        return (await delivery(world))["problem"] != ""

    await until(failed)
    before = await delivery(world)
    assert before["sent_at"] is None
    assert "cannot be reached" in before["problem"]
    with hook.up():
        hook.status = 503
        await due_now(world)

        async def refused() -> bool:
            return (await delivery(world))["problem"] == "it answered 503"

        await until(refused)
        hook.status = 200
        await due_now(world)
        await until(lambda: sent(world))
    assert [key for key, _ in hook.taken] == [before["id"]] * 2, "one that was refused, one that was taken"
    assert (await delivery(world))["tries"] >= 3


async def test_killed_between_delivery_and_record(world: World, hook: Hook) -> None:
    with hook.up():
        hook.hold.clear()
        await waits_for_a_person(world, "killed")

        async def taken() -> bool:
            return len(hook.taken) == 1

        await until(taken)
        world.kill_worker()
        hook.hold.set()
        assert (await delivery(world))["sent_at"] is None, "nobody knows that it has arrived"
        await asyncio.to_thread(ensure_running, world.settings)
        await due_now(world)
        await until(lambda: sent(world))
    first, second = hook.taken
    assert first == second


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"notice_url": "http://hooks.example/a-token"}, "https"),
        ({"notice_url": "ftp://127.0.0.1/"}, "https"),
        ({"notice_smtp": "mail.example"}, "host:port"),
        ({"notice_mail": "nobody"}, "not a mail address"),
        ({"notice_mail": "ops@other.example"}, "SEEZAR_NOTICE_SMTP"),
    ],
)
async def test_settings_that_cannot_be_meant(values: dict[str, str], told: str) -> None:
    with pytest.raises(ValidationError, match=told) as caught:
        Settings(_env_file=None, **values)  # pyright: ignore[reportCallIssue]
    assert "a-token" not in str(caught.value.errors(include_input=False))


async def test_settings_that_are_meant() -> None:
    read = Settings(
        _env_file=None,  # pyright: ignore[reportCallIssue]
        notice_url="https://hooks.example/a-token",
        notice_smtp="mail.example:587",
        notice_mail="ops@other.example",
    )
    assert read.notice_channels == ("webhook", "mail")
    assert "a-token" not in repr(read)
