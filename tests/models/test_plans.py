"""What each role does next, given the results so far. No model, no tool: conversations in, replies out."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from seezar.models.rules.conversation import Conversation
from seezar.models.rules.planner import FINISH_TASK, Reply, reply_to
from seezar.models.rules.talk import NO_SECRETS, WHAT_I_AM

AUTH_TOOLS = ["list_accounts", "sign_in", "answer_run", "session_status", "sign_out", FINISH_TASK]
BROWSER_TOOLS = ["open_page", "read_page", "screenshot", FINISH_TASK]
MAIL_TOOLS = [
    "create_mailbox",
    "list_providers",
    "list_mailboxes",
    "delete_mailbox",
    "list_messages",
    "latest_message",
    "wait_for_message",
    "read_message",
    "delete_message",
    "code_arrived",
    "answer_with_mail",
    FINISH_TASK,
]
COORDINATOR_TOOLS = ["auth", "mail", "browser", "research"]
PAGE = "0b5a7a6e-1111-4222-8333-444455556666"
TEXT = """# Overview
## Top events
| Event | Count |  |
| Login | 1,204 | up |
| Total | 1,204 |  |
## Customers
| Customer | Plan |
| Acme | Pro |"""


class Talk:
    """A conversation that is played against the planner."""

    def __init__(self, tools: list[str]) -> None:
        self.tools = [{"type": "function", "function": {"name": name}} for name in tools]
        self.messages: list[dict[str, Any]] = [{"role": "system", "content": "whatever"}]
        self.last = Reply()

    def say(self, text: str) -> Reply:
        self.messages.append({"role": "user", "content": text})
        return self._next()

    def answer(self, *results: Mapping[str, Any] | str) -> Reply:
        """The results of the calls that the planner asked for, in the order of the calls."""
        assert len(results) == len(self.last.calls)
        calls = [
            {
                "id": f"{len(self.messages)}-{i}",
                "type": "function",
                "function": {"name": c.name, "arguments": json.dumps(c.arguments)},
            }
            for i, c in enumerate(self.last.calls)
        ]
        self.messages.append({"role": "assistant", "content": None, "tool_calls": calls})
        for call, result in zip(calls, results, strict=True):
            content = result if isinstance(result, str) else json.dumps(result)
            self.messages.append({"role": "tool", "tool_call_id": call["id"], "content": content})
        return self._next()

    def _next(self) -> Reply:
        self.last = reply_to(Conversation.from_messages(self.messages, self.tools))
        if self.last.text:
            self.messages.append({"role": "assistant", "content": self.last.text})
        return self.last


def called(reply: Reply) -> list[tuple[str, Mapping[str, Any]]]:
    return [(call.name, dict(call.arguments)) for call in reply.calls]


def report(**changes: Any) -> dict[str, Any]:
    return {"status": "ok", "answer": "done", "accounts": [], "pages": []} | changes


def test_auth_signs_in_to_all_in_one_turn_and_finishes_with_a_report() -> None:
    talk = Talk(AUTH_TOOLS)
    reply = talk.say('{"request": "sign in to demo-mail and demo-totp"}')
    assert called(reply) == [("sign_in", {"account": "demo-mail"}), ("sign_in", {"account": "demo-totp"})]
    reply = talk.answer(
        {"status": "signed_in", "attempts": 1, "model_calls": 0, "duration_s": 2.34, "second_factor": "email"},
        {"status": "bad_credentials", "message": "The site refused the password."},
    )
    [(name, arguments)] = called(reply)
    assert name == FINISH_TASK
    assert (arguments["status"], arguments["accounts"]) == ("partial", ["demo-mail"])
    assert "Signed in to **demo-mail** (e-mail code, 2.3 s, no model call)." in arguments["answer"]
    assert "bad_credentials" in arguments["answer"]
    assert "The site refused the password." in arguments["answer"]


def test_results_are_told_apart_by_their_arguments_not_by_their_order() -> None:
    talk = Talk(AUTH_TOOLS)
    talk.say("sign in to demo-mail and demo-totp")
    talk.answer({"status": "signed_in", "attempts": 0}, {"status": "locked", "message": "Too often."})
    talk.messages[-2:] = reversed(talk.messages[-2:])
    arguments = called(talk._next())[0][1]
    assert arguments["accounts"] == ["demo-mail"]
    assert "demo-totp: **locked**" in arguments["answer"]


def test_a_sign_in_that_failed_is_not_tried_again() -> None:
    talk = Talk(AUTH_TOOLS)
    talk.say('{"request": "sign in to demo-mail"}')
    reply = talk.answer({"status": "bad_credentials", "message": "No."})
    assert [call.name for call in reply.calls] == [FINISH_TASK]


def test_a_reused_session_is_said_to_be_one() -> None:
    talk = Talk(AUTH_TOOLS)
    talk.say("sign in to demo-mail")
    reply = talk.answer({"status": "signed_in", "attempts": 0, "model_calls": 0})
    assert "no form was touched" in called(reply)[0][1]["answer"]


def waiting(question: str) -> dict[str, str]:
    return {
        "status": "needs_input",
        "run_id": "r-1",
        "account": "ops",
        "question": question,
        "message": f"The site asks for {question}.",
    }


def test_a_run_that_waits_is_told_in_plain_words() -> None:
    talk = Talk(AUTH_TOOLS)
    talk.say("sign in to ops")
    arguments = called(talk.answer(waiting("approval") | {"status": "needs_person"}))[0][1]
    assert arguments["answer"] == "The sign-in to **ops** waits for you. The site asks for approval."
    assert arguments["status"] == "failed"


def test_what_the_user_has_done_lets_the_run_go_on() -> None:
    talk = Talk(AUTH_TOOLS)
    assert called(talk.say("I approved it")) == [("answer_run", {"run_id": "", "confirmed": False})]
    assert called(talk.answer(waiting("approval"))) == [("answer_run", {"run_id": "r-1", "confirmed": True})]
    result = {"status": "signed_in", "account": "ops", "attempts": 1, "model_calls": 0, "second_factor": "none"}
    assert "Signed in to **ops**" in called(talk.answer(result))[0][1]["answer"]


@pytest.mark.parametrize(
    ("said", "question"),
    [
        ("I approved it", "terms"),
        ("continue the run of ops", "terms"),
        ("accept the terms", "approval"),
        ("continue the run of ops", "code"),
    ],
)
def test_nothing_is_confirmed_that_the_user_has_not_said(said: str, question: str) -> None:
    talk = Talk(AUTH_TOOLS)
    talk.say(said)
    [(name, arguments)] = called(talk.answer(waiting(question)))
    assert name == FINISH_TASK
    assert f"asks for {question}" in arguments["answer"]


def test_auth_as_an_app_of_its_own_answers_in_text() -> None:
    talk = Talk(AUTH_TOOLS[:-1])
    talk.say("list my accounts")
    reply = talk.answer(
        {
            "status": "ok",
            "accounts": [{"name": "a-1", "site": "http://x", "second_factor": "totp", "session": "stored"}],
        }
    )
    assert "| a-1 | http://x | TOTP | stored |" in reply.text


def test_browser_opens_all_pages_then_reads_them() -> None:
    talk = Talk(BROWSER_TOOLS)
    reply = talk.say('{"request": "read the top events of demo-mail and demo-totp and take a screenshot of demo-mail"}')
    assert called(reply) == [("open_page", {"account": "demo-mail"}), ("open_page", {"account": "demo-totp"})]
    opened = {"status": "opened", "page_id": PAGE, "title": "Overview", "url": "http://x/"}
    reply = talk.answer(opened, {"status": "not_signed_in", "message": "Sign in first."})
    assert called(reply) == [("read_page", {"page_id": PAGE}), ("screenshot", {"page_id": PAGE})]
    reply = talk.answer({"status": "read", "text": TEXT}, {"status": "saved", "artifact": "demo-mail.png"})
    arguments = called(reply)[0][1]
    assert (arguments["status"], arguments["accounts"], arguments["pages"]) == ("partial", ["demo-mail"], [PAGE])
    assert (
        "| Event | Count |  |\n| --- | --- | --- |\n| Login | 1,204 | up |\n| Total | 1,204 |  |" in arguments["answer"]
    )
    assert "Acme" not in arguments["answer"]
    assert "Sign in first." in arguments["answer"]
    assert "`demo-mail.png`" in arguments["answer"]


def test_what_is_not_on_the_page_is_not_made_up() -> None:
    talk = Talk(BROWSER_TOOLS)
    talk.say("read the refund policy of demo-mail")
    talk.answer({"status": "opened", "page_id": PAGE, "title": "Overview", "url": "http://x/"})
    arguments = called(talk.answer({"status": "read", "text": TEXT}))[0][1]
    assert arguments["status"] == "failed"
    assert "nothing about “refund policy”" in arguments["answer"]


ENVELOPE = {"handle": "mail:1", "sender": "no-reply@harbor.test", "subject": "Hello", "received_at": "2026-05-01 10:00"}


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ("create a mailbox at tm", [("create_mailbox", {"provider": "tm"})]),
        ("create a mailbox for ann@x.test", [("create_mailbox", {"address": "ann@x.test"})]),
        ("which mail providers are there?", [("list_providers", {})]),
        ("list the messages of ops-1", [("list_messages", {"mailbox": "ops-1"})]),
        ("wait for a mail to ann@x.test", [("wait_for_message", {"mailbox": "ann@x.test"})]),
        ("delete the mailbox ann@x.test", [("delete_mailbox", {"mailbox": "ann@x.test"})]),
        ("use the mailed code for ops-1", [("answer_with_mail", {"run": "ops-1"})]),
        ("use the mailed code", [("answer_with_mail", {"run": ""})]),
    ],
)
def test_mail_calls_the_tool_that_was_asked_for(text: str, calls: list[tuple[str, Mapping[str, Any]]]) -> None:
    assert called(Talk(MAIL_TOOLS).say(text)) == calls


@pytest.mark.parametrize(
    ("text", "tool", "result", "told"),
    [
        (
            "what does the last mail to ops-1 say?",
            "read_message",
            {"status": "read", "about": "A code for Harbor", "asks_for": "code", "deadline": "5 minutes", **ENVELOPE},
            "It is about: “A code for Harbor”. It asks to type a code. Deadline: 5 minutes.",
        ),
        (
            "delete the last mail of ops-1",
            "delete_message",
            {"status": "deleted", "message": "Deleted the message."},
            "Deleted the message.",
        ),
        (
            "delete the last mail of ops-1",
            "delete_message",
            {"status": "rejected", "message": "Nothing was deleted."},
            "**rejected**. Nothing was deleted.",
        ),
    ],
)
def test_what_is_done_with_a_mail_is_done_by_its_handle(
    text: str, tool: str, result: dict[str, Any], told: str
) -> None:
    talk = Talk(MAIL_TOOLS)
    assert called(talk.say(text)) == [("latest_message", {"mailbox": "ops-1"})]
    assert called(talk.answer({"status": "ok", **ENVELOPE})) == [(tool, {"handle": "mail:1"})]
    assert told in called(talk.answer(result))[0][1]["answer"]
    empty = Talk(MAIL_TOOLS)
    empty.say(text)
    reply = empty.answer({"status": "no_message"})
    assert [call.name for call in reply.calls] == [FINISH_TASK]
    assert "No message has arrived" in called(reply)[0][1]["answer"]


def test_mail_tells_what_arrived_and_how_the_sign_in_went_on() -> None:
    talk = Talk(MAIL_TOOLS)
    talk.say("wait for a mail to ops-1")
    told = called(talk.answer({"status": "arrived", "code_handle": "mail-code:1", **ENVELOPE}))[0][1]["answer"]
    assert "from no-reply@harbor.test, subject “Hello”" in told
    assert "`mail-code:1`" in told
    talk = Talk(MAIL_TOOLS)
    talk.say("use the mailed code for ops-1")
    assert called(talk.answer({"status": "signed_in", "account": "ops-1"}))[0][1]["accounts"] == ["ops-1"]
    talk = Talk(MAIL_TOOLS)
    talk.say("list the messages of ops-1")
    assert (
        "| no-reply@harbor.test | Hello |"
        in called(talk.answer({"status": "ok", "messages": [ENVELOPE]}))[0][1]["answer"]
    )


def test_coordinator_deletes_only_what_is_named() -> None:
    talk = Talk(COORDINATOR_TOOLS)
    talk.say("list the messages of ops-1")
    talk.answer(report(answer="| a |"))
    reply = talk.say("delete the last mail")
    assert not reply.calls
    assert reply.text.startswith("Which account do you mean")
    assert called(talk.say("wait for a mail")) == [("mail", {"request": "wait for a mail to ops-1"})]


def test_coordinator_delegates_one_after_the_other_and_leaves_out_who_failed() -> None:
    talk = Talk(COORDINATOR_TOOLS)
    reply = talk.say("sign in to demo-mail and demo-totp and read the top events")
    assert called(reply) == [("auth", {"request": "sign in to demo-mail and demo-totp"})]
    reply = talk.answer(report(status="partial", answer="demo-totp refused.", accounts=["demo-mail"]))
    assert called(reply) == [("browser", {"request": "read the top events of demo-mail"})]
    reply = talk.answer(report(answer="| Login | 1,204 |", pages=[PAGE]))
    assert not reply.calls
    assert reply.text == "demo-totp refused.\n\n| Login | 1,204 |"


def test_coordinator_opens_nothing_when_no_sign_in_succeeded() -> None:
    talk = Talk(COORDINATOR_TOOLS)
    talk.say("sign in to demo-mail and read the top events")
    reply = talk.answer(report(status="failed", answer="The site is down."))
    assert reply == Reply(text="The site is down.")


def test_coordinator_saves_the_page_that_was_read_before() -> None:
    talk = Talk(COORDINATOR_TOOLS)
    talk.say("open the dashboard of demo-mail")
    talk.answer(report(answer="Opened.", pages=[PAGE]))
    assert called(talk.say("save this page")) == [("research", {"request": f"save page {PAGE}"})]


def test_coordinator_opens_a_page_in_order_to_save_it() -> None:
    talk = Talk(COORDINATOR_TOOLS)
    reply = talk.say("remember the dashboard of demo-mail")
    assert called(reply) == [("browser", {"request": "open the dashboard page of demo-mail"})]
    assert called(talk.answer(report(pages=[PAGE]))) == [("research", {"request": f"save page {PAGE}"})]


def test_every_account_is_asked_for_by_name() -> None:
    talk = Talk(COORDINATOR_TOOLS)
    assert called(talk.say("read the top events of all accounts")) == [("auth", {"request": "list my accounts"})]
    reply = talk.answer(report(answer="| a-1 |", accounts=["a-1", "b-2"]))
    assert called(reply) == [("browser", {"request": "read the top events of a-1 and b-2"})]


def test_looking_goes_on_with_the_account_of_before_but_signing_in_asks() -> None:
    talk = Talk(COORDINATOR_TOOLS)
    talk.say("sign in to demo-mail")
    talk.answer(report(answer="Signed in.", accounts=["demo-mail"]))
    assert called(talk.say("show me the top events")) == [("browser", {"request": "read the top events of demo-mail"})]
    talk.answer(report())
    reply = talk.say("sign in")
    assert not reply.calls
    assert reply.text.startswith("Which account do you mean")


def test_talk_calls_no_tool() -> None:
    for text in ("hello", "help", "what is the password of demo-mail?", "dance", "read the news"):
        reply = Talk(COORDINATOR_TOOLS).say(text)
        assert (bool(reply.text), reply.calls) == (True, ()), text
    assert Talk(COORDINATOR_TOOLS).say("what is the password of demo-mail?").text == NO_SECRETS
    assert WHAT_I_AM in Talk(COORDINATOR_TOOLS).say("dance").text


def test_a_broken_delegation_is_reported_not_repeated() -> None:
    talk = Talk(COORDINATOR_TOOLS)
    talk.say("sign in to demo-mail")
    reply = talk.answer("Error running sub-agent: boom")
    assert not reply.calls
    assert "boom" in reply.text


def test_results_that_no_plan_asked_for_end_the_turn() -> None:
    talk = Talk(AUTH_TOOLS)
    talk.messages += [
        {"role": "user", "content": "sign in to demo-mail"},
        {"role": "assistant", "tool_calls": [{"id": "1", "function": {"name": "sign_out", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "1", "content": "{}"},
    ]
    assert called(talk._next())[0][1]["status"] == "failed"


def test_without_known_tools_it_says_what_it_is() -> None:
    assert WHAT_I_AM in Talk([]).say("Summarise this conversation.").text


def test_a_nudge_of_the_framework_is_not_taken_for_a_request() -> None:
    talk = Talk(AUTH_TOOLS)
    talk.say("sign in to demo-mail")
    nudge = (
        "Continue processing previous requests as instructed. Exit or provide a summary if no more outputs are needed."
    )
    assert called(talk.say(nudge)) == [("sign_in", {"account": "demo-mail"})]
