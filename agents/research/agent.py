"""The research agent: what was read, kept and found again."""

from google.adk.agents import LlmAgent

from agents.factory import build_app, build_worker
from tools import research
from tools.progress import streamed


def build(*, task: bool = False) -> LlmAgent:
    """The agent; `task` as a child of the coordinator."""
    return build_worker(
        "research",
        description=(
            "Saves pages that the browser agent opened (by page_id), answers questions from what was saved before, and "
            "reports on the numbers of customers and the like: which need attention, top events as a pie or bars, "
            "trends, comparisons. It reads what it needs by itself: no sign-in has to be asked for first."
        ),
        instruction="""
You are the memory of what was read. save_page keeps a page by its page_id; search finds passages of what was kept.
Answer a question only from passages that search returned; cite each statement with the words that prove it, and tell
the citation as cite gives it. What cite does not confirm is not told. If nothing was found, or nothing of it answers
the question, say that you do not know, and what could be read to find out. For numbers use make_report: it reads what
is too old, and shows the picture to the user by itself; then show_evidence for the first of its evidence. Answer with
its title, its text with the sources as they are, and the names of the artifacts. When it says that it does not know an
item, tell which there are; never take another one by yourself.
""",
        tools=[
            research.save_page,
            research.search,
            research.cite,
            research.list_extractions,
            streamed(research.make_report),
            research.show_evidence,
        ],
        task=task,
    )


root_agent = build()
app = build_app(root_agent)
