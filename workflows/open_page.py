"""Opening a page behind a login: its redacted text and a screenshot are stored; the row holds their reference."""

from dataclasses import replace
from typing import Any
from urllib.parse import urljoin, urlsplit

from dbos import DBOS
from playwright.async_api import Error, Page, Response

from seezar.accounts.pages import NewPage
from seezar.accounts.records import Account
from seezar.browser.reader import read_text, screenshot
from seezar.browser.state import capture
from seezar.browser.way_out import gate_said
from seezar.errors import NotSignedIn, OriginNotAllowed, SeezarError
from seezar.signin.detector import detect
from seezar.signin.egress import tell_egress
from seezar.signin.network import NetworkWatch
from seezar.signin.secrets import account_redactor
from seezar.telemetry.spans import spans
from seezar.vault.origins import origin_of
from workflows.names import OPEN_PAGE
from workflows.runtime import runtime
from workflows.shell import to_its_end, workflow_id
from workflows.steps import PATIENT, reporter
from workflows.taking import account_of, ended_before
from workflows.tracing import traced_workflow


class PageNotOpened(SeezarError):
    """The site does not answer, or answers with an error."""

    status = "site_error"


_FORMS = ("login", "username", "password", "otp")


@DBOS.workflow(name=OPEN_PAGE)
@traced_workflow
async def open_page(account: str, url: str | None, foreign: bool = False) -> dict[str, Any]:
    """Open `url` (or the verify URL) with the stored session of `account`.

    Args:
        foreign: `url` is on no origin of the account, and a person has said that it may be opened: without the session,
            and only where the account's browser may go at all.

    Returns:
        `{"status": "opened", "account", "page_id", "url", "title"}`, or a status with `reason`.
    """
    run_id = workflow_id()
    return await to_its_end(run_id, account, visit(run_id, account, url, foreign))


@DBOS.step(**PATIENT)
async def visit(run_id: str, account: str, url: str | None, foreign: bool = False) -> dict[str, Any]:
    """Load, read, redact, store."""
    app, pool = runtime().application, runtime().pool
    if (over := await ended_before(run_id)) is not None:
        return over
    record = await account_of(run_id, account)
    target = urljoin(record.verify_url, url) if url else record.verify_url
    if not foreign:
        allowed(target, record)
    info = await app.sessions.info(account)
    state = None if foreign else await app.sessions.load(account)
    redact = await account_redactor(app.vault, record)
    await app.runs.event(run_id, "open", f"Opening {redact(shown(target))}")
    policy = pool.policy_of(record)
    async with pool.turn(), pool.context(policy, state) as context:
        page = await pool.new_page(context)
        watch = NetworkWatch(page, record.origins)
        try:
            with spans.span("browser.open", {"server.address": urlsplit(target).hostname or ""}, kind="CLIENT"):
                response = await page.goto(target, wait_until="domcontentloaded")
            refuse_ours(response)
            if response is not None and response.status >= 400:
                raise PageNotOpened(f"The site answered {response.status}.", kept="The session is unchanged.")
            await watch.quiet(app.settings.page_timeout)
            if not foreign:
                # A redirect may have led elsewhere.
                allowed(page.url, record)
                await refuse_forms(page, account)
            text = await read_text(page, redact)
            picture = await screenshot(page, redact)
            renewed = await capture(context, page)
        except Error as error:
            raise not_opened(error) from None
        finally:
            hidden = await account_redactor(app.vault, record, user_name=True, hosts=True)
            await tell_egress(policy, reporter(run_id), hidden)
    new = NewPage(run_id=run_id, account=account, url=text.url, title=text.title, text=text.text, screenshot=picture)
    page_id = await app.pages.store(new)
    if state is not None:
        # Sites renew cookies as they are used; the old ones may stop working.
        await app.sessions.verified(
            account,
            replace(renewed, plain_check=state.plain_check, kept_by=state.kept_by),
            session_id=info.id if info else None,
        )
    result = {"status": "opened", "account": account, "page_id": page_id, "url": text.url, "title": text.title}
    await app.runs.event(run_id, "done", f"Read {text.title!r}")
    await app.runs.finish(run_id, "opened", reason="", result=result)
    return result


async def refuse_forms(page: Page, account: str) -> None:
    """Check that the page does not ask to sign in.

    Raises:
        NotSignedIn: it does.
    """
    if (await detect(page)).kind in _FORMS:
        raise NotSignedIn(
            f"The session of {account!r} has ended: the page asks to sign in.",
            kept="The account and its secrets are unchanged.",
            next_step=f"Sign in again: seezar sign-in {account} --fresh.",
        )


def refuse_ours(response: Response | None) -> None:
    """Check that it was the site that answered.

    Raises:
        PageNotOpened: it was our proxy.
    """
    if (said := gate_said(response)) is not None:
        raise PageNotOpened(
            f"The page cannot be reached ({said}).",
            kept="The session is unchanged.",
            next_step="The event `egress` of the run says which hosts were refused.",
        )


def not_opened(error: Error) -> PageNotOpened:
    """What is told of an error of the browser: the network's word. The rest quotes the address with its query."""
    word = next((word for word in error.message.split() if word.startswith("net::")), "no answer in time")
    return PageNotOpened(
        f"The page cannot be opened ({word}).",
        kept="The session is unchanged.",
        next_step="Check that the site runs and that the address is right.",
    )


def allowed(url: str, account: Account) -> str:
    """`url`, if its origin is registered for `account`.

    Raises:
        OriginNotAllowed: it is not.
    """
    origin = origin_of(url)
    if origin not in account.origins:
        raise OriginNotAllowed(
            f"{origin} is not registered for the account {account.name!r}.",
            kept="Nothing of it was read.",
            next_step="Open an address of the site, or register the origin with --origin.",
        )
    return url


def shown(url: str) -> str:
    """`url` without query and fragment, which may carry tokens."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"
