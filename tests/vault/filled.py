"""A database in which every encrypted column holds a value, and the check that all of them still open."""

from dataclasses import dataclass
from datetime import UTC, datetime

from seezar.accounts import NewAccount, SessionState
from seezar.accounts.pages import NewPage
from seezar.application import Application
from seezar.audit.verifying import verify
from seezar.extraction.checkpoints import Lead, PageDone
from seezar.extraction.definitions import definition_of
from seezar.extraction.problems import Problem
from seezar.reports import NewFile, NewReport
from seezar.webhooks import NewWebhook

BOX = "rotation@mail.seezar.test"
ORIGIN = "https://a.example"
PASSWORD, KEY = "geheim-4711", "JBSWY3DPEHPK3PXP"
FILE = NewFile("orders.png", "image/png", b"the chart")
SCHEMA = {"type": "object", "properties": {"order": {"type": "string"}}}
PROBLEM = Problem("missing", "", "Nothing stands there.", "order")
STATE = SessionState(storage={"cookies": [], "origins": []}, session_storage={}, user_agent="before")


def mail(number: int) -> bytes:
    """A small mail."""
    return (
        f"From: Site <a@site.test>\r\nTo: {BOX}\r\nSubject: Code {number}\r\nMessage-ID: <m{number}@site.test>\r\n"
        f"\r\nYour code is {482000 + number}.\r\n"
    ).encode()


@dataclass
class Filled:
    """What was stored."""

    page_id: str
    report_id: str
    kid: str
    messages: int


async def fill(application: Application, *, messages: int = 3) -> Filled:
    """Put a value into every encrypted column."""
    app = application
    await app.accounts.add(NewAccount(name="ops", url=ORIGIN, username="ops", password=PASSWORD, totp=KEY))
    run_id = "run-1"
    await app.runs.create(run_id, kind="sign_in", account="ops")
    number = await app.attempts.begin(run_id, mail_since=None)
    await app.attempts.save_checkpoint(run_id, number, {"cookies": ["one"]})
    await app.pictures.store(run_id, number, "unknown", b"picture")
    page_id = await app.pages.store(
        NewPage(run_id, "ops", ORIGIN, "Title", "the text", b"the screenshot", ("a.csv", b"the file"))
    )
    await app.questions.ask(run_id, workflow_id=run_id, question="code", status="needs_person", reason="", left_s=9.0)
    await app.questions.answer(run_id, "482913")
    await app.sessions.store("ops", STATE, run_id=run_id)
    await app.mail.create(BOX.partition("@")[0])
    for index in range(messages):
        await app.mail.store.receive([BOX], mail(index))
    kid, _ = await app.access.keys.signing()
    webhook = await app.webhooks.add(NewWebhook("https://203.0.114.7/hook"))
    await app.webhooks.rotate(webhook.webhook.id)
    await app.webhooks.ping(webhook.webhook.id)
    definition = definition_of({"name": "orders", "accounts": ["ops"], "schema": SCHEMA})
    await app.extractions.save(definition)
    await app.checkpoints.begin(run_id, "orders", "ops", [Lead(f"{ORIGIN}/orders?token=1", "rows")])
    [waiting] = await app.checkpoints.waiting(run_id, limit=1)
    read = PageDone(f"{ORIGIN}/orders", "table", datetime.now(UTC), problems=[PROBLEM], picture=b"page", file=b"file")
    await app.checkpoints.done(run_id, "ops", waiting, read, definition)
    report = await app.reports.add(NewReport("Orders", "the report", run_id, files=[FILE]))
    return Filled(page_id, report.id, kid, messages)


async def check(application: Application, filled: Filled) -> None:
    """Every value opens and is what it was."""
    app = application
    await app.vault.check_key()
    assert await app.vault.open("account/ops/password", origin=ORIGIN) == PASSWORD
    assert await app.vault.open_local("account/ops/totp") == KEY
    assert await app.attempts.load_checkpoint("run-1", 1) == {"cookies": ["one"]}
    assert (await app.pictures.get("run-1")).image == b"picture"
    assert (await app.pages.get(filled.page_id)).text == "the text"
    assert await app.pages.screenshot(filled.page_id) == b"the screenshot"
    assert await app.pages.file(filled.page_id) == ("a.csv", b"the file")
    assert await app.reports.text(filled.report_id) == "the report"
    assert await app.reports.file(filled.report_id, FILE.name) == FILE
    [page] = await app.checkpoints.pages("run-1", problems=True)
    assert page.problems == (PROBLEM,)
    assert await app.checkpoints.picture("run-1", 0) == b"page"
    assert await app.checkpoints.file("run-1", 0) == b"file"
    assert (await app.questions.take("run-1", 1)).value == "482913"
    assert await app.sessions.load("ops") == STATE
    found, _ = await app.mail.store.list_since(BOX, "0")
    assert len(found) == filled.messages
    for number, ref in enumerate(found):
        assert ref.subject == f"Code {number}"
        assert await app.mail.store.source(ref) == mail(number)
    assert (await app.access.keys.signing())[0] == filled.kid
    sending = await app.outbox.claim()
    assert sending is not None
    assert len(sending.secrets) == 2
    await app.outbox.again(sending.delivery.webhook, sending.delivery.id)
    assert (await verify(app.audit)).intact
