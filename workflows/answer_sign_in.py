"""The sign-in going on once a person has answered: a workflow of its own on the same run."""

import time
from typing import Any

from dbos import DBOS

from seezar.accounts.records import result_without_end
from seezar.errors import RunEnded, SeezarError
from workflows.names import ANSWER_SIGN_IN
from workflows.runtime import runtime
from workflows.serializer import WorkflowFailed, unforeseen
from workflows.shell import workflow_id
from workflows.sign_in import STOPPED, Life, attempts, close, decided, ended, through_outages
from workflows.steps import PATIENT, reporter
from workflows.taking import account_of, deadline_of
from workflows.tracing import traced_workflow

# How often a code that the site refuses, or an approval that it has not seen, is asked for; sites lock accounts.
_MOST_CODES = 3
_MOST_APPROVALS = 2


@DBOS.workflow(name=ANSWER_SIGN_IN)
@traced_workflow
async def answer_sign_in(account: str, run_id: str, number: int) -> dict[str, Any]:
    """Go on with the run `run_id` of `account`, with its answer `number`.

    Returns:
        As the sign-in itself.
    """
    try:
        began = await take_up(run_id, number)
        if began["ended"] is not None:
            return began["ended"]
        deadline = began["deadline"]
        life = await enter_answer(run_id, account, number, began["attempt"], deadline)
        # A person has given as many codes as the site may be shown; the password will not help.
        if life["status"] != "bad_code":
            terms = began["question"] == "terms"
            life = await attempts(run_id, account, deadline, life, accept_terms=terms)
    except (SeezarError, WorkflowFailed) as error:
        life = Life(status=error.status, reason=str(error), attempt=0)
    except Exception as error:  # noqa: BLE001 - whatever it is, the run must not stay open for ever
        life = Life(status="error", reason=unforeseen(error), attempt=0)
    return await close(run_id, workflow_id(), account, life)


@DBOS.step(**PATIENT)
async def take_up(run_id: str, number: int) -> dict[str, Any]:
    """What the run still has: its deadline from now on, and the attempt that waits; or its result if it has ended."""
    app = runtime().application
    run = await app.runs.get(run_id)
    if run.finished:
        return {"ended": run.result or result_without_end(run, run.status, run.reason)}
    answer = await app.questions.take(run_id, number)
    deadline = time.time() + answer.left_s
    await app.runs.start(run_id, deadline=deadline)
    tried = await app.attempts.all(run_id)
    attempt = tried[-1].number if tried else 0
    await app.attempts.resumed(run_id, attempt)
    await app.runs.event(run_id, "answer", f"A person has answered ({answer.question})")
    return {"ended": None, "deadline": deadline, "attempt": attempt, "question": answer.question}


@DBOS.step()
@through_outages
async def enter_answer(run_id: str, account: str, number: int, attempt: int, deadline: float) -> Life:
    """A browser life: type the code, or look at the page again; verify, store the session."""
    app, lives = runtime().application, runtime().lives
    record = await account_of(run_id, account)
    if (known := await decided(run_id, account, attempt)) is not None:
        return known
    deadline = await deadline_of(run_id, deadline)
    answer = await app.questions.take(run_id, number)
    most = _MOST_CODES if answer.question == "code" else _MOST_APPROVALS
    again = await app.questions.count(run_id, answer.question) < most
    try:
        outcome = await lives.answer_person(
            run_id, attempt, record, answer, reporter(run_id), again=again, deadline=deadline
        )
    except RunEnded:
        outcome = STOPPED
    life = await ended(run_id, account, attempt, outcome)
    await app.questions.used(run_id, number)
    return life
