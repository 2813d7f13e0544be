"""Sentences of the stand-in that do not depend on results."""

from collections.abc import Sequence

from seezar.models.rules.intents import Action, Intent

EXAMPLES = (
    "sign in to demo-mail and show me the top events",
    "list my accounts",
    "am I signed in to demo-totp?",
    "I approved it",
    "sign out of demo-mail",
    "create a mailbox",
    "list mailboxes",
    "which mail providers are there?",
    "wait for a mail to demo-mail",
    "list the messages of demo-mail",
    "what does the last mail to demo-mail say?",
    "did a code arrive for demo-mail?",
    "use the mailed code for demo-mail",
    "delete the last mail of demo-mail",
    "open the dashboard of demo-mail",
    "take a screenshot of demo-mail",
    "click Customers of demo-metrics",
    "download CSV on /metrics/customers/northwind of demo-metrics",
    "remember the dashboard of demo-mail",
    "what do you know about checkout events?",
    "what did you tell me about Northwind before?",
    "which customers need attention?",
    "show me the top events of Northwind as a pie",
    "show the trend of Northwind",
    "compare Northwind with the days before",
)

_LIST = "\n".join(f"- {example}" for example in EXAMPLES)
WHAT_I_AM = (
    "I am `offline/rules`, a rule-based stand-in that answers because no model provider is configured. "
    "I know a fixed set of requests and nothing else."
)
CAN_DO = f"I understand requests like these:\n\n{_LIST}\n\nSet a provider key (see litellm_config.yaml) to talk freely."
HELLO = f"Hello. {WHAT_I_AM}\n\n{CAN_DO}"
NO_TOOLS = f"{WHAT_I_AM} This request offers none of the tools that I know, so I cannot answer it."
OFF_PLAN = f"{WHAT_I_AM} This conversation went another way than my rules, so I stop here. Please ask again."
NO_SECRETS = (
    "I cannot tell that: passwords, codes, keys and cookies are opened only inside the worker's browser step, and "
    "neither I nor any other model ever sees them. I can sign in, which uses them without showing them."
)
WELCOME = "You are welcome."


def unknown(text: str) -> str:
    """The answer to words that no rule knows."""
    return f"I did not understand “{text}”. {WHAT_I_AM}\n\n{CAN_DO}"


def which_account(intent: Intent) -> str:
    """The question for a missing account."""
    return (
        f"Which account do you mean with “{intent.text}”? Name one, as in “{EXAMPLES[0]}”; “list my accounts” shows "
        f"them. {WHAT_I_AM}"
    )


def small_talk(intents: Sequence[Intent]) -> list[str]:
    """The answers to the intents that need no tool, in order and without repetition."""
    answers: list[str] = []
    for intent in intents:
        match intent.action:
            case Action.GREETING | Action.HELP:
                answers.append(HELLO)
            case Action.THANKS:
                answers.append(WELCOME)
            case Action.REFUSED:
                answers.append(NO_SECRETS)
            case Action.UNKNOWN:
                answers.append(unknown(intent.text))
            case _:
                pass
    return list(dict.fromkeys(answers))


def not_mine(agent: str, intents: Sequence[Intent]) -> list[str]:
    """What an agent answers to work of another agent."""
    if not intents:
        return []
    foreign = ", ".join(f"“{intent.text}”" for intent in intents)
    return [f"The {agent} agent does not do {foreign}; ask the coordinator, who knows which agent does."]
