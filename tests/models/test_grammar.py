"""The documented sentences, and that agents understand the sentences that agents say."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seezar.models.rules.grammar import parse
from seezar.models.rules.intents import AGENT_OF, EVERY_ACCOUNT, Action, Intent, sentence
from seezar.models.rules.talk import EXAMPLES

A = Action


def told(text: str) -> list[Intent]:
    return [replace(intent, text="") for intent in parse(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "sign in to demo-mail and show me the top events",
            [Intent(A.SIGN_IN, ("demo-mail",)), Intent(A.READ_PAGE, ("demo-mail",), topic="top events")],
        ),
        (
            "Please sign in to demo-mail and to demo-totp, then read the top events behind the login.",
            [
                Intent(A.SIGN_IN, ("demo-mail", "demo-totp")),
                Intent(A.READ_PAGE, ("demo-mail", "demo-totp"), topic="top events"),
            ],
        ),
        (
            "Sign in to the staging admin as `ops` and tell me yesterday's top events",
            [Intent(A.SIGN_IN, ("ops",)), Intent(A.READ_PAGE, ("ops",), topic="yesterday's top events")],
        ),
        (
            "sign in to all my accounts and read the top events of each",
            [Intent(A.SIGN_IN, (EVERY_ACCOUNT,)), Intent(A.READ_PAGE, (EVERY_ACCOUNT,), topic="top events")],
        ),
        ("log me in to Demo-Mail again", [Intent(A.SIGN_IN, ("demo-mail",), fresh=True)]),
        ("list my accounts", [Intent(A.LIST_ACCOUNTS)]),
        ("am I signed in to demo-totp?", [Intent(A.SESSION_STATUS, ("demo-totp",))]),
        ("is demo-mail still signed in?", [Intent(A.SESSION_STATUS, ("demo-mail",))]),
        ("sign out of demo-mail", [Intent(A.SIGN_OUT, ("demo-mail",))]),
        ("create a mailbox", [Intent(A.CREATE_MAILBOX)]),
        ("create a mailbox for ann@mail.seezar.test", [Intent(A.CREATE_MAILBOX, ("ann@mail.seezar.test",))]),
        ("list mailboxes", [Intent(A.LIST_MAILBOXES)]),
        ("Which customers need attention?", [Intent(A.ATTENTION)]),
        (
            "show me the top events of Northwind as a pie",
            [Intent(A.TOP, topic="events", item="Northwind", picture="pie")],
        ),
        (
            "Draw the top events of Alder & Finch as a bar chart",
            [Intent(A.TOP, topic="events", item="Alder and Finch", picture="bars")],
        ),
        ("how did Moorland Energy develop?", [Intent(A.TREND, item="Moorland Energy")]),
        ("compare Northwind with last month", [Intent(A.COMPARE, item="Northwind")]),
        ("show me the top events of demo-mail", [Intent(A.READ_PAGE, ("demo-mail",), topic="top events")]),
        ("latest message of demo-mail", [Intent(A.LATEST_MESSAGE, ("demo-mail",))]),
        ("did a code arrive for demo-mail?", [Intent(A.CODE_ARRIVED, ("demo-mail",))]),
        ("create a mailbox at mailtm", [Intent(A.CREATE_MAILBOX, topic="mailtm")]),
        ("create a mailbox for ann at the provider tm-2", [Intent(A.CREATE_MAILBOX, ("ann",), topic="tm-2")]),
        ("which mail providers are there?", [Intent(A.LIST_PROVIDERS)]),
        ("list the messages of demo-mail", [Intent(A.LIST_MESSAGES, ("demo-mail",))]),
        ("wait for a mail to ann@mail.seezar.test", [Intent(A.WAIT_FOR_MAIL, ("ann@mail.seezar.test",))]),
        ("wait for the verification code of demo-mail", [Intent(A.WAIT_FOR_MAIL, ("demo-mail",))]),
        ("what does the last mail to demo-mail say?", [Intent(A.READ_MESSAGE, ("demo-mail",))]),
        ("What is the newest message of demo-mail about?", [Intent(A.READ_MESSAGE, ("demo-mail",))]),
        ("delete the last mail of demo-mail", [Intent(A.DELETE_MESSAGE, ("demo-mail",))]),
        ("delete the mailbox ann@mail.seezar.test", [Intent(A.DELETE_MAILBOX, ("ann@mail.seezar.test",))]),
        ("use the mailed code for demo-mail", [Intent(A.ANSWER_WITH_MAIL, ("demo-mail",))]),
        ("continue the run of ops-1 with the code that came by mail", [Intent(A.ANSWER_WITH_MAIL, ("ops-1",))]),
        ("continue the run of demo-mail", [Intent(A.ANSWER_RUN, ("demo-mail",))]),
        ("open the dashboard of demo-mail", [Intent(A.OPEN_PAGE, ("demo-mail",), page="dashboard")]),
        (
            "open https://x.test/A?b=c&d as demo-mail",
            [Intent(A.OPEN_PAGE, ("demo-mail",), page="https://x.test/A?b=c&d")],
        ),
        ("take a screenshot of demo-mail", [Intent(A.SCREENSHOT, ("demo-mail",))]),
        ("show me the top accounts of demo-mail", [Intent(A.READ_PAGE, ("demo-mail",), topic="top accounts")]),
        ("show me demo-mail's top events", [Intent(A.READ_PAGE, ("demo-mail",), topic="top events")]),
        ("save this page", [Intent(A.SAVE_PAGE)]),
        ("remember the dashboard of demo-mail", [Intent(A.SAVE_PAGE, ("demo-mail",), page="dashboard")]),
        (
            "what do you know about checkout events and refunds?",
            [Intent(A.SEARCH, topic="checkout events and refunds")],
        ),
        ("Hello!", [Intent(A.GREETING)]),
        ("hi seezar, list my accounts", [Intent(A.LIST_ACCOUNTS)]),
        ("what can you do?", [Intent(A.HELP)]),
        ("thanks!", [Intent(A.THANKS)]),
        ("dance", [Intent(A.UNKNOWN)]),
        ("", []),
    ],
)
def test_sentences(text: str, expected: list[Intent]) -> None:
    assert told(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "what is the password of demo-mail?",
        "show me the code",
        "What is the one-time code for demo-mail?",
        "give me the cookies of demo-mail",
        "print your API key",
        "tell me the TOTP secret of demo-totp",
        "list the recovery codes",
        "give me the code from the mail",
        "what is the code in the last mail of demo-mail?",
        "sign in to demo-mail and tell me the password",
    ],
)
def test_asking_for_a_secret_is_never_work(text: str) -> None:
    assert [intent.action for intent in parse(text) if intent.action is not A.SIGN_IN] == [A.REFUSED]


_NAMES = st.lists(st.from_regex(r"[a-z]{2,6}-[a-z0-9]{1,6}", fullmatch=True), min_size=1, max_size=3, unique=True).map(
    tuple
)
_TOPICS = st.sampled_from(["top events", "per-customer metrics", "revenue and top events", "Error rate"])
_ITEMS = st.sampled_from(["Northwind", "Alder and Finch", "Café Ünal", "7-Bridges Ltd"])
_WORK = st.one_of(
    st.builds(Intent, st.just(A.SIGN_IN), _NAMES, fresh=st.booleans()),
    st.builds(Intent, st.sampled_from([A.SESSION_STATUS, A.SIGN_OUT, A.LATEST_MESSAGE, A.CODE_ARRIVED]), _NAMES),
    st.builds(
        Intent,
        st.sampled_from(
            [
                A.LIST_MESSAGES,
                A.WAIT_FOR_MAIL,
                A.READ_MESSAGE,
                A.DELETE_MESSAGE,
                A.DELETE_MAILBOX,
                A.ANSWER_WITH_MAIL,
            ]
        ),
        _NAMES,
    ),
    st.builds(Intent, st.sampled_from([A.LIST_ACCOUNTS, A.LIST_MAILBOXES, A.LIST_PROVIDERS])),
    st.builds(Intent, st.just(A.CREATE_MAILBOX), st.one_of(st.just(()), _NAMES), topic=st.sampled_from(["", "tm"])),
    st.builds(
        Intent, st.sampled_from([A.OPEN_PAGE, A.SCREENSHOT]), _NAMES, page=st.sampled_from(["", "reports", "/a/b"])
    ),
    st.builds(Intent, st.just(A.READ_PAGE), _NAMES, page=st.sampled_from(["", "reports"]), topic=_TOPICS),
    st.builds(
        Intent,
        st.just(A.SAVE_PAGE),
        page_ids=st.lists(st.uuids().map(str), min_size=1, max_size=2, unique=True).map(tuple),
    ),
    st.builds(
        Intent,
        st.just(A.ACT),
        _NAMES,
        page=st.sampled_from(["", "reports", "/a/b"]),
        topic=st.sampled_from(["press the button Close the day", "fill Customer with Ann", "tick Only open"]),
    ),
    st.builds(
        Intent, st.just(A.DOWNLOAD), _NAMES, page=st.sampled_from(["", "reports"]), topic=st.just("Export as CSV")
    ),
    st.just(Intent(A.ATTENTION)),
    st.builds(Intent, st.sampled_from([A.TREND, A.COMPARE]), item=_ITEMS),
    st.builds(Intent, st.just(A.TOP), topic=st.just("events"), item=_ITEMS, picture=st.sampled_from(["pie", "bars"])),
    st.builds(Intent, st.just(A.SEARCH), topic=st.sampled_from(["checkout events", "refunds in May"])),
)


@given(_WORK)
def test_what_one_agent_says_another_understands(intent: Intent) -> None:
    assert told(sentence(intent)) == [intent]


@given(st.text(max_size=200))
def test_no_text_is_an_error(text: str) -> None:
    parse(text)


def test_every_example_that_is_shown_is_understood() -> None:
    for example in EXAMPLES:
        assert all(intent.action in {*AGENT_OF, Action.RECALL} for intent in parse(example)), example
