"""From a sentence to intents. The documented grammar is docs/offline-model.md; this module is its implementation.

A request is cut into clauses where a new verb starts; each clause goes to the first rule that knows it. A clause that
names no account is about those of the clause before it.
"""

import re
from collections.abc import Callable
from dataclasses import replace

from seezar.models.rules import names
from seezar.models.rules.intents import Action, Intent


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_JOINT = _words(
    r"\s*(?:[,;](?=\s|$)|\s&\s|[.!?]+(?=\s|$)|\bthen\b|\bafter that\b|\balso\b|\band\b)"
    r"(?:\s*(?:\band\b|\bthen\b|\balso\b|\bafter that\b))*\s*"
)
_POLITE = _words(
    r"^(?:(?:please|now|kindly|okay|ok|hey|hi|hello|seezar|can you|could you|would you|will you|i want you to|"
    r"i(?:'d| would) like you to|i(?:'d| would) like to|i want to|go ahead|just)\b(?!-)[\s,!]*)+"
)
_GREETING = _words(r"^(?:hi|hello|hey|good (?:morning|afternoon|evening|day)|greetings)\b[\s\w]{0,12}$")
_STARTS_CLAUSE = _words(
    r"^(?:re-?)?(?:(?:sign|log)\s?(?:me\s)?(?:back\s)?(?:in|out|on|into|off)|list|show|what|which|who|how|am i|are we|"
    r"i(?:'ve|\u2019ve| have)? (?:just )?(?:approved|confirmed|accept|agree|solved|passed|used|did)|"
    r"accept|approved|continue|go on|carry on|proceed|"
    r"is|did|has|have|check|create|make|open|go to|visit|load|navigate|read|get|give|tell|fetch|extract|summari[sz]e|"
    r"take|capture|wait|delete|remove|use|enter|"
    r"press|click|push|tap|tick|untick|fill|select|choose|download|"
    r"save|remember|keep|search|find|look up|forget|session status|latest|last|newest|help|print|reveal|send|display|"
    r"thanks|thank you|do you|screenshot|draw|plot|chart|compare)\b(?!-)"
)

