"""Doing or finding something on a page behind a login that plain words, or a model, point at, durably.

What the page says goes into an encrypted page record; rows and events hold its reference, names and outcomes.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

from dbos import DBOS
from playwright.async_api import Error

from seezar.accounts.action_recipes import ActionRecipe
from seezar.accounts.pages import NewPage
from seezar.accounts.records import Account
from seezar.browser.reader import read_text, screenshot
from seezar.browser.risks import NotAgreed
from seezar.browser.semantic import PageNotUnderstood, Proposal, SemanticBrowser
from seezar.errors import SeezarError
from seezar.signin.egress import tell_egress
from seezar.signin.network import NetworkWatch
from seezar.signin.secrets import account_redactor
from workflows import acting
from workflows.names import ACT_ON_PAGE, EXTRACT_FROM_PAGE
from workflows.open_page import allowed, not_opened
from workflows.runtime import runtime
from workflows.shell import to_its_end, workflow_id
from workflows.steps import reporter
from workflows.taking import account_of, ended_before
from workflows.tracing import traced_workflow
from workflows.visiting import Visit, visiting


class Interrupted(SeezarError):
    """What was to be done on a page was cut off, or failed in the middle; whether it was done is not known."""

    status = "interrupted"


def interrupted(what: str) -> Interrupted:
    """It was begun, and nobody can say what came of it."""
    return Interrupted(
        what,
        kept="It may have been done, and is not done a second time.",
        next_step="Open the page to see whether it was done.",
    )


@DBOS.workflow(name=ACT_ON_PAGE)
@traced_workflow
async def act_on_page(account: str, instruction: str, url: str | None, agreed: str = "") -> dict[str, Any]:
    """Do the one thing that `instruction` asks for on the page `url` (or the verify URL) of `account`.

    Args:
        agreed: what a person has said may be done; anything else that is risky is not.

    Returns:
        `{"status": "done", "account", "method", "by", "page_id", "url", "title"}`, where `by` is what knew the element:
        `words`, `recipe` or `model`; or a status with `reason`; of
        "needs_confirmation" that is what would be done.
    """
    run_id = workflow_id()
    return await to_its_end(run_id, account, act(run_id, account, instruction, url, agreed))


@DBOS.workflow(name=EXTRACT_FROM_PAGE)
@traced_workflow
async def extract_from_page(account: str, question: str, url: str | None) -> dict[str, Any]:
    """Find the answer to `question` on the page `url` (or the verify URL) of `account`.

    Returns:
        `{"status": "extracted", "account", "page_id", "url", "title"}`: the answer is the text of the page record; or a
        status with `reason`.
    """
    run_id = workflow_id()
    return await to_its_end(run_id, account, extract(run_id, account, question, url))


@DBOS.step()
async def act(run_id: str, account: str, instruction: str, url: str | None, agreed: str = "") -> dict[str, Any]:
    """Open, act, read what came of it: by the name of the element or a recipe where that tells it, else by a model."""
    app = runtime().application
    if (over := await ended_before(run_id)) is not None:
        return over
    if any(event.step == "act" for event in await app.runs.events(run_id)):
        raise interrupted("The worker stopped while it acted on the page.")
    record = await account_of(run_id, account)
    deed = _Deed(run_id, instruction, agreed)
    try:
        done = await _plainly(deed, record, url) if await acting.may_know(record, instruction, url) else None
        if done is None:
            done = await _with_a_model(deed, account, url)
    except NotAgreed as error:
        return await _finished(run_id, {"status": error.status, "account": account, "reason": error.what})
    except Exception as error:
        if not deed.begun:
            raise
        what = error.what if isinstance(error, SeezarError) else f"{type(error).__name__} came in between."
        raise interrupted(f"What came of it cannot be told: {what}") from None
    return await _finished(run_id, {"status": "done", "account": account, **done})


@dataclass
class _Deed:
    """The one thing that is to be done, and whether it was begun."""

    run_id: str
    instruction: str
    agreed: str
    begun: bool = False

    async def begin(self, watch: NetworkWatch) -> None:
        """Call it right before it is done. A step that is taken up again after a crash must not do it twice."""
        await runtime().application.runs.event(self.run_id, "act", "Acting on the page")
        watch.mark()
        self.begun = True


async def _plainly(deed: _Deed, record: Account, url: str | None) -> dict[str, Any] | None:
    """Do it without a model; None when only a model could tell what is meant."""
    async with visiting(deed.run_id, record, url) as visit:
        await visit.open()
        target = await acting.target_of(visit.page, deed.instruction)
        if target is None:
            return None
        try:
            await acting.do(target, record, visit.redact, deed.agreed, lambda: deed.begin(visit.watch))
        except Error:
            raise PageNotUnderstood(
                "The element did not take the action.", next_step="Look at the page again."
            ) from None
        page = await _after(visit, deed.run_id)
    if target.recipe is not None:
        await runtime().application.action_recipes.learn(target.recipe)
    return {"method": target.method, "by": target.by, **page}


async def _with_a_model(deed: _Deed, account: str, url: str | None) -> dict[str, Any]:
    app = runtime().application
    learned: list[ActionRecipe | None] = []
    async with _opened(deed.run_id, account, url) as (browser, visit):
        await app.runs.event(deed.run_id, "ask", "Asking a model where on the page it is done")

        async def before(chosen: Proposal) -> None:
            learned.append(await acting.learnt(visit.page, deed.instruction, chosen.selector, chosen.method))
            await deed.begin(visit.watch)

        done = await browser.act(deed.instruction, agreed=deed.agreed, before=before)
        page = await _after(visit, deed.run_id)
    for recipe in filter(None, learned):
        await app.action_recipes.learn(recipe)
    return {"method": done.method, "by": "model", **page}


async def _after(visit: Visit, run_id: str) -> dict[str, Any]:
    """What came of it: the page as it is now, kept."""
    # A click is done before the page has sent what it leads to.
    await visit.watch.reaction()
    await visit.settle()
    text = await read_text(visit.page, visit.redact)
    picture = await screenshot(visit.page, visit.redact)
    page_id = await visit.keep(NewPage(run_id, visit.record.name, text.url, text.title, text.text, picture))
    return {"page_id": page_id, "url": text.url, "title": text.title}


@DBOS.step()
async def extract(run_id: str, account: str, question: str, url: str | None) -> dict[str, Any]:
    """Open, ask, keep the answer."""
    app = runtime().application
    if (over := await ended_before(run_id)) is not None:
        return over
    async with _opened(run_id, account, url) as (browser, visit):
        await app.runs.event(run_id, "extract", "Asking a model what the page says")
        answer = visit.redact((await browser.extract(question)).answer)
        text = await read_text(visit.page, visit.redact)
        page_id = await visit.keep(NewPage(run_id, account, text.url, text.title, answer, None))
    result = {"status": "extracted", "account": account, "page_id": page_id}
    return await _finished(run_id, result | {"url": text.url, "title": text.title})


@asynccontextmanager
async def _opened(run_id: str, account: str, url: str | None) -> AsyncGenerator[tuple[SemanticBrowser, Visit]]:
    app = runtime().application
    record = await account_of(run_id, account)
    target = allowed(urljoin(record.verify_url, url) if url else record.verify_url, record)
    info = await app.sessions.info(account)
    state = await app.sessions.load(account)
    redact = await account_redactor(app.vault, record, user_name=True)
    settings = app.settings

    async def spend() -> bool:
        return await app.runs.spend_model_call(run_id, limit=settings.model_calls_per_sign_in)

    pool = runtime().pool
    policy = pool.policy_of(record)
    browser = SemanticBrowser(
        settings, app.models, redact, record.origins, way_out=pool.way_out, policy=policy, spend=spend, state=state
    )
    try:
        async with pool.turn(), browser:
            session_id = info.id if info else None
            visit = Visit(
                run_id,
                target,
                browser.page,
                browser.context,
                NetworkWatch(browser.page, record.origins),
                record,
                state,
                session_id,
                redact,
            )
            await visit.open()
            yield browser, visit
    except Error as error:
        raise not_opened(error) from None
    finally:
        hidden = await account_redactor(app.vault, record, user_name=True, hosts=True)
        await tell_egress(policy, reporter(run_id), hidden)


async def _finished(run_id: str, result: dict[str, Any]) -> dict[str, Any]:
    app = runtime().application
    await app.runs.event(run_id, "done", str(result["status"]))
    await app.runs.finish(run_id, str(result["status"]), reason=str(result.get("reason", "")), result=result)
    return result
