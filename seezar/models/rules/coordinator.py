"""The plan of the coordinator: delegate, never act.

Requests to sub-agents are sentences of the same grammar. What a sub-agent reports (accounts, pages) narrows the steps
after it: a page is read only for accounts whose sign-in succeeded.
"""

from collections.abc import Generator
from dataclasses import dataclass, field, replace

from seezar.fencing import unfenced
from seezar.models.rules import grammar, talk
from seezar.models.rules.conversation import Conversation, ToolResult
from seezar.models.rules.intents import AGENT_OF, AUTH, BROWSER, EVERY_ACCOUNT, RESEARCH, Action, Intent, sentence
from seezar.models.rules.plan import Plan, Report, ToolCall
from seezar.models.rules.rendering import failure
from seezar.models.rules.research import NO_PAGE

# A new sign-in, a sign-out, what is to be deleted and what is done on a page must be asked for by name; looking may go
# on with the account that was talked about before.
_NAMED_AFRESH = frozenset(
    {Action.SIGN_IN, Action.SIGN_OUT, Action.DELETE_MAILBOX, Action.DELETE_MESSAGE, Action.ACT, Action.DOWNLOAD}
)
_NEEDS_NAMES = _NAMED_AFRESH | {
    Action.SESSION_STATUS,
    Action.OPEN_PAGE,
    Action.READ_PAGE,
    Action.SCREENSHOT,
    Action.LIST_MESSAGES,
    Action.LATEST_MESSAGE,
    Action.WAIT_FOR_MAIL,
    Action.READ_MESSAGE,
    Action.CODE_ARRIVED,
}


_MOST_RECALLED = 4


@dataclass(slots=True)
class _Progress:
    """What the delegations so far brought."""

    answers: list[str] = field(default_factory=list[str])
    accounts: tuple[str, ...] | None = None
    refused: set[str] = field(default_factory=set[str])
    pages: tuple[str, ...] = ()
    failed: bool = False


def plan(conversation: Conversation) -> Plan:
    """Answer by delegating the work in the request, one sub-agent after the other."""
    intents = _with_pages_opened(_with_earlier_names(grammar.parse(conversation.request), conversation), conversation)
    progress = _Progress(pages=_pages_of(conversation.history))
    if unnamed := next((i for i in intents if i.action in _NEEDS_NAMES and not i.names), None):
        return Report("needs_input", talk.which_account(unnamed))
    for intent in intents:
        if intent.action is Action.RECALL:
            yield from _recall(intent.topic, progress)
    for agent, group in _groups(intents):
        yield from _delegate(agent, group, progress)
    answers = [*progress.answers, *talk.small_talk(intents)] or [talk.HELLO]
    return Report("partial" if progress.failed else "ok", "\n\n".join(answers))


def _with_earlier_names(intents: list[Intent], conversation: Conversation) -> list[Intent]:
    """Fill missing names of looking intents with those that were last mentioned."""
    earlier: tuple[str, ...] = ()
    for text in reversed(conversation.earlier):
        if earlier := next((intent.names for intent in reversed(grammar.parse(text)) if intent.names), ()):
            break
    return [
        replace(intent, names=earlier) if not intent.names and intent.action in _NEEDS_NAMES - _NAMED_AFRESH else intent
        for intent in intents
    ]


def _with_pages_opened(intents: list[Intent], conversation: Conversation) -> list[Intent]:
    """A page can be saved once it was read: put the opening before the saving where the request leaves it out."""
    complete: list[Intent] = []
    for intent in intents:
        reads_before = any(AGENT_OF.get(earlier.action) == BROWSER for earlier in complete)
        if intent.action is Action.SAVE_PAGE and not intent.page_ids and not reads_before:
            known = _pages_of(conversation.history)
            if intent.names and (intent.page or not known):
                complete.append(Intent(Action.OPEN_PAGE, names=intent.names, page=intent.page, text=intent.text))
        complete.append(intent)
    return complete


def _groups(intents: list[Intent]) -> list[tuple[str, list[Intent]]]:
    """Neighbouring intents of one agent make one delegation."""
    groups: list[tuple[str, list[Intent]]] = []
    for intent in intents:
        agent = AGENT_OF.get(intent.action)
        if agent is None:
            continue
        if groups and groups[-1][0] == agent:
            groups[-1][1].append(intent)
        else:
            groups.append((agent, [intent]))
    return groups


def _delegate(agent: str, group: list[Intent], progress: _Progress) -> Generator[list[ToolCall], list[ToolResult]]:
    if agent == BROWSER and any(EVERY_ACCOUNT in intent.names for intent in group) and progress.accounts is None:
        listed = yield [ToolCall(AUTH, {"request": sentence(Intent(Action.LIST_ACCOUNTS))})]
        progress.accounts = listed[0].texts("accounts")
    ready = [narrowed for intent in group if (narrowed := _narrowed(intent, progress))]
    if agent == RESEARCH and any(i.action is Action.SAVE_PAGE and not i.page_ids for i in ready):
        progress.answers.append(NO_PAGE)
        ready = [i for i in ready if i.action is not Action.SAVE_PAGE or i.page_ids]
    if not ready:
        return
    [result] = yield [ToolCall(agent, {"request": " and ".join(sentence(intent) for intent in ready)})]
    response = result.response
    if "answer" not in response:
        progress.failed = True
        progress.answers.append(failure(f"the {agent} agent", result))
        return
    progress.failed |= response.get("status") != "ok"
    progress.answers.append(str(response["answer"]))
    if any(intent.action is Action.SIGN_IN for intent in ready):
        progress.accounts = result.texts("accounts")
        asked = {name for intent in ready if intent.action is Action.SIGN_IN for name in intent.names}
        progress.refused = asked - set(progress.accounts)
    if agent == BROWSER:
        progress.pages = result.texts("pages")


def _recall(topic: str, progress: _Progress) -> Generator[list[ToolCall], list[ToolResult]]:
    [result] = yield [ToolCall("recall", {"query": topic})]
    about = f" about “{topic}”" if topic else ""
    if result.status != "ok":
        progress.failed = True
        progress.answers.append(failure("the memory", result))
        return
    rows = result.rows("results")[:_MOST_RECALLED]
    if not rows:
        progress.answers.append(f"I remember no earlier conversation{about}.")
        return
    told = [f"**{row.get('said_by')}**, {row.get('said_at')}: {unfenced(str(row.get('text', '')))}" for row in rows]
    progress.answers.append("\n\n".join([f"What was said{about} in earlier conversations:", *told]))


def _narrowed(intent: Intent, progress: _Progress) -> Intent | None:
    """`intent` for what is there: accounts that are signed in, pages that were read. None when nothing is left."""
    if intent.action is Action.SAVE_PAGE and not intent.page_ids:
        return replace(intent, page_ids=progress.pages)
    if AGENT_OF[intent.action] != BROWSER:
        return intent
    everyone = EVERY_ACCOUNT in intent.names and progress.accounts is not None
    names = progress.accounts if everyone else tuple(name for name in intent.names if name not in progress.refused)
    return replace(intent, names=names) if names else None


def _pages_of(history: tuple[ToolResult, ...]) -> tuple[str, ...]:
    """The pages of the last delegation to the browser agent."""
    reported = (result.texts("pages") for result in reversed(history) if result.name == BROWSER)
    return next((pages for pages in reported if pages), ())
