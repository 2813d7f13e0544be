"""The records. None of them holds a secret, except `NewAccount` and `SessionState` while they are on their way."""

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, Self

from seezar.telemetry.spans import trace_id

type SecondFactor = Literal["none", "totp", "email", "link"]

# Priorities of queued runs, the lowest first: what somebody asked for, and what the worker does by itself. Each further
# run of an account that is under way adds one, up to the most, so that no account has a queue to itself.
INTERACTIVE = 10
SCHEDULED = 20
MOST_BEHIND = 9


@dataclass(frozen=True)
class NewAccount:
    """What `Accounts.add` takes.

    Attributes:
        password_source, totp_source: where a secret is kept that is not kept here (`seezar.vault.backends`).
    """

    name: str
    url: str
    username: str
    password: str | None = field(default=None, repr=False)
    totp: str | None = field(default=None, repr=False)
    mailbox: str | None = None
    verify_url: str | None = None
    origins: tuple[str, ...] = ()
    second_factor: SecondFactor | None = None
    keep_alive_s: int | None = None
    hosts: tuple[str, ...] = ()
    password_source: str | None = None
    totp_source: str | None = None


@dataclass(frozen=True)
class AccountChange:
    """What `Accounts.change` takes: None leaves a field as it is, "" (0 for the interval) clears it where it can be.

    `hosts` replaces the list of those that its browser may reach besides its site.
    """

    username: str | None = None
    password: str | None = field(default=None, repr=False)
    totp: str | None = field(default=None, repr=False)
    mailbox: str | None = None
    second_factor: SecondFactor | None = None
    keep_alive_s: int | None = None
    hosts: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Account:
    """An identity on a site.

    Attributes:
        hosts: that its browser may reach besides the site (`seezar.egress.HostPattern`).
    """

    name: str
    start_url: str
    verify_url: str
    origins: tuple[str, ...]
    username: str
    password_ref: str | None
    totp_ref: str | None
    second_factor: SecondFactor
    mailbox: str | None
    keep_alive_s: int | None
    created_at: datetime
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True)
class SessionInfo:
    """What may be shown of a stored session. `expires_at` is when the site's cookies end it, where they say so."""

    id: str
    account: str
    run_id: str
    obtained_at: datetime
    verified_at: datetime
    expires_at: datetime | None = None


@dataclass(frozen=True)
class PlainCheck:
    """What a plain HTTP request to the verify URL answers while signed in, where that differs from signed out."""

    status: int
    url: str


@dataclass(frozen=True)
class SessionState:
    """The signed-in browser state: secret, for the worker's browser and HTTP checks only.

    `storage` is Playwright's `storage_state` (cookies, localStorage, IndexedDB); `session_storage` maps origin to key
    to value.
    `plain_check` is None when only a browser can tell whether the session still works. `kept_by` are the cookies, as
    (name, domain, path), that keep it and say when they expire (`seezar.signin.expiry`).
    """

    storage: dict[str, Any] = field(repr=False)
    session_storage: dict[str, dict[str, str]] = field(repr=False)
    user_agent: str = ""
    plain_check: PlainCheck | None = None
    kept_by: tuple[tuple[str, str, str], ...] = ()

    @property
    def expires_at(self) -> datetime | None:
        """When the first of the cookies of `kept_by` expires; None when none of them says."""
        wanted = set(self.kept_by)
        ends = [
            cookie["expires"]
            for cookie in self.storage.get("cookies", [])
            if cookie.get("expires", -1) > 0 and (cookie["name"], cookie["domain"], cookie["path"]) in wanted
        ]
        # Whole seconds, as the site said it: what carries them may cut the rest off.
        return datetime.fromtimestamp(int(min(ends)), UTC) if ends else None

    def to_json(self) -> str:
        """As JSON text, to be encrypted."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Back from `to_json`."""
        content = json.loads(text)
        check = content.pop("plain_check")
        kept_by = tuple((name, domain, path) for name, domain, path in content.pop("kept_by", ()))
        return cls(**content, plain_check=PlainCheck(**check) if check else None, kept_by=kept_by)


@dataclass(frozen=True)
class Run:
    """One durable execution. `status` is `queued`, `running`, or how it ended (`signed_in`, `bad_credentials`, …).

    Attributes:
        question: what a person is asked (`seezar.signin.outcome.QuestionKind`); kept when the run ended unanswered.
        asked_at: since when.
        workflow_id: the workflow that works on the run now, or did last.
        priority: in the queue; the lowest goes first.
        position: its place in the queue, 1 for the next one, while it is queued.
        started_at: when a worker first took it.
        deadline: when it ends at the latest; not known before it is taken.
        account_removed: while it was open; another account may have the name by now.
        worker: the worker that works on it now, or did last ("worker-2").
        adoptions: how often it was taken up after its worker died.
        traceparent: the span that it was asked for in (W3C Trace Context); None when no traces were recorded there.
    """

    id: str
    kind: str
    account: str | None
    status: str
    reason: str
    result: dict[str, Any] | None
    attempts: int
    model_calls: int
    created_at: datetime
    finished_at: datetime | None
    question: str | None = None
    asked_at: datetime | None = None
    workflow_id: str = ""
    priority: int = INTERACTIVE
    position: int | None = None
    started_at: datetime | None = None
    deadline: datetime | None = None
    account_removed: bool = False
    worker: str | None = None
    adoptions: int = 0
    traceparent: str | None = None

    @property
    def trace_id(self) -> str | None:
        """Of the trace that it belongs to: 32 hex digits."""
        return trace_id(self.traceparent)

    @property
    def finished(self) -> bool:
        """Whether the run has ended."""
        return self.finished_at is not None

    @property
    def waiting(self) -> bool:
        """Whether the run waits for the answer of a person."""
        return self.question is not None and not self.finished


def result_without_end(run: Run, status: str, reason: str) -> dict[str, Any]:
    """The result of a sign-in that did not come to its own end (cancelled, given up); in the shape of every other."""
    until = datetime.now(UTC)
    return {
        "status": status,
        "account": run.account,
        "run_id": run.id,
        "attempts": run.attempts,
        "model_calls": run.model_calls,
        "duration_s": round((until - run.created_at).total_seconds(), 3),
        "second_factor": "none",
        "reason": reason,
        "session_id": None,
    }


def result_of_waiting(run: Run) -> dict[str, Any]:
    """What is told of a sign-in that waits for a person: the shape of a result, and `question`."""
    reason = f"{run.reason} Answer it: seezar runs answer {run.id}".strip()
    return {**result_without_end(run, run.status, reason), "question": run.question}


@dataclass(frozen=True)
class RunEvent:
    """One line of a run's timeline. `attempt` is None before the first one, `worker` where a client tells something."""

    id: int
    run_id: str
    at: datetime
    step: str
    message: str
    detail: dict[str, Any]
    attempt: int | None = None
    worker: str | None = None


@dataclass(frozen=True)
class Page:
    """A page that was opened behind a login; `text` is redacted."""

    id: str
    run_id: str
    account: str
    url: str
    title: str
    text: str
    has_screenshot: bool
    taken_at: datetime
