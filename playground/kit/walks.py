"""Where each visitor is on the way into a site. The browser holds a random id and nothing else."""

import secrets
from dataclasses import dataclass, field

from playground.codes import MailChallenge


@dataclass(slots=True)
class Walk:
    """One browser on one site.

    Attributes:
        shape: name of the site.
        step: path of the page where the visitor has to do something, below the site's home.
        username: who is signing in, or signed in; empty before that is known.
        signed_in: all steps are done.
        mail: codes mailed on this walk.
        notes: what a single journey has to remember.
        base: origin that the visitor uses, for links in mails.
    """

    shape: str
    step: str
    username: str = ""
    signed_in: bool = False
    mail: MailChallenge = field(default_factory=MailChallenge)
    notes: dict[str, str] = field(default_factory=dict[str, str], repr=False)
    base: str = ""
    id: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)


class Walks:
    """The walks of all sites, in memory."""

    def __init__(self) -> None:
        self._walks: dict[str, Walk] = {}

    def begin(self, shape: str, step: str) -> Walk:
        """A new visitor, at `step`."""
        return self._keep(Walk(shape, step))

    def find(self, shape: str, walk_id: str | None) -> Walk | None:
        """The walk with this id, if it is of this site."""
        walk = self._walks.get(walk_id or "")
        return walk if walk is not None and walk.shape == shape else None

    def renew(self, walk: Walk) -> None:
        """Give the walk a new id (against session fixation); the old one is dead."""
        self.drop(walk)
        walk.id = secrets.token_urlsafe(24)
        self._keep(walk)

    def drop(self, walk: Walk) -> None:
        """Forget this walk."""
        self._walks.pop(walk.id, None)

    def _keep(self, walk: Walk) -> Walk:
        self._walks[walk.id] = walk
        return walk
