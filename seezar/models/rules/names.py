"""Finding account names, mail addresses, pages and page ids in a clause."""

import re

from seezar.models.rules.intents import EVERY_ACCOUNT

_NAME = r"[a-z0-9][a-z0-9._-]{0,62}(?:@[a-z0-9][a-z0-9.-]*)?"
_WHOLE_NAME = re.compile(_NAME, re.IGNORECASE)
_PAGE_ID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
_URL = re.compile(r"https?://\S+|(?<!\S)/[\w./?=&%-]*")
_EVERY = re.compile(r"^(?:all|every|each)(?:\s+(?:of|the|my|our|your))*\s+accounts?$|^everything$", re.IGNORECASE)
_LIST = rf"(?:(?:all|every)\s+(?:(?:the|my|our)\s+)?accounts?|{_NAME}(?:(?:\s*,\s*|\s+and\s+)(?:and\s+)?{_NAME})*)"
_TAIL = re.compile(
    rf"(?:^|\s+)(?:of|for|from|on|in|to|into|at|as|with|behind)\s+(?:the\s+|my\s+)?(?:accounts?\s+)?(?P<names>{_LIST})\s*$",
    re.IGNORECASE,
)
_POSSESSIVE = re.compile(rf"\b(?P<name>{_NAME})['\u2019]s?\s+(?=\w)", re.IGNORECASE)
_PAGE = re.compile(
    r"\b(?:on\s+|of\s+)?(?:the\s+|its\s+|their\s+)?"
    r"(?:(?P<named>[a-z0-9-]+)\s+page|(?P<known>dashboard|start page|home page|overview))\b",
    re.IGNORECASE,
)

PRONOUNS = frozenset({"it", "them", "they", "both", "there", "these", "those", "that", "this", "each", "one", "ones"})
_NOT_NAMES = (
    PRONOUNS
    | {"the", "a", "an", "my", "our", "your", "me", "us", "all", "every", "same", "again", "now", "please", "to"}
    | {
        "account",
        "accounts",
        "login",
        "logins",
        "page",
        "pages",
        "site",
        "web",
        "app",
        "dashboard",
        "session",
        "sessions",
    }
    | {"mailbox", "mailboxes", "message", "messages", "mail", "code", "codes", "link", "picture", "screenshot"}
    | {"events", "everything", "today", "yesterday", "week", "month"}
)


def split_names(text: str) -> tuple[str, ...]:
    """The names in a list such as "demo-mail, the account demo-totp and ops"; what cannot be a name is left out."""
    found: list[str] = []
    for element in re.split(r"\s*,\s*|\s+and\s+", text.strip()):
        if _EVERY.match(element.strip()):
            found.append(EVERY_ACCOUNT)
            continue
        words = [word.strip("`'\"“”()").lower() for word in element.split()]
        words = [word for word in words if _WHOLE_NAME.fullmatch(word) and word not in _NOT_NAMES]
        if "as" in words[:-1]:
            words = words[words.index("as") + 1 :]
        if words:
            # "the staging account ops": what looks like an identifier, else the last word.
            found.append(next((word for word in words if looks_like_name(word)), words[-1]))
    return tuple(dict.fromkeys(found))


def looks_like_name(word: str) -> bool:
    """Whether `word` is written as an identifier, not as prose: it holds a digit or one of `-._@`."""
    return bool(_WHOLE_NAME.fullmatch(word)) and any(character.isdigit() or character in "-._@" for character in word)


def take_names(clause: str) -> tuple[tuple[str, ...], str]:
    """The names at the end of `clause` ("… of demo-mail and demo-totp") or before a 's, and the clause without them."""
    rest = clause
    while match := _TAIL.search(rest):
        rest = rest[: match.start()].rstrip()
        if names := split_names(match["names"]):
            return names, rest
    if (match := _POSSESSIVE.search(clause)) and match["name"].lower() not in _NOT_NAMES | {"what", "who", "let"}:
        return (match["name"].lower(),), clause[: match.start()] + clause[match.end() :]
    return (), rest or clause


def identifiers(text: str) -> tuple[str, ...]:
    """Words of `text` that are written as identifiers, URLs aside."""
    words = (word.strip("`'\"“”().,").lower() for word in _URL.sub(" ", text).split())
    return tuple(dict.fromkeys(word for word in words if looks_like_name(word) and word not in _NOT_NAMES))


def take_page(clause: str) -> tuple[str, str]:
    """The URL, path or page name in `clause` ("" when there is none), and the clause without it."""
    if match := _URL.search(clause):
        return match[0], (clause[: match.start()] + clause[match.end() :]).strip()
    for match in _PAGE.finditer(clause):
        name = (match["known"] or match["named"]).lower().removesuffix(" page")
        if name not in ("this", "that", "the", "a", "current", "same", "web", "landing"):
            return name, (clause[: match.start()] + clause[match.end() :]).strip()
    return "", clause


def page_ids(clause: str) -> tuple[str, ...]:
    """The ids of stored pages in `clause`."""
    return tuple(dict.fromkeys(_PAGE_ID.findall(clause.lower())))
