"""What the turns of a sign-in share: the page, the account and its credentials, and how often something was tried."""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from playwright.async_api import Locator

from seezar.accounts.records import Account
from seezar.signin.credentials import CredentialSource, Report
from seezar.signin.filling import is_tick, tick
from seezar.signin.outcome import Outcome
from seezar.signin.progress import Progress
from seezar.signin.reading import Reading
from seezar.signin.stage import Stage
from seezar.signin.telling import MOST_REASONS, place

NO_ANSWER = Outcome("site_error", "The site did not answer in time.")


@dataclass
class Flow:
    """One driver's state.

    Attributes:
        sent: the last form that was filled reached the site.
        submitted_here: the password was submitted on this very page, not in a life before it.
        code_with_password: the box for the code stood beside the password and was filled with it.
        code_box_stood: a box for a code stood beside the password when that was submitted.
        answer_entered: the code that the caller gave was used.
        tried: how often each way was tried.
    """

    stage: Stage
    account: Account
    credentials: CredentialSource
    report: Report
    progress: Progress
    before_submit: Callable[[], Awaitable[None]] | None = None
    sent: bool = False
    submitted_here: bool = False
    code_with_password: bool = False
    code_box_stood: bool = False
    answer_entered: bool = False
    tried: Counter[str] = field(default_factory=Counter[str])

    def may(self, way: str, times: int) -> bool:
        """Whether `way` was tried less than so many times; counts this one."""
        self.tried[way] += 1
        return self.tried[way] <= times

    @property
    def place(self) -> str:
        """Where the page is, as the timeline is told."""
        where = place(self.stage.page.url, self.account)
        # A mailed link may be nothing but a word, and stays in the address that it leads to.
        return where if not self.progress.links_opened else "/".join(where.split("/")[:3])

    async def tell(self, reading: Reading, step: str, message: str) -> None:
        """Tell what is about to be done on the page of `reading`, and why it is taken for what it is."""
        await self.report(
            step,
            message,
            page=self.place,
            kind=reading.kind,
            confidence=round(reading.confidence, 2),
            evidence=reading.evidence[:MOST_REASONS],
        )

    async def take(self, control: Locator, reading: Reading, step: str, message: str) -> None:
        """Press a way that the page offers."""
        await self.tell(reading, step, message)
        await self.stage.act(control, reading)

    async def choose(self, control: Locator, reading: Reading, message: str) -> None:
        """Choose how a code is to come: a button does it at once, a radio button needs another one to send it."""
        await self.tell(reading, "second_factor", message)
        if await is_tick(control):
            await tick(control)
            if reading.confirm is not None:
                await self.stage.act(reading.confirm, reading)
            return
        await self.stage.act(control, reading)
