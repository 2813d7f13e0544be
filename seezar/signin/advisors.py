"""The advisors of the sign-ins of this worker: one a run, so that what a model said is remembered from page to page."""

from seezar.accounts.records import Account
from seezar.application import Application
from seezar.signin.credentials import Report
from seezar.signin.fallback import ModelAdvisor
from seezar.signin.secrets import account_redactor


class Advisors:
    """Makes and keeps a `ModelAdvisor` for every run, until the run is dropped.

    Args:
        application: its settings name the model pool and the budget; its runs count the calls.
    """

    def __init__(self, application: Application) -> None:
        self._app = application
        self._of_run: dict[str, ModelAdvisor] = {}

    def of(self, run_id: str, account: Account, report: Report) -> ModelAdvisor:
        """The advisor of the run, which signs `account` in."""
        if run_id not in self._of_run:
            app = self._app

            async def spend() -> bool:
                return await app.runs.spend_model_call(run_id, limit=app.settings.model_calls_per_sign_in)

            self._of_run[run_id] = ModelAdvisor(
                lambda: app.models,
                lambda: account_redactor(app.vault, account, user_name=True),
                account.origins,
                report,
                spend,
            )
        return self._of_run[run_id]

    def drop(self, run_id: str) -> None:
        """Forget what was said in the run."""
        self._of_run.pop(run_id, None)
