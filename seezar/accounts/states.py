"""How each account is doing: one state, since when and why, and the states before.

`state_of` tells it from what the tables say; `States.refresh` is the only writer.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from seezar.accounts.facts import Facts, read_facts
from seezar.accounts.notices import Notices
from seezar.database import Connection, Database, server_now

type StateName = Literal["signed_in", "expiring", "signing_in", "needs_person", "broken", "signed_out"]

# By itself the worker signs an account in no more often than this, even where it works every time.
_BETWEEN_S = 900.0
# After one, two and three failures in a row: sites lock after a few within an hour or so, and forget them (OWASP
# Authentication Cheat Sheet, account lockout). After one more, the worker leaves it to people.
_AFTER_STRIKES_S = (900.0, 3600.0, 14_400.0)
# Where the password was not even asked for, the next look costs the site a page.
_AFTER_FAULT_S = 60.0
_LONGEST_AFTER_FAULT_S = 3600.0
# Nothing that a program does helps here.
_PERSON = ("needs_person", "captcha", "passkey_only", "secret_missing", "origin_not_allowed")
# History that is kept of each account.
_KEPT = 500


@dataclass(frozen=True)
class State:
    """A state with its reason, one plain sentence; `next_at` is when the worker does something next, None: not by
    itself. `run_id` is the run that needs a person, or has failed.
    """

    name: StateName
    reason: str
    next_at: datetime | None = None
    run_id: str | None = None


@dataclass(frozen=True)
class AccountState:
    """A state as it is stored."""

    account: str
    state: StateName
    since: datetime
    reason: str
    next_at: datetime | None = None


def sign_in_at(facts: Facts) -> datetime | None:
    """From when on the worker may sign the account in without being asked; None: not before somebody else has.

    Only where somebody asked for the session to be kept, has not signed out since, and where no person was needed the
    last time (terms, once accepted, are not asked for again). Never again after a refused password, whatever came of
    the sign-ins after it, nor while its last run is parked.
    """
    if not facts.kept or facts.last_status is None or facts.last_at is None or facts.signed_out or facts.asked:
        return None
    if facts.refused or facts.parked or facts.last_status in ("cancelled", *_PERSON) or _given_up(facts):
        return None
    if facts.broken and facts.last_status != "signed_in":
        return None
    times = [facts.last_at]
    if facts.last_status == "signed_in":
        times.append(facts.last_at + timedelta(seconds=_BETWEEN_S))
    if facts.last_strike_at is not None:
        after = _AFTER_STRIKES_S[min(facts.strikes, len(_AFTER_STRIKES_S)) - 1]
        times.append(facts.last_strike_at + timedelta(seconds=after))
    if facts.last_fault_at is not None:
        pause = min(_AFTER_FAULT_S * 4.0 ** min(facts.faults - 1, 8), _LONGEST_AFTER_FAULT_S)
        times.append(facts.last_fault_at + timedelta(seconds=pause))
    if facts.paused_until is not None:
        times.append(facts.paused_until)
    return max(times)


def _given_up(facts: Facts) -> bool:
    # A site that does not answer will some day, and is given the password seldom enough until then.
    return facts.strikes - facts.unanswered > len(_AFTER_STRIKES_S)


def state_of(facts: Facts, now: datetime) -> State:
    """The state of an account."""
    if facts.open_run is not None:
        if facts.question is not None:
            return State("needs_person", _asks(facts.question), run_id=facts.open_run)
        return State("signing_in", "A sign-in is under way.", run_id=facts.open_run)
    if facts.parked:
        return _stuck(facts)
    if facts.stored:
        return _stored(facts, now)
    if facts.last_status is None or facts.signed_out:
        return State("signed_out", "Somebody signed out." if facts.signed_out else "Nobody has signed in yet.")
    if not facts.kept or facts.last_status == "cancelled":
        ended = "The site has ended the session." if facts.last_status == "signed_in" else _failed(facts)
        return State("signed_out", ended, run_id=facts.last_run)
    due = sign_in_at(facts)
    if due is None:
        return _stuck(facts)
    if facts.last_status == "signed_in":
        return State("signing_in", "The session is gone; the worker signs in again.", due)
    return State("signing_in", f"{_failed(facts)} The worker tries again.", due, facts.last_run)


def _stored(facts: Facts, now: datetime) -> State:
    near = facts.expiring_from is not None and facts.expiring_from <= now
    if not near:
        due = min((at for at in (facts.check_at, facts.expiring_from) if at is not None), default=None)
        return State("signed_in", "The stored session is good.", due)
    # A visit often moves the end; what only a person can do is asked for when it did not.
    visited = facts.visited and not facts.open_runs and facts.last_status != "cancelled"
    if facts.kept and visited and sign_in_at(facts) is None:
        return _stuck(facts)
    assert facts.expires_at is not None
    if facts.expires_at <= now:
        teller = "look" if facts.check_at else "use"
        return State("expiring", f"The end of the session has come; the next {teller} tells.", facts.check_at)
    reason = f"The session ends at {_moment(facts.expires_at)}, unless it is renewed."
    return State("expiring", reason, facts.renew_at)


def _stuck(facts: Facts) -> State:
    """Why the worker does nothing more by itself."""
    if facts.parked:
        return State("broken", "Workers died with its last run, which was put aside.", run_id=facts.last_run)
    if facts.refused:
        return State(
            "broken", "The site refused the user name or the password; it is not sent again.", run_id=facts.last_run
        )
    if facts.last_status in _PERSON:
        return State("needs_person", _failed(facts), run_id=facts.last_run)
    if facts.asked:
        return State("needs_person", "Signing in again needs a person, as it did the last time.")
    often = f"{facts.strikes} times in a row" if _given_up(facts) else "again and again"
    return State("broken", f"Signing in failed {often}, the last time as {facts.last_status}.", run_id=facts.last_run)


def _failed(facts: Facts) -> str:
    return f"The last sign-in ended as {facts.last_status}."


def _asks(question: str) -> str:
    return {
        "code": "A sign-in waits for a code.",
        "approval": "A sign-in waits for an approval on another device.",
        "terms": "A sign-in waits for a yes to new terms.",
        "captcha": "A sign-in waits at a challenge for people.",
        "passkey": "A sign-in waits for a passkey.",
    }.get(question, "A sign-in waits for a person.")


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


class States:
    """The states in `app.account_state` and `app.account_history`.

    Args:
        notices: told when an account needs people, and when it does not any more.
    """

    def __init__(self, database: Database, notices: Notices) -> None:
        self._database = database
        self._notices = notices

    async def refresh(self, account: str | None = None) -> list[AccountState]:
        """Write down how the accounts (or this one) are doing now; returns the states that changed.

        Any number of workers may do it at the same time: a change is written once.
        """
        async with self._database.connection() as connection:
            seen = await read_facts(connection, account=account)
            rows = await (await connection.execute("SELECT * FROM app.account_state")).fetchall()
            now = await server_now(connection)
        stored = {row["account"]: (row["state"], row["reason"], row["next_at"]) for row in rows}
        changed: list[AccountState] = []
        for facts in seen:
            state = state_of(facts, now)
            if stored.get(facts.account) != (state.name, state.reason, state.next_at):
                written = await self._write(facts.account)
                changed += [written] if written else []
        return changed

    async def _write(self, account: str) -> AccountState | None:
        async with self._database.connection() as connection:
            # Whoever is second waits here, and then sees what the first has written.
            locked = await connection.execute("SELECT 1 FROM app.account WHERE name = %s FOR NO KEY UPDATE", (account,))
            if await locked.fetchone() is None:
                return None
            (facts,) = await read_facts(connection, account=account)
            state = state_of(facts, await server_now(connection))
            row = await (
                await connection.execute("SELECT state FROM app.account_state WHERE account = %s", (account,))
            ).fetchone()
            await connection.execute(
                "INSERT INTO app.account_state (account, state, reason, next_at) VALUES (%s, %s, %s, %s)"
                " ON CONFLICT (account) DO UPDATE SET reason = excluded.reason, next_at = excluded.next_at,"
                " since = CASE WHEN app.account_state.state = excluded.state THEN app.account_state.since"
                " ELSE excluded.since END, state = excluded.state",
                (account, state.name, state.reason, state.next_at),
            )
            if row is not None and row["state"] == state.name:
                return None
            await _remember(connection, account, state)
            await self._notices.state_changed(
                connection, account, state.name, reason=state.reason, run_id=state.run_id, waiting=bool(facts.question)
            )
        return (await self.all(account))[0]

    async def all(self, account: str | None = None) -> list[AccountState]:
        """The states by account (or of this one), as they were written last."""
        rows = await self._database.all(
            "SELECT account, state, since, reason, next_at FROM app.account_state"
            " WHERE %s::text IS NULL OR account = %s ORDER BY account",
            account,
            account,
        )
        return [AccountState(**row) for row in rows]

    async def look(self, account: str | None = None) -> list[AccountState]:
        """The states by account (or of this one) at this moment; writes nothing."""
        async with self._database.connection() as connection:
            seen = await read_facts(connection, account=account)
            now = await server_now(connection)
        written = {state.account: state for state in await self.all(account)}
        found: list[AccountState] = []
        for facts in seen:
            state, before = state_of(facts, now), written.get(facts.account)
            since = before.since if before is not None and before.state == state.name else now
            found.append(AccountState(facts.account, state.name, since, state.reason, state.next_at))
        return found

    async def history(self, account: str, *, limit: int = 20) -> list[AccountState]:
        """What the account's states were, the newest first."""
        rows = await self._database.all(
            "SELECT account, state, since, reason FROM app.account_history WHERE account = %s"
            " ORDER BY id DESC LIMIT %s",
            account,
            limit,
        )
        return [AccountState(**row) for row in rows]


async def _remember(connection: Connection, account: str, state: State) -> None:
    await connection.execute(
        "INSERT INTO app.account_history (account, state, reason) VALUES (%s, %s, %s)",
        (account, state.name, state.reason),
    )
    await connection.execute(
        "DELETE FROM app.account_history WHERE account = %s AND id <= ("
        " SELECT id FROM app.account_history WHERE account = %s ORDER BY id DESC OFFSET %s LIMIT 1)",
        (account, account, _KEPT),
    )
