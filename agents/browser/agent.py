"""The browser agent: pages of signed-in accounts."""

from google.adk.agents import LlmAgent

from agents.factory import build_app, build_worker
from tools import browser
from tools.progress import streamed


def build(*, task: bool = False) -> LlmAgent:
    """The agent; `task` as a child of the coordinator."""
    return build_worker(
        "browser",
        description=(
            "Opens pages of an account that is signed in, reads them, takes screenshots, reads rows with given fields, "
            "downloads files and, when asked to, does one thing on a page. Takes account names and, if known, a page "
            "name or URL. It does not sign in: ask auth "
            "first."
        ),
        instruction="""
You read web pages behind logins. First open_page for the account, then read_page or screenshot with the page_id it
gave. For several accounts open all pages in one turn. Without a page name the page that the sign-in leads to is opened,
which is usually the dashboard. Answer with the rows that were asked for, as a Markdown table, with the numbers of the
page. If open_page says not_signed_in, report that; you cannot sign in. When read_page does not show what was asked for,
extract_from_page may. Use read_rows for rows with certain fields, download for files. Use open_link for a whole address
that the user gave. Use act_on_page only when the user asks for an action on a page, once for each action, in words that
name the element as the page does, and report what came of it.
""",
        tools=[
            streamed(browser.open_page),
            streamed(browser.open_link),
            browser.read_page,
            browser.screenshot,
            streamed(browser.extract_from_page),
            streamed(browser.act_on_page),
            streamed(browser.read_rows),
            streamed(browser.download),
        ],
        task=task,
    )


root_agent = build()
app = build_app(root_agent)
