"""The tools as a model calls them: account names in, plain dicts out, against a real worker and the playground."""

import asyncio
import json

import pytest

from playground.data import DASHBOARDS
from playground.world import DEMO_ACCOUNTS
from tests.calls import call, yes
from tests.world import World
from tools import auth, browser, mail, research
from tools.answers import Answer, answers
from tools.browser import _target

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser]


async def signed_in(account: str) -> Answer:
    answer = await auth.sign_in(account)
    assert answer["status"] == "signed_in", answer
    return answer


async def test_a_sign_in_tells_how_it_went_and_the_second_one_touches_no_form(world: World) -> None:
    first = await signed_in("demo-totp")
    assert first["attempts"] == 1
    assert first["model_calls"] == 0
    assert first["second_factor"] == "totp"
    again = await signed_in("demo-totp")
    assert again["attempts"] == 0
    assert again["session_id"] == first["session_id"]
    assert (await auth.session_status("demo-totp"))["status"] == "signed_in"


async def test_two_callers_share_one_run(world: World) -> None:
    one, two = await asyncio.gather(
        auth.sign_in("demo-password", fresh=True), auth.sign_in("demo-password", fresh=True)
    )
    assert one["status"] == "signed_in"
    assert one["run_id"] == two["run_id"]


async def test_a_wrong_password_is_one_attempt_and_a_message(world: World) -> None:
    await world.add_like("demo-password", "wrong-password", password="not-the-right-one-771")
    answer = await auth.sign_in("wrong-password")
    assert (answer["status"], answer["attempts"]) == ("bad_credentials", 1)
    assert answer["message"]
    assert (await auth.session_status("wrong-password"))["status"] == "not_signed_in"


async def test_a_code_is_not_for_the_chat_and_the_rest_needs_a_yes(world: World) -> None:
    # The site mails a code, and the account has no second factor: only a person can bring it.
    await world.add_like("demo-mail", "by-hand", mailbox=None, second_factor="none")
    answer = await auth.sign_in("by-hand")
    assert (answer["status"], answer["question"]) == ("needs_person", "code")
    assert f"seezar runs answer {answer['run_id']}" in answer["message"]
    refused = await auth.answer_run("by-hand", confirmed=True)
    assert (refused["status"], refused["question"]) == ("needs_input", "code")
    assert (await world.application.runs.get(answer["run_id"])).waiting

    await world.application.database.run("UPDATE app.run SET question = 'approval' WHERE id = %s", answer["run_id"])
    assert (await auth.answer_run("", confirmed=False))["question"] == "approval"
    # The model says so; the person has not.
    asked = await auth.answer_run(answer["run_id"], confirmed=True, tool_context=await call("no-word"))
    assert asked["status"] == "needs_confirmation"
    assert (await world.application.runs.get(answer["run_id"])).waiting
    after = await auth.answer_run(answer["run_id"], confirmed=True, tool_context=await call("a", said="I approved it"))
    # The site still asks for its code.
    assert (after["status"], after["question"]) == ("needs_person", "code")
    assert (await auth.answer_run("nobody-here", confirmed=True))["status"] == "unknown_run"
    await world.client.cancel(answer["run_id"])
    assert (await auth.answer_run("", confirmed=True))["status"] == "not_waiting"


async def test_signing_out_forgets_the_session(world: World) -> None:
    await world.add_like("demo-password", "leaves-again")
    await signed_in("leaves-again")
    assert (await auth.sign_out("leaves-again"))["status"] == "needs_confirmation"
    assert (await auth.session_status("leaves-again"))["status"] == "signed_in"
    assert (await auth.sign_out("leaves-again", tool_context=await yes()))["status"] == "signed_out"
    assert (await auth.session_status("leaves-again"))["status"] == "not_signed_in"
    assert (await browser.open_page("leaves-again"))["status"] == "not_signed_in"


async def test_accounts_are_listed_without_anything_secret(world: World) -> None:
    await signed_in("demo-totp")
    answer = await auth.list_accounts()
    rows = {row["name"]: row for row in answer["accounts"]}
    assert {account.name for account in DEMO_ACCOUNTS} <= set(rows)
    assert rows["demo-totp"]["session"] == "stored"
    assert rows["demo-mail"]["second_factor"] == "email"
    for account in DEMO_ACCOUNTS:
        assert not any(secret in json.dumps(answer) for secret in account.secrets)


@pytest.mark.parametrize(
    "tool",
    [auth.sign_in, auth.session_status, auth.sign_out, browser.open_page, mail.latest_message, mail.code_arrived],
)
async def test_an_unknown_account_is_an_answer_that_names_the_known_ones(world: World, tool) -> None:
    answer = await tool("nobody-here")
    assert answer["status"] == "unknown_account"
    assert "demo-mail" in answer["message"]


