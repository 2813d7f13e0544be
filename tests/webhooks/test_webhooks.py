"""Webhooks over real HTTP: what is told, signed, tried again, and where nothing is ever sent."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from psycopg import Rollback
from standardwebhooks.webhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from seezar.accounts import NewAccount
from seezar.accounts.records import SessionState
from seezar.application import Application
from seezar.egress.errors import EgressRefused, HostUnreachable
from seezar.errors import InvalidInput
from seezar.settings import Settings
from seezar.webhooks import NewWebhook, Webhooks, WebhookUnknown
from seezar.webhooks.outbox import PAUSES_S
from tests.site import Request, Response, Site, serve
from workflows.webhooks import WebhookSender


class Receiver:
    """Takes what is sent to it; answers `status`, after `held` is set."""

    def __init__(self) -> None:
        self.taken: list[Request] = []
        self.answer = Response(status=204)
        self.held = asyncio.Event()
        self.held.set()

    async def take(self, request: Request) -> Response:
        self.taken.append(request)
        await self.held.wait()
        return self.answer


@pytest.fixture
async def application(settings: Settings, database_url: str) -> AsyncIterator[Application]:
    chosen = settings.model_copy(update={"private_hosts": "127.0.0.1"})
    async with await Application.open(chosen, database_url, application_name="seezar-test") as opened:
        yield opened


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
async def site(receiver: Receiver) -> AsyncIterator[Site]:
    async with serve({"/hook": receiver.take, "/other": receiver.take}) as served:
        yield served


@asynccontextmanager
async def sending(application: Application) -> AsyncIterator[WebhookSender]:
    sender = WebhookSender(application)
    try:
        yield sender
    finally:
        await sender.close()


async def until(condition: Callable[[], Awaitable[bool]], sender: WebhookSender) -> None:
    """Beat as a worker does, until `condition` holds."""
    async with asyncio.timeout(60):
        while not await condition():
            await sender.begin()
            await asyncio.sleep(0.02)


async def settled(application: Application, webhook: str) -> bool:
    """Nothing is being sent, or has not been tried."""
    found = await application.outbox.list(webhook)
    return bool(found) and all(d.sent_at or d.problem or d.status == "given_up" for d in found)


async def due_now(application: Application) -> None:
    await application.database.run(
        "UPDATE app.webhook_delivery SET next_at = now(), problem = '' WHERE sent_at IS NULL AND next_at IS NOT NULL"
    )


async def one_run(application: Application, run_id: str = "run-1") -> None:
    await application.accounts.add(NewAccount("ops", "https://a.example/login", "me", password="geheim-4711"))
    await application.runs.create(run_id, kind="sign_in", account="ops")
    state = SessionState(storage={"cookies": [], "origins": []}, session_storage={})
    await application.sessions.store("ops", state, run_id=run_id)
    await application.runs.finish(run_id, "signed_in", reason="", result={})


async def test_it_is_told_signed_what_it_asked_for(application: Application, receiver: Receiver, site: Site) -> None:
    made = await application.webhooks.add(NewWebhook(f"{site.url}/hook", ("run.finished", "session.stored")))
    await one_run(application)
    await application.sessions.forget("ops")
    async with sending(application) as sender:
        await until(lambda: settled(application, made.webhook.id), sender)
    told = {}
    for request in receiver.taken:
        event = Verifier(made.secret).verify(request.body, request.headers)
        told[event["type"]] = (event["data"], request.headers["webhook-id"])
        with pytest.raises(WebhookVerificationError):
            Verifier(made.secret).verify(request.body.replace("ops", "oops"), request.headers)
    assert set(told) == {"run.finished", "session.stored"}
    assert told["run.finished"][0] == {
        "run_id": "run-1",
        "kind": "sign_in",
        "account": "ops",
        "status": "signed_in",
        "reason": "",
    }
    assert told["session.stored"][0]["run_id"] == "run-1"
    ids = {f"msg_{delivery.id}" for delivery in await application.outbox.list(made.webhook.id)}
    assert ids == {message_id for _, message_id in told.values()}
    assert "geheim" not in site.sent()


async def test_a_run_that_waits_is_told_once_for_each_question(
    application: Application, receiver: Receiver, site: Site
) -> None:
    made = await application.webhooks.add(NewWebhook(f"{site.url}/hook"))
    await application.runs.create("run-1", kind="sign_in", account=None)
    ask = application.questions.ask
    await ask("run-1", workflow_id="run-1", question="code", status="needs_person", reason="A code.", left_s=9.0)
    await application.runs.event("run-1", "wait", "Waiting")
    await application.runs.finish("run-1", "cancelled", reason="", result={})
    async with sending(application) as sender:
        await until(lambda: settled(application, made.webhook.id), sender)
    events = [Verifier(made.secret).verify(request.body, request.headers) for request in receiver.taken]
    assert [event["type"] for event in events] == ["run.waiting", "run.finished"]
    assert (events[0]["data"]["question"], events[0]["data"]["reason"]) == ("code", "A code.")


async def test_what_was_rolled_back_is_not_told(application: Application, site: Site) -> None:
    made = await application.webhooks.add(NewWebhook(f"{site.url}/hook"))
    await application.runs.create("run-1", kind="sign_in", account=None)
    async with application.database.connection() as connection:
        await connection.execute("UPDATE app.run SET finished_at = now() WHERE id = 'run-1'")
        raise Rollback
    assert await application.outbox.list(made.webhook.id) == []


async def test_it_is_tried_again_with_the_same_id_and_given_up_in_the_end(
    application: Application, receiver: Receiver, site: Site
) -> None:
    made = await application.webhooks.add(NewWebhook(f"{site.url}/hook"))
    await application.webhooks.ping(made.webhook.id)
    receiver.answer = Response(status=503)
    async with sending(application) as sender:
        for tries in range(1, len(PAUSES_S) + 2):
            await due_now(application)
            await until(lambda: settled(application, made.webhook.id), sender)
            (delivery,) = await application.outbox.list(made.webhook.id)
            assert (delivery.tries, delivery.problem) == (tries, "it answered 503")
            if delivery.next_at is not None:
                row = await application.database.one(
                    "SELECT extract(epoch FROM next_at - clock_timestamp())::float AS s FROM app.webhook_delivery"
                )
                assert row is not None
                assert PAUSES_S[tries - 1] * 0.5 < row["s"] <= PAUSES_S[tries - 1] * 1.2
        (delivery,) = await application.outbox.list(made.webhook.id)
        assert delivery.status == "given_up"
        receiver.answer = Response(status=200)
        await application.outbox.again(made.webhook.id, delivery.id)
        await until(lambda: settled(application, made.webhook.id), sender)
    (delivery,) = await application.outbox.list(made.webhook.id)
    assert delivery.status == "sent"
    assert len({request.headers["webhook-id"] for request in receiver.taken}) == 1
    assert len({request.body for request in receiver.taken}) == 1


@pytest.mark.parametrize("way", ["refused", "cut off", "redirect"])
async def test_no_answer_or_another_address_is_no_delivery(
    application: Application, receiver: Receiver, site: Site, way: str
) -> None:
    url = "http://127.0.0.1:1/hook" if way == "refused" else f"{site.url}/hook"
    made = await application.webhooks.add(NewWebhook(url))
    await application.webhooks.ping(made.webhook.id)
    receiver.answer = (
        Response(close=True) if way == "cut off" else Response(status=302, headers={"location": f"{site.url}/other"})
    )
    async with sending(application) as sender:
        await until(lambda: settled(application, made.webhook.id), sender)
    (delivery,) = await application.outbox.list(made.webhook.id)
    assert delivery.status == "waiting"
    assert delivery.problem == "it answered 302" if way == "redirect" else "cannot be reached" in delivery.problem
    assert [request.path for request in receiver.taken] == ([] if way == "refused" else ["/hook"])


async def test_one_that_answers_410_is_told_no_more(application: Application, receiver: Receiver, site: Site) -> None:
    made = await application.webhooks.add(NewWebhook(f"{site.url}/hook"))
    await application.webhooks.ping(made.webhook.id)
    receiver.answer = Response(status=410)
    async with sending(application) as sender:
        await until(lambda: settled(application, made.webhook.id), sender)
    webhook = await application.webhooks.get(made.webhook.id)
    assert (webhook.enabled, "410" in webhook.problem) == (False, True)
    await one_run(application)
    assert [d.event for d in await application.outbox.list(made.webhook.id)] == ["ping"]
    with pytest.raises(InvalidInput):
        await application.webhooks.ping(made.webhook.id)
    assert (await application.webhooks.change(made.webhook.id, enabled=True)).problem == ""


async def test_a_slow_one_keeps_back_nobody_else(application: Application, receiver: Receiver, site: Site) -> None:
    async with serve({"/hook": Response(status=204)}) as quick_site:
        slow = await application.webhooks.add(NewWebhook(f"{site.url}/hook"))
        quick = await application.webhooks.add(NewWebhook(f"{quick_site.url}/hook"))
        receiver.held.clear()
        for _ in range(3):
            await application.webhooks.ping(slow.webhook.id)
            await application.webhooks.ping(quick.webhook.id)
        async with sending(application) as sender:
            await until(lambda: settled(application, quick.webhook.id), sender)
            assert len(receiver.taken) == 1
            assert len(quick_site.requests) == 3


async def test_two_workers_send_each_thing_once(application: Application, receiver: Receiver, site: Site) -> None:
    made = await application.webhooks.add(NewWebhook(f"{site.url}/hook"))
    for _ in range(20):
        await application.webhooks.ping(made.webhook.id)
    async with sending(application) as one, sending(application) as other:

        async def done() -> bool:
            await other.begin()
            return await settled(application, made.webhook.id)

        await until(done, one)
    assert len(receiver.taken) == len({request.headers["webhook-id"] for request in receiver.taken}) == 20


async def test_for_a_day_both_secrets_hold(application: Application, receiver: Receiver, site: Site) -> None:
    first = await application.webhooks.add(NewWebhook(f"{site.url}/hook"))
    second = await application.webhooks.rotate(first.webhook.id)
    assert first.secret != second.secret
    webhook = first.webhook.id
    await application.webhooks.ping(webhook)
    async with sending(application) as sender:
        await until(lambda: settled(application, webhook), sender)
        for made in (first, second):
            assert Verifier(made.secret).verify(receiver.taken[0].body, receiver.taken[0].headers)["type"] == "ping"
        await application.database.run("UPDATE app.webhook SET previous_until = now() - interval '1 s'")
        await application.webhooks.ping(webhook)
        await until(lambda: settled(application, webhook), sender)
    late = receiver.taken[1]
    Verifier(second.secret).verify(late.body, late.headers)
    with pytest.raises(WebhookVerificationError):
        Verifier(first.secret).verify(late.body, late.headers)


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("https://10.0.0.7/hook", EgressRefused),
        ("https://169.254.169.254/latest/meta-data/", EgressRefused),
        ("https://[::1]/hook", EgressRefused),
        ("https://2130706433/hook", EgressRefused),
        ("https://inside.example/hook", EgressRefused),
        ("https://nowhere.example/hook", HostUnreachable),
        ("http://203.0.114.7/hook", InvalidInput),
        ("ftp://203.0.114.7/hook", InvalidInput),
        ("https://me:pw@203.0.114.7/hook", InvalidInput),
        ("https://203.0.114.7/\\@127.0.0.1/", InvalidInput),
        ("https://203.0.114.7/" + "x" * 2000, InvalidInput),
        ("nonsense", InvalidInput),
    ],
)
async def test_addresses_that_are_not_taken(application: Application, url: str, error: type[Exception]) -> None:
    async def resolve(host: str) -> list[str]:
        return {"inside.example": ["203.0.114.7", "10.0.0.7"]}.get(host, [])

    app = application
    webhooks = Webhooks(app.database, app.cipher, app.audit, private_hosts=["127.0.0.1"], resolve=resolve)
    with pytest.raises(error):
        await webhooks.add(NewWebhook(url))
    made = await webhooks.add(NewWebhook("https://203.0.114.7/hook"))
    with pytest.raises(error):
        await webhooks.change(made.webhook.id, url=url)
    assert [webhook.url for webhook in await webhooks.list()] == ["https://203.0.114.7/hook"]


async def test_an_address_that_leads_inside_by_now_is_not_sent_to(application: Application, site: Site) -> None:
    made = await application.webhooks.add(NewWebhook(f"{site.url}/hook"))
    await application.webhooks.ping(made.webhook.id)
    strict = application.settings.model_copy(update={"private_hosts": ""})
    application.settings = strict
    async with sending(application) as sender:
        await until(lambda: settled(application, made.webhook.id), sender)
    (delivery,) = await application.outbox.list(made.webhook.id)
    assert delivery.problem == "its address leads where nothing may be sent"
    assert site.requests == []


async def test_the_secret_is_encrypted_and_shown_once(application: Application, site: Site) -> None:
    made = await application.webhooks.add(NewWebhook(f"{site.url}/hook", description="ours"))
    assert made.secret not in repr(made)
    row = await application.database.one("SELECT * FROM app.webhook")
    assert row is not None
    assert made.secret.encode() not in bytes(row["secret"])
    told = await application.database.all("SELECT action, detail::text AS detail FROM app.audit ORDER BY number")
    assert "webhook.add" in [entry["action"] for entry in told]
    assert made.secret not in str(told)


async def test_what_is_not_known_is_refused(application: Application, site: Site) -> None:
    app = application
    with pytest.raises(InvalidInput, match="no event"):
        await app.webhooks.add(NewWebhook(f"{site.url}/hook", ("run.finished", "everything")))
    with pytest.raises(InvalidInput):
        await app.webhooks.add(NewWebhook(f"{site.url}/hook", description="x" * 201))
    for unknown in (
        app.webhooks.get("wh_1"),
        app.webhooks.change("wh_1", enabled=False),
        app.webhooks.rotate("wh_1"),
        app.webhooks.remove("wh_1"),
        app.webhooks.ping("wh_1"),
        app.outbox.again("wh_1", "x"),
        app.outbox.get("wh_1", "x"),
    ):
        with pytest.raises(WebhookUnknown):
            await unknown
    made = await app.webhooks.add(NewWebhook(f"{site.url}/hook"))
    await app.webhooks.ping(made.webhook.id)
    await app.webhooks.remove(made.webhook.id)
    assert await app.database.all("SELECT 1 FROM app.webhook_delivery") == []