_SIGN_IN = _words(
    r"^(?:re-?)?(?:sign|log)\s?(?:me\s)?(?:back\s)?(?:in|on|into)\b(?:\s+again)?\s*(?:(?:to|into|on|at|as)\b)?\s*"
)
# What a person says who has done what a waiting run asks: approved it, accepted the terms, solved the captcha.
_ANSWER = _words(
    r"^(?:i(?:'ve|\u2019ve| have| just|'m| am)*\s+)?(?:"
    r"(?:approved?|confirmed)\b(?!.*\bcodes?\b)|"
    r"(?:accept(?:ed)?|agree(?:d)? (?:to|with))\b.*\b(?:terms|conditions)\b|"
    r"(?:continue|go on|carry on|proceed)\b.*\b(?:run|sign-?in)\b|"
    r"(?:solved|passed|did|used)\b.*\b(?:captcha|passkey|security key)\b)"
)
_TERMS = _words(r"\b(?:terms|conditions)\b")
_SIGN_OUT = _words(
    r"^(?:(?:sign|log)\s?(?:me\s)?(?:out|off)\b|(?:forget|end|drop)\s+(?:the\s|my\s)?(?:session|sign-?in)s?\b)"
    r"\s*(?:(?:of|from|for)\b)?\s*"
)
_FRESH = _words(r"\s*\b(?:with a fresh session|afresh|from scratch|again)\b")
_ABOUT_SESSION = _words(
    r"\b(?:signed|logged) ?in\b|\bsession status\b|\b(?:status|state) of\b|"
    r"\bsessions?\b.*\b(?:valid|alive|status)\b|^check\b.*\bsessions?\b"
)
_SECRET = _words(
    # Not as a part of a name: demo-password is an account.
    r"(?<![\w.-])(?:passwords?|passphrases?|secrets?|credentials?|cookies?|tokens?|api[- ]?keys?|"
    r"(?:totp|otp|master|private)[- ](?:seed|key|code)s?|"
    r"(?:backup|recovery|one[- ]time|verification|2fa)[- ](?:code|password)s?)(?![\w-])"
)
_CODE_ASKED = _words(r"^(?:what(?:'s)?|show|tell|give|read|print|reveal|send|display|get|fetch)\b.*\bcodes?\b")
_CODE_ARRIVED = _words(r"^(?:did|has|have|is there|are there|check|any)\b.*\b(?:codes?|links?)\b")
_ACCOUNTS = _words(r"^(?:list|show|what|which|give|tell|do you)\b.*\b(?:accounts|logins)\b")
_NEW_MAILBOX = _words(r"^(?:create|make|open|set up|add|new)\b.*\b(?:mailbox(?:es)?|(?:e-?)?mail address)\b")
_MAILBOXES = _words(r"^(?:list|show|what|which|give|tell|do you)\b.*\bmailboxes\b")
_AT_PROVIDER = _words(
    r"\s+(?:at|with)\s+(?:the\s+)?(?:(?:mail\s+)?provider\s+)?(?P<provider>[a-z][a-z0-9_-]{0,31})(?:\s+provider)?\s*$"
)
# Not as a part of a name: demo-mail is an account.
_MAIL = r"(?<![\w.@-])(?:e-?)?(?:message|mail)s?(?![\w@-])"
_NO_MAILBOX = _words(r"^(?:delete|remove|drop)\b.*\bmailbox(?:es)?\b")
_PROVIDERS = _words(r"^(?:list|show|what|which|give|tell|do you)\b.*\b(?:e-?)?mail(?:box)?\s+providers?\b")
_MESSAGES = _words(
    r"^(?:list|show|what|which|give|tell|are there|any)\b.*(?<![\w.@-])(?:e-?)?(?:messages|mails)(?![\w@-])"
)
_LATEST = _words(rf"\b(?:latest|last|newest|most recent)\s+{_MAIL}")
_WAIT = _words(rf"^wait\b.*(?:{_MAIL}|\bcodes?\b|\blinks?\b)")
_NO_MESSAGE = _words(rf"^(?:delete|remove)\b.*{_MAIL}")
_SAYS = _words(r"\s+(?:say|says|about|wants?|asks? for)$")
_PROSE = _words(
    rf"^(?:read|summari[sz]e)\b.*\b(?:latest|last|newest|most recent)\s+{_MAIL}|^what\b.*{_MAIL}.*{_SAYS.pattern}"
)
# "Give me the code" is another thing: that is refused.
_USE_CODE = _words(
    r"^(?:use|enter|type|answer|continue|go on|carry on|proceed)\b(?!.*\b(?:me|us)\b)(?=.*\bcode\b)"
    r".*(?:(?<![\w.@-])(?:e-?)?mail(?:ed)?(?![\w@-])|\b(?:came|arrived)\b)"
)
_SCREENSHOT = _words(
    r"^(?:take|capture|make|show|get|give|send)\b.*\b(?:screenshots?|pictures?|images?)\b|^screenshot\b"
)
_DOWNLOAD = _words(r"^download\b\s*(?:the\s+(?:file\s+)?)?")
_ACT = _words(r"^(?:press|click|push|tap|tick|untick|fill|select|choose)\b(?=\s+\S)")
# What is called by a name may be called "overview"; a page is said to be one.
_ON_PAGE = _words(r"\s+on\s+(?:(?:the\s+)?(?P<named>[a-z0-9-]+)\s+page|(?P<url>/\S*|https?://\S+))$")
_SAVE = _words(r"^(?:save|remember|keep|store)\b")
_SEARCH = _words(
    r"^(?:what (?:do|did) you (?:know|remember|learn|save)(?:\s+(?:about|of|on))?|what is known about|"
    r"(?:search|look up|find)(?:\s+(?:for|about|in|through|the|your|my|knowledge|notes|memory|saved pages))*)"
    r"\s+(?P<topic>.+)$"
)
_RECALL = _words(
    r"^what (?:did|have) (?:we|you|i) "
    r"(?:talk(?:ed)?|discuss(?:ed)?|said|say|tell|told|ask(?:ed)?|find|found|report(?:ed)?)"
    r"(?:\s+(?:me|you|us))?(?:\s+(?:about|of|on|for))?(?:\s+(?P<topic>.+?))??"
    r"(?:\s+(?:(?:the )?last time|before|earlier|in (?:an |the |our )?(?:earlier|last) (?:chat|talk|conversation)s?))?$"
)
_ATTENTION = _words(
    r"^(?:which|what|who|show|list|tell|is|are|does|do)\b.*\b(?:needs?|requires?|deserves?|wants?)\b.*\battention\b"
)
_TOP = _words(
    r"^(?:show|draw|plot|chart|give|make|create|what|which)\b.*?\b(?:top|most frequent|biggest)\s+"
    r"(?P<topic>\w[\w ]*?)\s+(?:of|for)\s+(?P<item>.+?)\s+(?:as|in)\s+(?:an?\s+)?(?P<picture>pie|donut|bars?)"
    r"(?:\s+(?:chart|graph|plot|diagram))?$"
)
_TREND = _words(
    r"^(?:(?:show|draw|plot|chart|give|what)\b.*?\b(?:trend|development|history)\s+(?:of|for)\s+|"
    r"how (?:did|has|does|is)\s+)(?P<item>.+?)(?:\s+(?:develop(?:ed|ing)?|do(?:ing|ne)?|chang(?:ed?|ing)|"
    r"go(?:ing|ne)?))?$"
)
_COMPARE = _words(
    r"^compare\s+(?:the\s+)?(?:last\s+\w+(?:\s+days)?\s+(?:of|for)\s+)?(?P<item>.+?)\s+(?:with|to|against)\b.*$"
)
_OPEN = _words(r"^(?:open|go to|visit|load|navigate to)\b\s*")
_READ = _words(
    r"^(?:read|get|fetch|extract|summari[sz]e|show|tell|give|list|display|which|how (?:many|much)|"
    r"what(?:['\u2019]s)?(?:\s+(?:is|are|was|were))?)(?!\w)"
    r"(?:\s+(?:me|us))?(?:\s+about)?\s*"
)
_FILLER = _words(
    r"^(?:(?:the|a|an|all|its|their|my|our|of|is|are|there)\b\s*)+|"
    r"\s*\b(?:behind the login|on the site|from there|there)\s*$"
)
_HELP = _words(r"^help\b|^what can (?:you|i)\b|^who are you\b|^what are you\b|^how do(?:es)? (?:you|this)\b")
_THANKS = _words(r"^(?:thanks|thank you|great|perfect|nice|bye|goodbye)\b[\s\w]{0,20}$")

