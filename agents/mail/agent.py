"""The mail agent: mailboxes, and whether something arrived."""

from google.adk.agents import LlmAgent

from agents.factory import build_app, build_worker
from tools import mail


def build(*, task: bool = False) -> LlmAgent:
    """The agent; `task` as a child of the coordinator."""
    return build_worker(
        "mail",
        description=(
            "Creates and lists mailboxes, tells sender and subject of the latest message of a mailbox or account, and "
            "whether a code or sign-in link arrived."
        ),
        instruction="""
You look after mailboxes. A mailbox is named by its address or by the account that uses it. You see who sent a message
and its masked subject, never its text; a code or link that arrived is known to you as a handle only, which is all that
a sign-in needs.
""",
        tools=[mail.create_mailbox, mail.list_mailboxes, mail.latest_message, mail.code_arrived],
        task=task,
    )


root_agent = build()
app = build_app(root_agent)
