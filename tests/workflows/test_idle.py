"""When a worker may stop: a run that waits for a person does not keep it."""

from seezar.accounts.questions import workflow_of
from seezar.application import Application
from seezar.settings import Settings
from workflows.idling import Idling


async def test_a_run_that_waits_is_no_work(settings: Settings, database_url: str) -> None:
    async with await Application.open(settings, database_url, application_name="seezar-test") as application:
        await application.vault.check_key()
        # Long ago is idle at once.
        worker = Idling(application.database, after=1e-9)
        assert await worker.for_long()
        await application.runs.create("r1", kind="sign_in", account="a")
        assert not await Idling(application.database, after=60.0).for_long()
        busy = worker.busy_at
        await worker.for_long()
        assert worker.busy_at > busy

        await application.questions.ask(
            "r1", workflow_id="r1", question="approval", status="needs_person", reason="", left_s=1.0
        )
        waiting = worker.busy_at
        assert await worker.for_long()
        assert worker.busy_at == waiting
        run = await application.questions.answer("r1", None)
        assert (run.workflow_id, run.waiting) == (workflow_of("r1", 1), False)
        await worker.for_long()
        assert worker.busy_at > waiting


async def test_only_the_workflow_of_a_run_may_let_it_wait(settings: Settings, database_url: str) -> None:
    """A workflow that is run again after its run was answered must not take the answer back."""
    async with await Application.open(settings, database_url, application_name="seezar-test") as application:
        await application.runs.create("r1", kind="sign_in", account="a")
        asked = {"question": "approval", "status": "needs_person", "reason": "", "left_s": 1.0}
        await application.questions.ask("r1", workflow_id="r1", **asked)
        await application.questions.answer("r1", None)
        await application.questions.ask("r1", workflow_id="r1", **asked)
        assert not (await application.runs.get("r1")).waiting