async def test_a_page_is_opened_read_kept_and_found_again(world: World) -> None:
    await signed_in("demo-totp")
    opened = await browser.open_page("demo-totp", "dashboard")
    assert opened["status"] == "opened", opened
    assert opened["url"].endswith("/totp/dashboard")
    page = await browser.read_page(opened["page_id"])
    assert page["status"] == "read"
    for row in DASHBOARDS["totp"].events:
        assert f"| {row.event} | {row.count:,} | {row.change_text} |" in page["text"]
    saved = await research.save_page(opened["page_id"])
    assert (saved["status"], saved["new"]) == ("saved", True)
    found = await research.search("refunds", account="demo-totp")
    assert "Refund issued" in found["results"][0]["text"]
    assert found["results"][0]["url"] == opened["url"]
    assert (await research.search("refunds", account="demo-mail"))["results"] == []
    best = found["results"][0]
    cited = await research.cite(best["document_id"], "Refund issued | 1,873")
    assert cited["status"] == "cited", cited
    assert all(part in cited["citation"] for part in ("Refund issued | 1,873", best["title"], best["taken_at"]))
    invented = await research.cite(best["document_id"], "Refund issued | 9,999")
    assert (invented["status"], "citation" in invented) == ("not_said", False)
    assert (await research.cite("no-such-document", "x"))["status"] == "unknown_document"


async def test_another_origin_is_refused(world: World) -> None:
    await signed_in("demo-totp")
    answer = await browser.open_page("demo-totp", "https://example.com/")
    assert answer["status"] == "origin_not_allowed"


async def test_what_is_not_there_is_an_answer(world: World) -> None:
    for answer in (await browser.read_page("no-such-page"), await research.save_page("no-such-page")):
        assert answer["status"] == "unknown_page"
        assert answer["message"]
    assert (await research.search(" "))["status"] == "invalid_input"


async def test_mailboxes_show_envelopes_and_handles_never_codes(world: World) -> None:
    await world.add_like("demo-mail", "gets-mail", mailbox="demo-mail@mail.seezar.test")
    assert (await signed_in("gets-mail"))["second_factor"] == "email"
    message = await mail.latest_message("gets-mail")
    assert message["status"] == "ok"
    assert message["sender"].endswith("harbor.test")
    arrived = await mail.code_arrived("demo-mail@mail.seezar.test")
    assert arrived["status"] == "arrived"
    assert arrived["handle"].startswith("mail-code:")
    address = await world.application.mail.address("demo-mail@mail.seezar.test")
    refs, _ = await world.application.mail.list_since(address, "0")
    from seezar.mail.extraction import extract

    codes = {extract(await world.application.mail.source(ref)).code for ref in refs} - {None}
    assert codes
    assert not any(str(code) in json.dumps([message, arrived]) for code in codes)


async def test_mailboxes_are_made_and_listed(world: World) -> None:
    made = await mail.create_mailbox("ann")
    assert made == {"status": "created", "address": "ann@mail.seezar.test", "provider": "local"}
    assert (await mail.create_mailbox("ann"))["status"] == "mailbox_taken"
    assert (await mail.create_mailbox("ann@example.com"))["status"] == "mail_domain_not_served"
    rows = (await mail.list_mailboxes())["mailboxes"]
    assert {"ann@mail.seezar.test", "demo-mail@mail.seezar.test"} <= {row["address"] for row in rows}
    assert (await mail.latest_message("ann@mail.seezar.test"))["status"] == "no_message"
    assert (await mail.code_arrived("ann@mail.seezar.test"))["status"] == "not_arrived"
    assert (await mail.latest_message("demo-totp"))["status"] == "no_mailbox"


async def test_an_unforeseen_exception_is_told_by_type_only(world: World, caplog: pytest.LogCaptureFixture) -> None:
    @answers
    async def broken() -> Answer:
        raise ValueError("hunter2-the-secret")

    answer = await broken()
    assert answer["status"] == "error"
    assert "ValueError" in answer["message"]
    assert "hunter2" not in answer["message"] + caplog.text


@pytest.mark.parametrize(
    ("page", "target"),
    [
        ("", None),
        ("dashboard", None),
        ("Overview", None),
        ("reports", "reports"),
        ("/a/b?c=d", "/a/b?c=d"),
        ("https://x.test/y", "https://x.test/y"),
    ],
)
async def test_page_names(page: str, target: str | None) -> None:
    assert _target(page, "http://127.0.0.1/mail/overview") == target
