"""The sign-in as a durable workflow. Rows of DBOS hold names, numbers, handles and outcomes; never a value.

Every decision that depends on the clock or on a table is made inside a step, so that a replay takes the same way.
"""

import asyncio
import functools
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, NotRequired, TypedDict

from dbos import DBOS

from seezar.accounts.attempts import Attempt
from seezar.accounts.pauses import PAUSING
from seezar.accounts.records import result_of_waiting
from seezar.errors import (
    AccountUnknown,
    DatabaseFull,
    DatabaseUnavailable,
    RunEnded,
    SecretMissing,
    SeezarError,
    SettingsInvalid,
)
from seezar.mail.errors import MailError
from seezar.signin.lives import CHALLENGES
from seezar.signin.outcome import Outcome
from seezar.signin.session_check import check_stored_session
from workflows.mail_waiting import arrived, await_mail, mail_cursor
from workflows.names import SIGN_IN
from workflows.runtime import runtime
from workflows.serializer import WorkflowFailed, unforeseen
from workflows.shell import workflow_id
from workflows.steps import PATIENT, reporter
from workflows.taking import account_of, deadline_of, ended_before
from workflows.tracing import traced_workflow
from workflows.turns import site_turn

# Outcomes after which the site may be tried afresh: the challenge or the browser was lost, a mailed code came too late.
_LOST = ("challenge_lost", "browser_lost", "page_lost")
_TRY_AGAIN = (*_LOST, "bad_code")
# The run was ended while its browser was at work. One that is resumed goes on as after a lost challenge.
STOPPED = Outcome("challenge_lost", "The run was ended in the middle.")


class Life(TypedDict):
    """What a browser life leaves in its row. `question` is there when only a person can help, `mail` when the mail that
    the site sent was there already (its handle), `evidence` when something but the status decided (names, for the
    timeline).
    """

    status: str
    reason: str
    attempt: int
    question: NotRequired[str | None]
    mail: NotRequired[str]
    evidence: NotRequired[list[str]]


def through_outages[**P](life: Callable[P, Awaitable[Life]]) -> Callable[P, Awaitable[Life]]:
    """Around a browser life: when the database goes away in the middle, the life is lost and not the run. What was done
    is told by our own tables when they are back, and whoever goes on looks there first.
    """

    @functools.wraps(life)
    async def around(*args: P.args, **kwargs: P.kwargs) -> Life:
        try:
            return await life(*args, **kwargs)
        except DatabaseFull:
            # Nothing that is done from now on could be written down.
            raise
        except DatabaseUnavailable:
            return Life(status="browser_lost", reason="The database went away in the middle.", attempt=0)

    return around


@DBOS.workflow(name=SIGN_IN)
@traced_workflow
async def sign_in(account: str, options: dict[str, Any]) -> dict[str, Any]:
    """Sign `account` in.

    Args:
        account: its name.
        options: `fresh` (bool): do not use the stored session; `timeout` (seconds): deadline of the whole run.

    Returns:
        The object that `seezar sign-in --json` prints.
    """
    run_id = workflow_id()
    try:
        began = await begin(run_id, account, options)
        if "ended" in began:
            return began["ended"]
        life = Life(status=began["status"], reason=began["reason"], attempt=0)
        if life["status"] == "pending":
            life = await attempts(run_id, account, began["deadline"])
    except (SeezarError, WorkflowFailed) as error:
        life = Life(status=error.status, reason=str(error), attempt=0)
    except Exception as error:  # noqa: BLE001 - whatever it is, the run must not stay open for ever
        life = Life(status="error", reason=unforeseen(error), attempt=0)
    return await close(run_id, run_id, account, life)


async def close(run_id: str, workflow: str, account: str, life: Life) -> dict[str, Any]:
    """End the run, or let it wait for a person: then the workflow is over and the run is not."""
    if life.get("question") is not None:
        return await ask(run_id, workflow, life)
    return await finish(run_id, account, life)


async def attempts(
    run_id: str, account: str, deadline: float, life: Life | None = None, *, accept_terms: bool = False
) -> Life:
    """Try until it is decided, or a person is needed.

    Args:
        deadline: of the run, epoch seconds.
        life: what was done already; None to begin with the site's first page.
        accept_terms: a person has said yes to new terms.
    """
    while True:
        if life is None:
            deadline = await site_turn(run_id, account, deadline)
            life = await open_and_submit(run_id, account, deadline, accept_terms)
        if life["status"] in CHALLENGES:
            link = life["status"] == "challenge_link"
            handle = life.get("mail") or await await_mail(run_id, account, life["attempt"], deadline, link)
            if handle is None:
                return Life(status="no_code", reason=_NO_MAIL, attempt=life["attempt"])
            life = await answer_mail(run_id, account, life["attempt"], handle, link, deadline)
        if life.get("question") is not None or life["status"] not in _TRY_AGAIN:
            return life
        again = await may_try_again(run_id, account, life, deadline)
        if again is not None:
            return again
        life = None


_NO_MAIL = (
    "Nothing came by mail in time. The password was accepted and nothing else was tried. "
    "Check that the site sends to the account's mailbox and that mail reaches it, then sign in again."
)


