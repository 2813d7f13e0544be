"""What a token may be used for (scopes of RFC 6749 section 3.3), and who presents it."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from seezar.access.errors import ScopeMissing
from seezar.errors import InvalidInput


class Scope(StrEnum):
    """One permission each; `admin` implies all of them."""

    ACCOUNTS_READ = "accounts:read"
    ACCOUNTS_WRITE = "accounts:write"
    SIGNIN = "signin"
    SESSION_READ = "session:read"
    SESSION_WRITE = "session:write"
    SESSION_EXPORT = "session:export"
    RUNS_READ = "runs:read"
    RUNS_WRITE = "runs:write"
    PAGES_READ = "pages:read"
    PAGES_OPEN = "pages:open"
    MAIL_READ = "mail:read"
    MAIL_WRITE = "mail:write"
    KNOWLEDGE_READ = "knowledge:read"
    KNOWLEDGE_WRITE = "knowledge:write"
    DATA_READ = "data:read"
    DATA_WRITE = "data:write"
    REPORTS_READ = "reports:read"
    REPORTS_WRITE = "reports:write"
    MODELS_READ = "models:read"
    WEBHOOKS_WRITE = "webhooks:write"
    AUDIT_READ = "audit:read"
    CONFIRM = "confirm"
    CHAT = "chat"
    ADMIN = "admin"

    @property
    def description(self) -> str:
        """What it lets its holder do, in a few words."""
        return _DESCRIPTIONS[self]


_DESCRIPTIONS = {
    Scope.ACCOUNTS_READ: "List accounts and sites",
    Scope.ACCOUNTS_WRITE: "Add, change and remove accounts, and set their secrets",
    Scope.SIGNIN: "Sign accounts in",
    Scope.SESSION_READ: "See which sessions are stored",
    Scope.SESSION_WRITE: "Check sessions with their site, and sign out",
    Scope.SESSION_EXPORT: "Take a session out of seezar: whoever has it is signed in",
    Scope.RUNS_READ: "See runs, their timelines and live events",
    Scope.RUNS_WRITE: "Answer, cancel, resume and retry runs",
    Scope.PAGES_READ: "Read pages that were opened",
    Scope.PAGES_OPEN: "Open pages of accounts, and act on them",
    Scope.MAIL_READ: "List mailboxes and what came",
    Scope.MAIL_WRITE: "Make and delete mailboxes",
    Scope.KNOWLEDGE_READ: "Search what was kept",
    Scope.KNOWLEDGE_WRITE: "Keep pages, forget them, and re-embed collections",
    Scope.DATA_READ: "See extractions with their rows, and schedules",
    Scope.DATA_WRITE: "Define extractions and schedules, have them run, and have reports made",
    Scope.REPORTS_READ: "Read reports",
    Scope.REPORTS_WRITE: "Keep reports and delete them",
    Scope.MODELS_READ: "See the model pool",
    Scope.WEBHOOKS_WRITE: "Manage webhooks",
    Scope.AUDIT_READ: "Read the audit log",
    Scope.CONFIRM: "Confirm, as a person, what programs ask for",
    Scope.CHAT: "Use ADK Web where it asks for a token",
    Scope.ADMIN: "Everything, clients and keys included",
}


def parsed_scopes(words: Iterable[str]) -> frozenset[Scope]:
    """The scopes of these words.

    Raises:
        InvalidInput: one of them is no scope, or there is none.
    """
    named = [word for word in words if word]
    unknown = sorted(set(named) - set(Scope))
    if unknown or not named:
        what = f"There is no scope {unknown[0][:60]!r}." if unknown else "No scope was given."
        raise InvalidInput(what, kept="Nothing was changed.", next_step=f"Scopes: {', '.join(Scope)}.")
    return frozenset(Scope(word) for word in named)


@dataclass(frozen=True)
class Caller:
    """The client behind a valid token.

    Attributes:
        scopes: of the token, as far as the client still has them.
        token_id: `jti` of the token.
    """

    client_id: str
    name: str
    scopes: frozenset[Scope]
    token_id: str

    def may(self, scope: Scope) -> bool:
        """Whether it has the scope."""
        return scope in self.scopes or Scope.ADMIN in self.scopes

    def require(self, scope: Scope) -> None:
        """Make sure that it has the scope.

        Raises:
            ScopeMissing: it has not.
        """
        if not self.may(scope):
            raise ScopeMissing(scope)
