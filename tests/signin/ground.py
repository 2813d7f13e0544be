"""Whole sign-ins in the process of the test: stores, a browser and the lives, as a worker has them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from seezar.accounts import NewAccount
from seezar.application import Application
from seezar.browser.pool import BrowserPool
from seezar.signin.lives import SignInLives
from seezar.signin.outcome import Outcome
from tests.chromium import browser_settings
from tests.signin.driving import PASSWORD, USER
from tests.site import Site


class Ground:
    """An application and its sign-ins, as a worker has them."""

    def __init__(self, app: Application, pool: BrowserPool) -> None:
        self.app = app
        self.lives = SignInLives(app, pool)
        self.lines: list[str] = []
        self.details: list[dict[str, object]] = []

    async def sign_in(self, site: Site, run_id: str = "run") -> Outcome:
        if not await self.app.accounts.list():
            await self.app.accounts.add(
                NewAccount("ops", f"{site.url}/", USER, password=PASSWORD, verify_url=f"{site.url}/home")
            )
        account = await self.app.accounts.get("ops")
        await self.app.runs.create(run_id, kind="sign_in", account="ops")
        number = await self.app.attempts.begin(run_id, mail_since=None)

        async def report(step: str, message: str, **detail: object) -> None:
            self.lines.append(f"{step}: {message}")
            self.details.append(detail)

        return await self.lives.open_and_submit(run_id, number, account, report)

    def of(self, step: str) -> list[str]:
        """The lines of the timeline that a step wrote."""
        return [line for line in self.lines if line.startswith(f"{step}: ")]

    async def model_calls(self, run_id: str = "run") -> int:
        return (await self.app.runs.get(run_id)).model_calls


@asynccontextmanager
async def ground(pool: BrowserPool, database_url: str, home: Path, **changes: object) -> AsyncIterator[Ground]:
    settings = browser_settings(home=home, page_timeout=60.0, **changes)
    async with await Application.open(settings, database_url, application_name="seezar-test") as app:
        yield Ground(app, pool)
