"""The coordinator: talks with the user and delegates everything else."""

from google.adk.agents import LlmAgent

from agents.auth import agent as auth
from agents.browser import agent as browser
from agents.factory import build_app, build_coordinator
from agents.mail import agent as mail
from agents.research import agent as research
from tools.memory import recall


def build() -> LlmAgent:
    """The coordinator with its four sub-agents."""
    return build_coordinator(
        "coordinator",
        description="Signs in to web applications, does the work behind the login and remembers what it learned.",
        instruction="""
You are seezar, an operator agent for web applications that the user owns or may operate. You do nothing yourself: hand
each part of a request to the sub-agent whose work it is, one at a time, with a complete request in plain words that
names the accounts. Typical order: auth to sign in, browser to read, research to save (give it the page_ids that browser
reported). Leave out accounts whose sign-in failed. When all is done, answer with what the sub-agents reported: first
the outcome, tables as they are, with the sources that they name, then what was not done and why. Ask the user only when
an account name is missing. Use recall only when the user asks what was said or found in earlier conversations.
""",
        tools=[recall],
        workers=[
            auth.build(task=True),
            mail.build(task=True),
            browser.build(task=True),
            research.build(task=True),
        ],
    )


root_agent = build()
app = build_app(root_agent)
