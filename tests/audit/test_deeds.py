"""What the stores do is told, with who did it to what, and without any secret; many at once do not block each other."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from seezar.accounts import NewAccount, SessionState
from seezar.accounts.records import AccountChange
from seezar.application import Application
from seezar.audit import acting_as
from seezar.audit.verifying import verify
from seezar.settings import Settings

CANARY = "kanarie-9c41-geheim"
TOTP = "JBSWY3DPEHPK3PXPJBSWY3DP"


@pytest.fixture
async def application(settings: Settings, database_url: str) -> AsyncIterator[Application]:
    async with await Application.open(
        settings, database_url, application_name="seezar-test", max_connections=8
    ) as opened:
        yield opened


def account(name: str) -> NewAccount:
    return NewAccount(name=name, url="https://a.example", username="u", password=CANARY, totp=TOTP)


async def test_each_deed_is_told_once_and_no_secret_with_it(application: Application) -> None:
    app = application
    state = SessionState({"cookies": [{"name": "sid", "value": CANARY}]}, {})
    with acting_as("client:deploy-bot"):
        await app.accounts.add(account("ops"))
        await app.accounts.change("ops", AccountChange(password=f"{CANARY}-2", username="v"))
        await app.runs.create("run-1", kind="sign_in", account="ops")
        await app.sessions.store("ops", state, run_id="run-1")
        await app.questions.ask(
            "run-1", workflow_id="run-1", question="code", status="needs_person", reason="", left_s=9.0
        )
        await app.questions.answer("run-1", "482913")
        await app.sessions.forget("ops")
        mailbox = await app.mail.create("box")
        await app.mail.delete(mailbox.address)
        await app.accounts.remove("ops")
    entries = list(reversed(await app.audit.list(limit=100)))
    assert [(entry.action, entry.subject) for entry in entries] == [
        ("account.add", "ops"),
        ("account.change", "ops"),
        ("sign_in.ask", "ops"),
        ("session.store", "ops"),
        ("run.answer", "ops"),
        ("session.forget", "ops"),
        ("mailbox.create", "box@mail.seezar.test"),
        ("mailbox.delete", "box@mail.seezar.test"),
        ("account.remove", "ops"),
    ]
    assert {entry.actor for entry in entries} == {"client:deploy-bot"}
    rows = await app.database.all("SELECT a::text AS text FROM app.audit a")
    for row in rows:
        assert not any(secret in row["text"] for secret in (CANARY, TOTP, "482913"))


async def test_many_deeds_at_once_neither_block_each_other_nor_break_the_chain(application: Application) -> None:
    app = application
    await app.runs.create("run-1", kind="check", account=None)

    async def life(number: int) -> None:
        # All of one site, so that they meet at its row as well.
        name = f"account-{number}"
        await app.accounts.add(account(name))
        await app.sessions.store(name, SessionState({}, {}), run_id="run-1")
        await app.accounts.change(name, AccountChange(username="w"))
        await app.audit.note("session.export", name)
        await app.sessions.forget(name)
        await app.accounts.remove(name)

    await asyncio.gather(*(life(number) for number in range(12)))
    verdict = await verify(app.audit)
    assert (verdict.intact, verdict.rows) == (True, 1 + 12 * 6)