@DBOS.step(**PATIENT)
async def begin(run_id: str, account: str, options: dict[str, Any]) -> dict[str, Any]:
    """Take the run, and be done at once when it has ended already or the stored session still works."""
    app = runtime().application
    timeout = float(options.get("timeout") or app.settings.sign_in_timeout)
    deadline = time.time() + timeout
    if (over := await ended_before(run_id, deadline=deadline)) is not None:
        return {"ended": over}
    record = await account_of(run_id, account)
    # Not even with a fresh start: it is the site that asked for it.
    if (pause := await app.pauses.current(account)) is not None:
        return {"status": pause.status, "reason": pause.sentence, "deadline": deadline}
    # A fresh sign-in replaces the stored session once it has succeeded; one that fails must not cost it.
    if not options.get("fresh"):
        try:
            async with asyncio.timeout(timeout):
                checked = await check_stored_session(app, runtime().pool, record, reporter(run_id))
        except TimeoutError:
            checked = Outcome("unknown", "The deadline of the run has passed while the site was asked.")
        if checked.status == "signed_in":
            reason = "The stored session still works; no form was touched."
            return {"status": "signed_in", "reason": reason, "deadline": deadline}
        await note_pause(account, checked)
        if checked.status != "signed_out":
            return {"status": checked.status, "reason": f"{checked.reason} The session is kept.", "deadline": deadline}
    await app.states.refresh(account)
    return {"status": "pending", "reason": "", "deadline": deadline}


@DBOS.step()
@through_outages
async def open_and_submit(run_id: str, account: str, deadline: float, accept_terms: bool = False) -> Life:
    """First browser life: open the site, submit the password (and a TOTP code), store the session or a checkpoint."""
    app, lives = runtime().application, runtime().lives
    record = await account_of(run_id, account)
    if (known := await decided(run_id, account)) is not None:
        return known
    deadline = await deadline_of(run_id, deadline)
    tried = await app.attempts.all(run_id)
    if len(tried) >= app.settings.max_attempts:
        return Life(status="unknown", reason=f"Given up after {len(tried)} attempts.", attempt=len(tried))
    if time.time() >= deadline:
        return Life(status="unknown", reason="The deadline of the run has passed.", attempt=len(tried))
    # Before the click that makes the site send the mail: what lies in the mailbox now is not the answer to it.
    try:
        since = await mail_cursor(app.mail, record, deadline)
    except (MailError, SecretMissing, SettingsInvalid) as error:
        reason = f"{error} The password was not submitted: the code could not have been fetched."
        return Life(status=error.status, reason=reason, attempt=len(tried))
    number = await app.attempts.begin(run_id, mail_since=since)
    try:
        outcome = await lives.open_and_submit(
            run_id, number, record, reporter(run_id), accept_terms=accept_terms, deadline=deadline
        )
    except RunEnded:
        outcome = STOPPED
    life = await ended(run_id, account, number, outcome)
    if outcome.status in CHALLENGES:
        # Many mails are there as soon as the page that asks for them; a step of its own would look no sooner.
        with suppress(DatabaseUnavailable):
            handle = await arrived(run_id, account, number, link=outcome.status == "challenge_link")
            if handle is not None:
                life["mail"] = handle
    return life


@DBOS.step()
@through_outages
async def answer_mail(run_id: str, account: str, attempt: int, handle: str, link: bool, deadline: float) -> Life:
    """Second browser life: enter the mailed code or open the mailed link, verify, store the session."""
    lives = runtime().lives
    record = await account_of(run_id, account)
    if (known := await decided(run_id, account, attempt)) is not None:
        return known
    deadline = await deadline_of(run_id, deadline)
    try:
        outcome = await lives.answer(run_id, attempt, record, handle, reporter(run_id), link=link, deadline=deadline)
    except RunEnded:
        outcome = STOPPED
    return await ended(run_id, account, attempt, outcome)


@DBOS.step(**PATIENT)
async def may_try_again(run_id: str, account: str, life: Life, deadline: float) -> Life | None:
    """None when another attempt may be made, else the life that ends the run."""
    app = runtime().application
    record = await account_of(run_id, account)
    deadline = await deadline_of(run_id, deadline)
    if (known := await decided(run_id, account)) is not None:
        return known
    attempts = await app.attempts.all(run_id)
    refused = [a for a in attempts if a.outcome == "bad_code"]
    if page_refuses(life, attempts):
        reason = f"{life['reason']} The password was submitted more than once and is not sent again."
        return Life(status="unknown", reason=reason, attempt=life["attempt"])
    # A TOTP code was tried twice within its life already; a mailed one gets one fresh mail.
    if life["status"] == "bad_code" and (record.second_factor == "totp" or len(refused) > 1):
        return life
    if time.time() >= deadline:
        return Life(
            status="unknown", reason=f"The deadline of the run has passed. {life['reason']}", attempt=life["attempt"]
        )
    await app.runs.event(run_id, "retry", f"{life['reason']} Trying once more from the start", **_detail(life))
    return None


