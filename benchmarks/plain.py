"""The same sign-in without the engine: the driver and the stores called by one process, with no queue and no workflow.

What it saves is what durability costs; what it lacks is everything that `docs/durability.md` promises.
"""

import asyncio
import time
from secrets import token_hex

from seezar.accounts import Account
from seezar.accounts.records import result_without_end
from seezar.application import Application
from seezar.browser.pool import BrowserPool
from seezar.signin.lives import CHALLENGES, SignInLives, site_host

_LOOK_S = 0.01


class PlainSignIn:
    """Signs accounts of local mailboxes in, in this process.

    Args:
        pool: its own browser.
    """

    def __init__(self, application: Application, pool: BrowserPool) -> None:
        self._app = application
        self._lives = SignInLives(application, pool)

    async def __call__(self, name: str) -> None:
        """Sign in from scratch, and store the session.

        Raises:
            RuntimeError: it did not work.
        """
        app = self._app
        run_id = f"plain-{token_hex(6)}"
        account = await app.accounts.get(name)
        await app.runs.create(run_id, kind="plain", account=name)
        assert account.mailbox is not None
        since = await app.mail.cursor(await app.mail.address(account.mailbox))
        number = await app.attempts.begin(run_id, mail_since=since)
        outcome = await self._lives.open_and_submit(run_id, number, account, _silent)
        if outcome.status in CHALLENGES:
            handle = await self._mail(account, since)
            outcome = await self._lives.answer(run_id, number, account, handle, _silent, link=False)
        run = await app.runs.get(run_id)
        result = result_without_end(run, outcome.status, outcome.reason)
        await app.runs.finish(run_id, outcome.status, reason=outcome.reason, result=result)
        if outcome.status != "signed_in":
            raise RuntimeError(f"the plain sign-in ended as {outcome.status}: {outcome.reason}")

    async def _mail(self, account: Account, since: str) -> str:
        assert account.mailbox is not None
        until = time.monotonic() + 60
        while time.monotonic() < until:
            arrival = await self._app.mailboxes.has_code(account.mailbox, since=since, site=site_host(account))
            if arrival is not None:
                return arrival.handle
            await asyncio.sleep(_LOOK_S)
        raise RuntimeError("no mail came")


async def _silent(step: str, message: str, **_detail: object) -> None:
    """A report that nobody reads."""