_ABOUT_ACCOUNTS = frozenset(
    {
        Action.SIGN_IN,
        Action.ANSWER_RUN,
        Action.SESSION_STATUS,
        Action.SIGN_OUT,
        Action.DELETE_MAILBOX,
        Action.LIST_MESSAGES,
        Action.LATEST_MESSAGE,
        Action.WAIT_FOR_MAIL,
        Action.READ_MESSAGE,
        Action.DELETE_MESSAGE,
        Action.CODE_ARRIVED,
        Action.ANSWER_WITH_MAIL,
        Action.OPEN_PAGE,
        Action.READ_PAGE,
        Action.SCREENSHOT,
        Action.ACT,
        Action.DOWNLOAD,
        Action.SAVE_PAGE,
    }
)
_TALK = frozenset({Action.GREETING, Action.THANKS})


def parse(text: str) -> list[Intent]:
    """The intents of `text`, in order; a clause that no rule knows gives an intent with `Action.UNKNOWN`.

    Account names come back in lower case, as they are by definition; URLs as they were written. A greeting in front of
    a request is dropped. An empty text gives no intents.
    """
    intents: list[Intent] = []
    for clause in _clauses(text):
        intent = replace(_read(clause), text=clause)
        if intents and intent.action in _ABOUT_ACCOUNTS and not intent.names and not intent.page_ids:
            intent = replace(intent, names=intents[-1].names)
        intents.append(intent)
    return [intent for intent in intents if intent.action not in _TALK] or intents