def page_refuses(life: Life, attempts: Sequence[Attempt]) -> bool:
    """Whether a page that goes away, in a browser that lives, may be how the site answers a wrong password: then it is
    not given the password a third time. What died on our side says nothing about the password.
    """
    return life["status"] == "page_lost" and sum(a.submitted and a.outcome == "page_lost" for a in attempts) > 1


@DBOS.step(**PATIENT)
async def ask(run_id: str, workflow: str, life: Life) -> dict[str, Any]:
    """Let the run wait for a person; returns what is told of it meanwhile."""
    app = runtime().application
    runtime().lives.rest(run_id)
    question = life.get("question")
    assert question is not None
    run = await app.runs.get(run_id)
    left_s = run.deadline.timestamp() - time.time() if run.deadline else app.settings.sign_in_timeout
    await app.runs.event(run_id, "ask", f"{life['reason']} Waiting for a person ({question})", **_detail(life))
    await app.questions.ask(
        run_id,
        workflow_id=workflow,
        question=question,
        status=life["status"],
        reason=life["reason"],
        left_s=max(0.0, left_s),
    )
    run = await app.runs.get(run_id)
    await app.states.refresh(run.account)
    return result_of_waiting(run)


@DBOS.step(**PATIENT)
async def finish(run_id: str, account: str, life: Life) -> dict[str, Any]:
    """Write down how the run ended; returns its result."""
    app = runtime().application
    await runtime().lives.drop(run_id)
    run = await app.runs.get(run_id)
    if run.finished and run.result is not None:
        return run.result
    if life["status"] == DatabaseFull.status:
        # There is room again by now: what our tables tell was done, all the same.
        life = await decided(run_id, account) or life
    try:
        factor = (await account_of(run_id, account)).second_factor
    except AccountUnknown as error:
        # Whatever it looked like in the middle: its secrets and its session went with it.
        life, factor = Life(status=error.status, reason=str(error), attempt=life["attempt"]), None
    await app.attempts.close(run_id, life["status"])
    info = None
    if life["status"] == "signed_in":
        info = await app.sessions.info(account)
        await app.pauses.clear(account)
    result: dict[str, Any] = {
        "status": life["status"],
        "account": account,
        "run_id": run_id,
        "attempts": run.attempts,
        "model_calls": run.model_calls,
        "duration_s": round(time.time() - run.created_at.timestamp(), 3),
        "second_factor": factor if factor and info and life["attempt"] else "none",
        "reason": life["reason"],
        "session_id": info.id if info else None,
    }
    await app.runs.event(run_id, "done", f"{life['status']}: {life['reason']}", **_detail(life))
    await app.runs.finish(run_id, life["status"], reason=life["reason"], result=result)
    await app.states.refresh(account)
    return result


async def ended(run_id: str, account: str, number: int, outcome: Outcome) -> Life:
    """What the row of a browser life holds of its outcome. What the outcome means for later is written down first."""
    await note_pause(account, outcome)
    if outcome.status not in CHALLENGES and outcome.question is None:
        await runtime().application.attempts.ended(run_id, number, outcome.status)
    life = Life(status=outcome.status, reason=outcome.reason, attempt=number, question=outcome.question)
    if outcome.evidence:
        life["evidence"] = list(outcome.evidence)
    return life


def _detail(life: Life) -> dict[str, Any]:
    """What the timeline is told of a life beside its sentence."""
    return {"evidence": life["evidence"]} if "evidence" in life else {}


async def decided(run_id: str, account: str, attempt: int | None = None) -> Life | None:
    """How a browser life has ended as far as our own tables tell, or None.

    A crash may come after they were written and before the step was recorded; the step is then run again, and must not
    send again what the site has answered.

    Args:
        attempt: whose life it is; None for one that begins another attempt.
    """
    app = runtime().application
    tried = await app.attempts.all(run_id)
    if not tried:
        return None
    number = attempt or tried[-1].number
    run = await app.runs.get(run_id)
    if run.finished:
        return Life(status=run.status, reason=run.reason, attempt=number)
    info = await app.sessions.info(account)
    if info is not None and info.run_id == run_id:
        return Life(status="signed_in", reason="The session of this run is stored.", attempt=number)
    # A TOTP code is tried anew within its life; after that, a refused one is final.
    totp = (await app.accounts.get(account)).second_factor == "totp"
    begins_another = _LOST if totp else _TRY_AGAIN
    outcome = next((a.outcome for a in tried if a.number == number), None)
    if outcome is not None and (attempt is not None or outcome not in begins_another):
        reason = "The site had answered before the worker was interrupted; nothing was sent to it again."
        return Life(status=outcome, reason=reason, attempt=number)
    if (pause := await app.pauses.current(account)) is not None:
        return Life(status=pause.status, reason=pause.sentence, attempt=number)
    return None


async def note_pause(account: str, outcome: Outcome) -> None:
    """Where the site asks to be left alone, later sign-ins of the account will do so."""
    if outcome.status in PAUSING:
        await runtime().application.pauses.begin(
            account, outcome.status, reason=outcome.reason, retry_after_s=outcome.retry_after_s
        )
