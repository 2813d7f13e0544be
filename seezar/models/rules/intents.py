"""What can be asked for, and the sentence that says it."""

from dataclasses import dataclass
from enum import StrEnum

EVERY_ACCOUNT = "*"


class Action(StrEnum):
    """One thing that an agent can do, or a way to talk to the user."""

    SIGN_IN = "sign in"
    ANSWER_RUN = "answer run"
    SESSION_STATUS = "session status"
    SIGN_OUT = "sign out"
    LIST_ACCOUNTS = "list accounts"
    CREATE_MAILBOX = "create mailbox"
    LIST_MAILBOXES = "list mailboxes"
    DELETE_MAILBOX = "delete mailbox"
    LIST_PROVIDERS = "list providers"
    LIST_MESSAGES = "list messages"
    LATEST_MESSAGE = "latest message"
    WAIT_FOR_MAIL = "wait for mail"
    READ_MESSAGE = "read message"
    DELETE_MESSAGE = "delete message"
    CODE_ARRIVED = "code arrived"
    ANSWER_WITH_MAIL = "answer with mail"
    OPEN_PAGE = "open page"
    READ_PAGE = "read page"
    SCREENSHOT = "screenshot"
    ACT = "act"
    DOWNLOAD = "download"
    SAVE_PAGE = "save page"
    SEARCH = "search"
    RECALL = "recall"
    ATTENTION = "attention"
    TOP = "top"
    TREND = "trend"
    COMPARE = "compare"
    GREETING = "greeting"
    THANKS = "thanks"
    HELP = "help"
    REFUSED = "refused"
    UNKNOWN = "unknown"


AUTH = "auth"
MAIL = "mail"
BROWSER = "browser"
RESEARCH = "research"

AGENT_OF: dict[Action, str] = {
    Action.SIGN_IN: AUTH,
    Action.ANSWER_RUN: AUTH,
    Action.SESSION_STATUS: AUTH,
    Action.SIGN_OUT: AUTH,
    Action.LIST_ACCOUNTS: AUTH,
    Action.CREATE_MAILBOX: MAIL,
    Action.LIST_MAILBOXES: MAIL,
    Action.DELETE_MAILBOX: MAIL,
    Action.LIST_PROVIDERS: MAIL,
    Action.LIST_MESSAGES: MAIL,
    Action.LATEST_MESSAGE: MAIL,
    Action.WAIT_FOR_MAIL: MAIL,
    Action.READ_MESSAGE: MAIL,
    Action.DELETE_MESSAGE: MAIL,
    Action.CODE_ARRIVED: MAIL,
    Action.ANSWER_WITH_MAIL: MAIL,
    Action.OPEN_PAGE: BROWSER,
    Action.READ_PAGE: BROWSER,
    Action.SCREENSHOT: BROWSER,
    Action.ACT: BROWSER,
    Action.DOWNLOAD: BROWSER,
    Action.SAVE_PAGE: RESEARCH,
    Action.SEARCH: RESEARCH,
    Action.ATTENTION: RESEARCH,
    Action.TOP: RESEARCH,
    Action.TREND: RESEARCH,
    Action.COMPARE: RESEARCH,
}
"""The sub-agent that does an action; the others are answered by whoever is asked."""


@dataclass(frozen=True, slots=True)
class Intent:
    """One request.

    Attributes:
        action: what to do.
        names: accounts, mail addresses or runs it is about; `EVERY_ACCOUNT` alone stands for all accounts.
        page: page name, path or URL; "" is the page that the account's sign-in is verified on.
        topic: what to read, do or download on the page, what to search for, the provider of a new mailbox, "terms" that
            are accepted, or what the top is of.
        item: whose numbers a report is about, as it was written.
        picture: "pie" or "bars", where one was named.
        page_ids: pages that were read before.
        fresh: sign in although a session may still be valid.
        text: the words that were understood as this.
    """

    action: Action
    names: tuple[str, ...] = ()
    page: str = ""
    topic: str = ""
    item: str = ""
    picture: str = ""
    page_ids: tuple[str, ...] = ()
    fresh: bool = False
    text: str = ""


def sentence(intent: Intent) -> str:
    """The sentence that the grammar reads as `intent`: how one agent asks another.

    Raises:
        ValueError: the intent is talk (a greeting, a refusal), not work.
    """
    names = " and ".join("all accounts" if name == EVERY_ACCOUNT else name for name in intent.names)
    of_names = f" of {names}" if names else ""
    for_names = f" for {names}" if names else ""
    to_names = f" to {names}" if names else ""
    at_provider = f" at {intent.topic}" if intent.topic else ""
    on_page = f" on {_page_words(intent.page)}" if intent.page else ""
    sentences = {
        Action.SIGN_IN: f"sign in to {names}" + (" with a fresh session" if intent.fresh else ""),
        Action.ANSWER_RUN: f"{'accept the terms' if intent.topic else 'continue the run'}{of_names}",
        Action.SESSION_STATUS: f"session status{of_names}",
        Action.SIGN_OUT: f"sign out{of_names}",
        Action.LIST_ACCOUNTS: "list my accounts",
        Action.CREATE_MAILBOX: f"create a mailbox{for_names}{at_provider}",
        Action.LIST_MAILBOXES: "list mailboxes",
        Action.DELETE_MAILBOX: f"delete the mailbox{of_names}",
        Action.LIST_PROVIDERS: "list the mail providers",
        Action.LIST_MESSAGES: f"list the messages{of_names}",
        Action.LATEST_MESSAGE: f"latest message{of_names}",
        Action.WAIT_FOR_MAIL: f"wait for a mail{to_names}",
        Action.READ_MESSAGE: f"summarise the last mail{to_names}",
        Action.DELETE_MESSAGE: f"delete the last mail{of_names}",
        Action.CODE_ARRIVED: f"did a code arrive{for_names}",
        Action.ANSWER_WITH_MAIL: f"use the mailed code{for_names}",
        Action.OPEN_PAGE: f"open {_page_words(intent.page) if intent.page else 'the page'}{of_names}",
        Action.READ_PAGE: f"read the {intent.topic or 'page'}{on_page}{of_names}",
        Action.SCREENSHOT: f"take a screenshot{on_page}{of_names}",
        Action.ACT: f"{intent.topic}{on_page}{of_names}",
        Action.DOWNLOAD: f"download “{intent.topic}”{on_page}{of_names}",
        Action.SAVE_PAGE: "save page " + " and ".join(intent.page_ids),
        Action.SEARCH: f"what do you know about {intent.topic}",
        Action.ATTENTION: "which customers need attention",
        Action.TOP: f"show the top {intent.topic} of {intent.item} as {'a pie' if intent.picture == 'pie' else 'bars'}",
        Action.TREND: f"show the trend of {intent.item}",
        Action.COMPARE: f"compare {intent.item} with the days before",
    }
    if intent.action not in sentences:
        raise ValueError(f"{intent.action} is nothing that an agent is asked for")
    return sentences[intent.action]


def _page_words(page: str) -> str:
    return page if "/" in page else f"the {page} page"