def _clauses(text: str) -> list[str]:
    clauses: list[str] = []
    for part in _JOINT.split(" ".join(text.split())):
        piece = _POLITE.sub("", part).strip()
        if not piece:
            if _GREETING.match(part.strip()):
                clauses.append(part.strip())
        elif clauses and not _STARTS_CLAUSE.match(piece):
            clauses[-1] = f"{clauses[-1]} and {piece}"
        else:
            clauses.append(piece)
    return clauses


def _read(clause: str) -> Intent:
    for rule in _RULES:
        if intent := rule(clause):
            return intent
    return Intent(Action.UNKNOWN)


def _talk(clause: str) -> Intent | None:
    for pattern, action in ((_GREETING, Action.GREETING), (_THANKS, Action.THANKS), (_HELP, Action.HELP)):
        if pattern.search(clause):
            return Intent(action)
    return None


def _code_arrived(clause: str) -> Intent | None:
    if not _CODE_ARRIVED.search(clause):
        return None
    found, rest = names.take_names(clause)
    return Intent(Action.CODE_ARRIVED, names=found or names.identifiers(rest))


def _sign_out(clause: str) -> Intent | None:
    match = _SIGN_OUT.search(clause)
    return Intent(Action.SIGN_OUT, names=names.split_names(clause[match.end() :])) if match else None


def _sign_in(clause: str) -> Intent | None:
    match = _SIGN_IN.search(clause)
    if not match:
        return None
    rest = _FRESH.sub("", clause[match.end() :])
    rest = re.split(r"\s+(?:with|using)\s+", rest, maxsplit=1)[0]
    return Intent(Action.SIGN_IN, names=names.split_names(rest), fresh=bool(_FRESH.search(clause)))


def _answer_run(clause: str) -> Intent | None:
    if not _ANSWER.search(clause):
        return None
    found, rest = names.take_names(clause)
    topic = "terms" if _TERMS.search(clause) else ""
    return Intent(Action.ANSWER_RUN, names=found or names.identifiers(rest.replace("sign-in ", "")), topic=topic)


def _secret(clause: str) -> Intent | None:
    return Intent(Action.REFUSED) if _SECRET.search(clause) or _CODE_ASKED.search(clause) else None


def _session_status(clause: str) -> Intent | None:
    if not _ABOUT_SESSION.search(clause):
        return None
    found, rest = names.take_names(clause)
    return Intent(Action.SESSION_STATUS, names=found or names.identifiers(rest))


def _listing(clause: str) -> Intent | None:
    # "show me the top accounts of demo-mail" is about a page, not about our accounts.
    if _ACCOUNTS.search(clause) and not names.take_names(clause)[0]:
        return Intent(Action.LIST_ACCOUNTS)
    if _PROVIDERS.search(clause):
        return Intent(Action.LIST_PROVIDERS)
    return Intent(Action.LIST_MAILBOXES) if _MAILBOXES.search(clause) else None


def _new_mailbox(clause: str) -> Intent | None:
    if not _NEW_MAILBOX.search(clause):
        return None
    provider = ""
    if match := _AT_PROVIDER.search(clause):
        provider, clause = match["provider"].lower(), clause[: match.start()]
    found, rest = names.take_names(clause)
    return Intent(Action.CREATE_MAILBOX, names=found or names.identifiers(rest), topic=provider)


_ABOUT_MAIL = (
    (_NO_MAILBOX, Action.DELETE_MAILBOX),
    (_NO_MESSAGE, Action.DELETE_MESSAGE),
    (_PROSE, Action.READ_MESSAGE),
    (_LATEST, Action.LATEST_MESSAGE),
    (_MESSAGES, Action.LIST_MESSAGES),
)


def _mail(clause: str) -> Intent | None:
    action = next((action for pattern, action in _ABOUT_MAIL if pattern.search(clause)), None)
    if action is None:
        return None
    found, rest = names.take_names(_SAYS.sub("", clause))
    return Intent(action, names=found or names.identifiers(rest))


