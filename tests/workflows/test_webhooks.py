"""A real worker tells webhooks; killed in between, the next one tells it again with the same id."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio
from standardwebhooks.webhooks import Webhook as Verifier

from seezar.webhooks import NewWebhook
from tests.site import Request, Response, Site, serve
from tests.world import World, make_world
from workflows.ground import ensure_running

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser, pytest.mark.slow]


class Receiver:
    """Takes what is sent to it; answers while `held` is set."""

    def __init__(self) -> None:
        self.taken: list[Request] = []
        self.held = asyncio.Event()
        self.held.set()

    async def take(self, request: Request) -> Response:
        self.taken.append(request)
        await self.held.wait()
        return Response(status=204)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def receiver() -> Receiver:
    return Receiver()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(receiver: Receiver) -> AsyncIterator[Site]:
    async with serve({"/hook": receiver.take}) as served:
        yield served


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(postgres: str, site: Site) -> AsyncIterator[World]:
    async with make_world(postgres, page_timeout=60.0, private_hosts="127.0.0.1") as made:
        yield made


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(90):
        while not await condition():  # noqa: ASYNC110 - a worker elsewhere is at it
            await asyncio.sleep(0.1)


async def test_a_sign_in_is_told_and_nothing_is_lost_on_a_kill(world: World, receiver: Receiver, site: Site) -> None:
    made = await world.application.webhooks.add(NewWebhook(f"{site.url}/hook", ("run.finished", "session.stored")))
    receiver.held.clear()
    result = await world.sign_in("demo-totp")
    assert result["status"] == "signed_in"

    async def taken() -> bool:
        return len(receiver.taken) == 1

    await until(taken)
    world.kill_worker()
    receiver.held.set()
    deliveries = await world.application.outbox.list(made.webhook.id)
    assert sorted(delivery.event for delivery in deliveries) == ["run.finished", "session.stored"]
    assert not any(delivery.sent_at for delivery in deliveries), "nobody knows that one has arrived"
    await asyncio.to_thread(ensure_running, world.settings)
    await world.application.database.run("UPDATE app.webhook_delivery SET next_at = now()")

    async def told() -> bool:
        return all(delivery.sent_at for delivery in await world.application.outbox.list(made.webhook.id))

    await until(told)
    events = [Verifier(made.secret).verify(request.body, request.headers) for request in receiver.taken]
    ids = [request.headers["webhook-id"] for request in receiver.taken]
    assert (len(ids), len(set(ids))) == (3, 2)
    assert sorted(event["type"] for event in events) == ["run.finished", "session.stored", "session.stored"]
    finished = next(event["data"] for event in events if event["type"] == "run.finished")
    assert (finished["account"], finished["status"]) == ("demo-totp", "signed_in")
    assert made.secret not in world.log()
