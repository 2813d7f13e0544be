"""All that a running playground knows, in memory: handed in by whoever runs it, and open to look at."""

import asyncio
from collections.abc import Coroutine, Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from playground.clock import Clock, SystemClock
from playground.codes import MailCodes, TotpCodes
from playground.kit.journal import Journal
from playground.kit.walks import Walks
from playground.knobs import Knobs
from playground.limits import FailureLimiter
from playground.mailer import Mailer, SmtpMailer
from playground.sessions import SessionStore
from playground.world import ALL_ACCOUNTS, DemoAccount

type What = Literal["password", "mail", "code", "reused"]


@dataclass(frozen=True, slots=True)
class Deed:
    """What was done in the name of one user: a password or code sent in, a mail made, a spent code sent in again.

    `at` is seconds since the epoch.
    """

    at: float
    shape: str
    username: str
    what: What


@dataclass(slots=True)
class Counters:
    """What happened on one site since the start.

    Attributes:
        page_loads: pages asked for (GET), of any kind.
        login_pages: of these, sign-in pages shown.
        password_submissions: passwords sent in, right or wrong.
        passwords_accepted: of these, right ones.
        codes_sent: mails handed to the SMTP server (a duplicate counts).
        mails_failed: mails that the SMTP server did not take.
        code_submissions: one-time codes sent in.
        codes_accepted: of these, good ones.
        sign_ins: sign-ins completed.
        sign_outs: sign-outs by the user.
        dashboards: dashboards shown to a signed-in user.
        sent_to_login: visits to a protected page without a session.
        rate_limited: answers 429.
        forms_refused: forms without a valid CSRF token.
    """

    page_loads: int = 0
    login_pages: int = 0
    password_submissions: int = 0
    passwords_accepted: int = 0
    codes_sent: int = 0
    mails_failed: int = 0
    code_submissions: int = 0
    codes_accepted: int = 0
    sign_ins: int = 0
    sign_outs: int = 0
    dashboards: int = 0
    sent_to_login: int = 0
    rate_limited: int = 0
    forms_refused: int = 0


class PlaygroundState:
    """The playground's memory. One a server; tests hand in what they want to control and read the rest.

    Args:
        accounts: who may sign in.
        knobs: how the sites behave; may be changed at any time.
        clock: the time.
        mailer: where mails go.
    """

    def __init__(
        self,
        *,
        accounts: Iterable[DemoAccount] = ALL_ACCOUNTS,
        knobs: Knobs | None = None,
        clock: Clock | None = None,
        mailer: Mailer | None = None,
    ) -> None:
        self.knobs = knobs or Knobs()
        self.clock = clock or SystemClock()
        self.mailer = mailer or SmtpMailer()
        self.sessions = SessionStore(self.clock)
        self.walks = Walks()
        self.journal = Journal()
        self.mail_codes = MailCodes(self.clock, self.knobs)
        self.totp_codes = TotpCodes(self.clock, self.knobs)
        self.limiter = FailureLimiter(self.clock)
        self.locked: set[tuple[str, str]] = set()
        self.failures: dict[tuple[str, str], int] = {}
        self._deeds: list[Deed] = []
        self._accounts = {(account.shape, account.username.casefold()): account for account in accounts}
        self._counters: dict[str, Counters] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def account(self, shape: str, username: str) -> DemoAccount | None:
        """The account of this site with this username, upper or lower case, or None."""
        return self._accounts.get((shape, username.strip().casefold()))

    def accounts_of(self, shape: str) -> list[DemoAccount]:
        """All accounts of one site."""
        return [account for (owner, _), account in self._accounts.items() if owner == shape]

    def counters(self, shape: str) -> Counters:
        """The live counters of one site."""
        return self._counters.setdefault(shape, Counters())

    def note(self, shape: str, username: str, what: What) -> None:
        """Write down a deed, now."""
        self._deeds.append(Deed(self.clock.now(), shape, username.strip().casefold(), what))

    def deeds(self, shape: str, username: str, *, since: float = 0.0) -> list[Deed]:
        """What was done in the name of this user since then (seconds since the epoch), oldest first."""
        wanted = username.strip().casefold()
        return [d for d in self._deeds if d.shape == shape and d.username == wanted and d.at >= since]

    def unlock(self, shape: str, username: str) -> None:
        """Open an account that was locked after too many wrong passwords."""
        user = (shape, username.strip().casefold())
        self.locked.discard(user)
        self.failures.pop(user, None)

    def snapshot(self, shapes: Iterable[str]) -> dict[str, dict[str, int]]:
        """Counters and the number of signed-in sessions by site: no names, ids, passwords, codes or secrets."""
        return {
            shape: {**asdict(self.counters(shape)), "signed_in_sessions": self.sessions.signed_in(shape)}
            for shape in shapes
        }

    def run_later(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` beside the requests, until it ends or the playground is closed."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settle(self) -> None:
        """Wait until all work that was given to `run_later` has ended."""
        await asyncio.gather(*self._tasks)

    async def close(self) -> None:
        """Cancel what still runs beside the requests."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
