"""The cases of the matrix: a site, the points at which workers die, and how the run must end."""

import time
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.checks import Found, examine, outcome, seen
from tests.chaos.world import WRONG, ChaosWorld, killed_at


@dataclass(frozen=True)
class Case:
    """One kill, or several.

    Attributes:
        site: the shape of the site, or `wrong` for a password that it refuses.
        points: `before …` or `after …`, as of `Plan`; several kill several workers.
        family: their browsers die with them.
        hold: the mail comes only after the first kill.
    """

    site: str
    points: tuple[str, ...]
    family: bool = False
    hold: bool = False

    def __str__(self) -> str:
        held = " while the mail is awaited" if self.hold else ""
        return f"{self.site}: {' and '.join(self.points)}{held}{' with its browser' if self.family else ''}"

    @property
    def expected(self) -> str:
        """How the run must end."""
        return "bad_credentials" if self.site == WRONG else "signed_in"


# With every change: the places between what the site has seen, what our tables tell and what DBOS has recorded.
SHORT: tuple[Case, ...] = (
    Case("mail", ("before call Runs.start",)),
    Case("mail", ("after call Attempts.submitted",), family=True),
    Case("mail", ("before call Attempts.save_checkpoint",)),
    Case("mail", ("before checkpoint open_and_submit",)),
    Case("mail", ("after checkpoint open_and_submit",), hold=True),
    Case("mail", ("after checkpoint sleep",), hold=True, family=True),
    Case("mail", ("after call Mail.claim",)),
    Case("mail", ("after event verify",), family=True),
    Case("mail", ("before call Sessions.store",)),
    Case("mail", ("before checkpoint answer_mail",)),
    Case("mail", ("after call Runs.finish",)),
    Case("mail", ("before checkpoint end",)),
    Case("mail", ("after event password", "after call Mail.claim"), family=True),
    Case("totp", ("after call Attempts.use_totp_step",)),
    Case("totp", ("after event verify",), family=True),
    Case("plain", ("after checkpoint begin",)),
    Case("plain", ("after event password",), family=True),
    Case("plain", ("after call Sessions.store",)),
    Case("plain", ("before checkpoint open_and_submit",)),
    Case("link", ("after checkpoint open_and_submit",), hold=True),
    Case(WRONG, ("after call Attempts.ended",)),
)


async def run_case(chaos: ChaosWorld, case: Case, *, usual_s: float | None = None) -> Found:
    """Do it, and judge the run."""
    account = chaos.newcomer(case.site)
    done = [_arm(chaos, account.name, point, family=case.family) for point in case.points]
    if case.hold:
        chaos.mailer.hold.set()
    began = time.time()
    try:
        run_id = await chaos.world.client.sign_in(account.name, fresh=True)
        if case.hold:
            await _killed(done[0])
            chaos.mailer.hold.clear()
        result = await outcome(chaos, run_id)
        # What ends a workflow comes after the result.
        for path in done:
            await _killed(path)
    finally:
        chaos.mailer.hold.clear()
        chaos.folder.disarm()
    kills = [at for path in done if (at := killed_at(path)) is not None]
    found = await examine(
        chaos,
        account,
        run_id,
        result,
        case=str(case),
        began=began,
        kills=kills,
        expected=case.expected,
        usual_s=usual_s,
    )
    if len(kills) != len(done):
        found.faults.append("nobody was killed: the run did not come to the point")
    return found


def _arm(chaos: ChaosWorld, account: str, point: str, *, family: bool) -> Path:
    when, _, what = point.partition(" ")
    return chaos.arm(account, what, when, family=family)


async def _killed(done: Path, *, timeout: float = 30.0) -> None:
    await seen(lambda: killed_at(done) is not None, timeout=timeout)


async def points_of(chaos: ChaosWorld, site: str) -> tuple[list[str], float]:
    """The points that an undisturbed run passes, each once and in order; and how many seconds the run takes."""
    account = chaos.newcomer(site)
    began = time.monotonic()
    run_id = await chaos.world.client.sign_in(account.name, fresh=True)
    await outcome(chaos, run_id)
    took = time.monotonic() - began
    await seen(lambda: "after checkpoint end" in chaos.folder.trace(account.name))
    return list(dict.fromkeys(chaos.folder.trace(account.name))), took
