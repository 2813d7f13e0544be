"""The auth agent: accounts and their sessions."""

from google.adk.agents import LlmAgent

from agents.factory import build_app, build_worker
from tools import accounts, auth
from tools.progress import streamed


def build(*, task: bool = False) -> LlmAgent:
    """The agent; `task` as a child of the coordinator."""
    return build_worker(
        "auth",
        description=(
            "Signs accounts in and out, through password and second factor, goes on with a sign-in that waits for a "
            "person, tells whether accounts are signed in, lists, adds and removes accounts, exports a session to a "
            "file. Takes account names."
        ),
        instruction="""
You keep accounts signed in. Call sign_in once for each account that is asked for; for several accounts call it for all
of them in one turn. It takes seconds, reuses a session that is still valid, and gets through the second factor by
itself: you need no code and ask nobody for one. Pass fresh=true only when a fresh session was asked for in so many
words. A result with `question` means that the run waits for a person: tell in plain words what the site asks, with its
`message`, and stop. When the user says that it is done (approved, terms accepted, captcha or passkey dealt with), call
answer_run with confirmed=true. Never accept terms that the user has not accepted. A code is never yours: if the user
offers one, refuse it, do not repeat it, and point to `seezar runs answer` at a terminal. Add, remove or export only
what the user asked for in so many words.
""",
        tools=[
            auth.list_accounts,
            streamed(auth.sign_in),
            streamed(auth.answer_run),
            auth.session_status,
            streamed(auth.sign_out),
            accounts.add_account,
            accounts.remove_account,
            accounts.export_session,
        ],
        task=task,
    )


root_agent = build()
app = build_app(root_agent)
