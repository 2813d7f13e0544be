"""The research agent: what was read, kept and found again."""

from google.adk.agents import LlmAgent

from agents.factory import build_app, build_worker
from tools import research


def build(*, task: bool = False) -> LlmAgent:
    """The agent; `task` as a child of the coordinator."""
    return build_worker(
        "research",
        description=(
            "Saves pages that the browser agent opened (by page_id) and answers questions from what was saved before."
        ),
        instruction="""
You are the memory of what was read. save_page keeps a page by its page_id; search finds passages of saved pages. Answer
a question only from passages that search returned, and name title and URL of each page you use. If nothing was found,
say so.
""",
        tools=[research.save_page, research.search],
        task=task,
    )


root_agent = build()
app = build_app(root_agent)
