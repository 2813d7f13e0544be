"""Server-side sessions: the browser holds a random id and nothing else."""

import secrets
from dataclasses import dataclass, field

from playground.clock import Clock
from playground.codes import MailChallenge

ANONYMOUS_LIFETIME = 1800.0
"""Seconds that a visitor has to finish signing in."""


@dataclass(slots=True)
class Pending:
    """A password was accepted; the second factor is still to come.

    Attributes:
        username: whose password it was.
        remember: the user asked to stay signed in.
        next_path: where to go afterwards.
        mail: the codes mailed for this sign-in, where the site mails codes.
    """

    username: str
    remember: bool
    next_path: str
    mail: MailChallenge | None = None


@dataclass(slots=True)
class Session:
    """One browser on one site. `username` is set once it is signed in."""

    shape: str
    expires_at: float
    id: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    pending: Pending | None = None
    username: str | None = None
    remembered: bool = False


class SessionStore:
    """The sessions of all sites, in memory."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sessions: dict[str, Session] = {}

    def create(self, shape: str) -> Session:
        """A new anonymous session. Expired ones are dropped on the way, so that visitors do not pile up."""
        now = self._clock.now()
        self._sessions = {key: kept for key, kept in self._sessions.items() if kept.expires_at > now}
        return self._add(Session(shape=shape, expires_at=now + ANONYMOUS_LIFETIME))

    def find(self, shape: str, session_id: str | None) -> Session | None:
        """The living session with this id, if it belongs to this site."""
        session = self._sessions.get(session_id or "")
        if session is None or session.shape != shape or session.expires_at <= self._clock.now():
            return None
        return session

    def begin_second_factor(self, session: Session, pending: Pending) -> Session:
        """Replace `session` by one with a new id that waits for the second factor."""
        self.drop(session)
        expires_at = self._clock.now() + ANONYMOUS_LIFETIME
        return self._add(Session(shape=session.shape, expires_at=expires_at, pending=pending))

    def sign_in(self, session: Session, username: str, *, lifetime: float, remembered: bool) -> Session:
        """Replace `session` by a signed-in one with a new id (against session fixation); the old id is dead."""
        self.drop(session)
        expires_at = self._clock.now() + lifetime
        return self._add(Session(shape=session.shape, expires_at=expires_at, username=username, remembered=remembered))

    def drop(self, session: Session) -> None:
        """Forget this session."""
        self._sessions.pop(session.id, None)

    def drop_all(self, shape: str | None = None) -> int:
        """Forget every session (of one site), as a site does that signs everybody out. Returns how many there were."""
        doomed = [session for session in self._sessions.values() if shape in (None, session.shape)]
        for session in doomed:
            self.drop(session)
        return len(doomed)

    def signed_in(self, shape: str) -> int:
        """How many living sessions of this site are signed in."""
        now = self._clock.now()
        return sum(1 for s in self._sessions.values() if s.shape == shape and s.username and s.expires_at > now)

    def _add(self, session: Session) -> Session:
        self._sessions[session.id] = session
        return session
