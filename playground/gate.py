"""What every site decides, whatever its pages look like: is the password right, is the code good, is it too much.

A shape shows pages and calls this; it never compares a secret itself.
"""

import asyncio
import hashlib
import hmac
from dataclasses import dataclass
from email.message import EmailMessage
from enum import Enum

from playground.codes import CodeVerdict, MailChallenge, MailedCode
from playground.mailer import MailUnavailableError, compose_code_mail
from playground.sessions import Pending, Session
from playground.shape import Shape
from playground.state import PlaygroundState
from playground.world import DemoAccount


class Answer(Enum):
    """What a site says to what was sent in."""

    SIGNED_IN = "signed_in"
    SECOND_FACTOR = "second_factor"
    WRONG_PASSWORD = "wrong_password"
    WRONG_CODE = "wrong_code"
    EXPIRED_CODE = "expired_code"
    USED_CODE = "used_code"
    SUPERSEDED_CODE = "superseded_code"
    CODE_SENT = "code_sent"
    MAIL_DOWN = "mail_down"
    RATE_LIMITED = "rate_limited"
    LOCKED = "locked"
    START_OVER = "start_over"


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer, and the session that holds from now on.

    Attributes:
        answer: what to tell the user.
        session: replaces the one before; its id is new whenever the user got a step further.
        retry_after: seconds, for `RATE_LIMITED`.
        next_path: where a signed-in user goes; empty when not signed in.
    """

    answer: Answer
    session: Session
    retry_after: int = 0
    next_path: str = ""


_CODE_ANSWERS = {
    CodeVerdict.WRONG: Answer.WRONG_CODE,
    CodeVerdict.EXPIRED: Answer.EXPIRED_CODE,
    CodeVerdict.USED: Answer.USED_CODE,
    CodeVerdict.SUPERSEDED: Answer.SUPERSEDED_CODE,
}


class Gate:
    """Decides for one site."""

    def __init__(self, shape: Shape, state: PlaygroundState) -> None:
        self._shape = shape
        self._state = state
        self._counters = state.counters(shape.name)

    async def submit_password(
        self, session: Session, username: str, password: str, *, remember: bool, next_path: str
    ) -> Decision:
        """Judge a username and password. A second factor by mail is sent on its way.

        Args:
            session: of the browser, not signed in.
            username: as typed.
            password: as typed.
            remember: the user asked to stay signed in.
            next_path: where to go after signing in.
        """
        self._counters.password_submissions += 1
        user = (self._shape.name, username.strip().casefold())
        self._state.note(*user, "password")
        if user in self._state.locked:
            return Decision(Answer.LOCKED, session)
        if wait := self._wait("password", user):
            return self._limited(session, wait)
        account = self._state.account(self._shape.name, username)
        if not _password_matches(account, password):
            return self._wrong_password(session, user)
        assert account is not None
        self._counters.passwords_accepted += 1
        self._state.limiter.clear(("password", user))
        self._state.failures.pop(user, None)
        pending = Pending(username=account.username, remember=remember, next_path=next_path)
        if account.second_factor == "none":
            return self._finish(session, pending)
        if account.second_factor == "email":
            pending.mail = MailChallenge()
            if await self._send_code(account, pending.mail) is Answer.MAIL_DOWN:
                return Decision(Answer.MAIL_DOWN, session)
        return Decision(Answer.SECOND_FACTOR, self._state.sessions.begin_second_factor(session, pending))

    async def resend_code(self, session: Session) -> Decision:
        """Mail a fresh code for the sign-in that `session` is in; the codes before it are good no more."""
        pending = session.pending
        account = self._state.account(self._shape.name, pending.username) if pending else None
        if pending is None or pending.mail is None or account is None:
            return Decision(Answer.START_OVER, session)
        if pending.mail.sends >= self._state.knobs.max_sends:
            return self._limited(session, int(self._state.knobs.failure_window))
        return Decision(await self._send_code(account, pending.mail), session)

    def submit_code(self, session: Session, typed: str) -> Decision:
        """Judge a one-time code; spaces and hyphens in it do not count."""
        self._counters.code_submissions += 1
        pending = session.pending
        account = self._state.account(self._shape.name, pending.username) if pending else None
        if pending is None or account is None:
            return Decision(Answer.START_OVER, session)
        user = (self._shape.name, account.username.casefold())
        if wait := self._wait("code", user):
            return self._limited(session, wait)
        self._state.note(*user, "code")
        verdict = self._judge_code(user, account, pending, typed.replace(" ", "").replace("-", "").strip())
        if verdict is CodeVerdict.USED:
            self._state.note(*user, "reused")
        if verdict is not CodeVerdict.ACCEPTED:
            self._state.limiter.record(("code", user))
            return Decision(_CODE_ANSWERS[verdict], session)
        self._counters.codes_accepted += 1
        self._state.limiter.clear(("code", user))
        return self._finish(session, pending)

    def sign_out(self, session: Session) -> None:
        """End a session."""
        if session.username:
            self._counters.sign_outs += 1
        self._state.sessions.drop(session)

    def _judge_code(self, user: tuple[str, str], account: DemoAccount, pending: Pending, typed: str) -> CodeVerdict:
        if pending.mail is not None:
            return self._state.mail_codes.check(user, pending.mail, typed)
        if account.totp_secret is not None:
            return self._state.totp_codes.check(user, account.totp_secret, typed)
        return CodeVerdict.WRONG

    def _finish(self, session: Session, pending: Pending) -> Decision:
        knobs = self._state.knobs
        lifetime = knobs.remembered_lifetime if pending.remember else knobs.session_lifetime
        signed_in = self._state.sessions.sign_in(
            session, pending.username, lifetime=lifetime, remembered=pending.remember
        )
        self._counters.sign_ins += 1
        return Decision(Answer.SIGNED_IN, signed_in, next_path=pending.next_path)

    def _wrong_password(self, session: Session, user: tuple[str, str]) -> Decision:
        self._state.limiter.record(("password", user))
        if (limit := self._state.knobs.lock_after) is not None:
            self._state.failures[user] = self._state.failures.get(user, 0) + 1
            if self._state.failures[user] >= limit:
                self._state.locked.add(user)
                return Decision(Answer.LOCKED, session)
        return Decision(Answer.WRONG_PASSWORD, session)

    def _wait(self, what: str, user: tuple[str, str]) -> int:
        knobs = self._state.knobs
        return self._state.limiter.retry_after((what, user), allowed=knobs.max_failures, window=knobs.failure_window)

    def _limited(self, session: Session, retry_after: int) -> Decision:
        self._counters.rate_limited += 1
        return Decision(Answer.RATE_LIMITED, session, retry_after=max(1, retry_after))

    async def _send_code(self, account: DemoAccount, challenge: MailChallenge) -> Answer:
        knobs = self._state.knobs
        self._state.note(self._shape.name, account.username, "mail")
        mailed = self._state.mail_codes.issue((self._shape.name, account.username.casefold()), challenge)
        if knobs.mail_lost:
            return Answer.CODE_SENT
        message = compose_code_mail(
            brand=self._shape.brand,
            domain=self._shape.domain,
            recipient=account.mailbox or account.username,
            username=account.username,
            code=mailed.code,
            now=self._state.clock.now(),
            lifetime=knobs.code_lifetime,
            in_subject=knobs.code_in_subject,
        )
        if knobs.mail_delay > 0:
            self._state.run_later(self._deliver_later(message, knobs.mail_delay))
            return Answer.CODE_SENT
        return await self._deliver(message, challenge, mailed)

    async def _deliver(self, message: EmailMessage, challenge: MailChallenge, mailed: MailedCode) -> Answer:
        try:
            await self._hand_over(message)
        except MailUnavailableError:
            self._counters.mails_failed += 1
            self._state.mail_codes.withdraw(challenge, mailed)
            return Answer.MAIL_DOWN
        return Answer.CODE_SENT

    async def _deliver_later(self, message: EmailMessage, delay: float) -> None:
        await asyncio.sleep(delay)
        try:
            await self._hand_over(message)
        except MailUnavailableError:
            self._counters.mails_failed += 1

    async def _hand_over(self, message: EmailMessage) -> None:
        for _ in range(2 if self._state.knobs.mail_twice else 1):
            await self._state.mailer.send(message)
            self._counters.codes_sent += 1


def _password_matches(account: DemoAccount | None, typed: str) -> bool:
    # Digests have one length, and an unknown user costs the same work: the time of the answer tells nothing.
    expected = hashlib.sha256((account.password if account else "").encode()).digest()
    return hmac.compare_digest(expected, hashlib.sha256(typed.encode()).digest()) and account is not None