def _wait(clause: str) -> Intent | None:
    if not _WAIT.search(clause):
        return None
    found, rest = names.take_names(clause)
    return Intent(Action.WAIT_FOR_MAIL, names=found or names.identifiers(rest))


def _use_code(clause: str) -> Intent | None:
    if not _USE_CODE.search(clause):
        return None
    found, rest = names.take_names(clause)
    return Intent(Action.ANSWER_WITH_MAIL, names=found or names.identifiers(rest.replace("sign-in ", "")))


def _screenshot(clause: str) -> Intent | None:
    if not _SCREENSHOT.search(clause):
        return None
    found, rest = names.take_names(clause)
    page, rest = names.take_page(rest)
    return Intent(Action.SCREENSHOT, names=found or names.identifiers(rest), page=page)


def _act(clause: str) -> Intent | None:
    download = _DOWNLOAD.search(clause)
    if download is None and not _ACT.search(clause):
        return None
    found, rest = names.take_names(clause)
    match = _ON_PAGE.search(rest)
    page = (match["named"] or match["url"]) if match else ""
    rest = rest[: match.start()] if match else rest
    if download is None:
        return Intent(Action.ACT, names=found, page=page, topic=rest.strip())
    return Intent(Action.DOWNLOAD, names=found, page=page, topic=_item(rest[download.end() :]))


def _save(clause: str) -> Intent | None:
    match = _SAVE.search(clause)
    if not match:
        return None
    if ids := names.page_ids(clause):
        return Intent(Action.SAVE_PAGE, page_ids=ids)
    found, rest = names.take_names(clause[match.end() :])
    page, _ = names.take_page(rest)
    return Intent(Action.SAVE_PAGE, names=found, page=page)


def _search(clause: str) -> Intent | None:
    match = _SEARCH.search(clause)
    return Intent(Action.SEARCH, topic=match["topic"].strip()) if match else None


def _recall(clause: str) -> Intent | None:
    match = _RECALL.search(clause)
    return Intent(Action.RECALL, topic=(match["topic"] or "").strip()) if match else None


def _report(clause: str) -> Intent | None:
    if _ATTENTION.search(clause):
        return Intent(Action.ATTENTION)
    if match := _TOP.search(clause):
        picture = "bars" if match["picture"].lower().startswith("bar") else "pie"
        return Intent(Action.TOP, topic=match["topic"].strip(), item=_item(match["item"]), picture=picture)
    if match := _COMPARE.search(clause):
        return Intent(Action.COMPARE, item=_item(match["item"]))
    # "How did it go" is of no item.
    if (match := _TREND.search(clause)) and (item := _item(match["item"])).lower() not in names.PRONOUNS:
        return Intent(Action.TREND, item=item)
    return None


def _item(text: str) -> str:
    return text.strip().strip("`'\"“”").removeprefix("the ").strip()


def _open(clause: str) -> Intent | None:
    match = _OPEN.search(clause)
    if not match:
        return None
    found, rest = names.take_names(clause[match.end() :])
    page, rest = names.take_page(rest)
    return Intent(Action.OPEN_PAGE, names=found or names.identifiers(rest), page=page)


def _read_page(clause: str) -> Intent | None:
    match = _READ.search(clause)
    if not match:
        return None
    found, rest = names.take_names(clause[match.end() :])
    page, rest = names.take_page(rest)
    while (shorter := _FILLER.sub("", rest)) != rest:
        rest = shorter
    if not found and names.looks_like_name(rest):
        return Intent(Action.READ_PAGE, names=(rest.lower(),), page=page)
    topic = rest.strip()
    return Intent(Action.READ_PAGE, names=found, page=page, topic="" if topic in ("page", "it", "text") else topic)


# The order matters: a clause goes to the first rule that knows it, so the refusals stand before everything that reads.
_RULES: tuple[Callable[[str], Intent | None], ...] = (
    _talk,
    _code_arrived,
    _wait,
    _use_code,
    _answer_run,
    _sign_out,
    _sign_in,
    _secret,
    _recall,
    _report,
    _session_status,
    _listing,
    _new_mailbox,
    _mail,
    _screenshot,
    _act,
    _save,
    _search,
    _open,
    _read_page,
)
