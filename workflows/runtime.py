"""What the steps of this worker process work with. Set once when the worker starts; DBOS calls steps by name only."""

from dataclasses import dataclass

from seezar.application import Application
from seezar.browser.pool import BrowserPool
from seezar.signin.lives import SignInLives
from workflows.mail_followers import MailFollowers
from workflows.queueing import Queueing


@dataclass(frozen=True)
class Runtime:
    """The worker's own parts."""

    application: Application
    pool: BrowserPool
    lives: SignInLives
    queueing: Queueing
    followers: MailFollowers


_runtime: Runtime | None = None


def set_runtime(runtime: Runtime | None) -> None:
    """Called by the worker at start and stop."""
    global _runtime  # noqa: PLW0603 - one worker a process, and DBOS hands nothing to a step but its arguments
    _runtime = runtime


def runtime() -> Runtime:
    """The parts of this worker.

    Raises:
        RuntimeError: this process is no worker; workflows run in the worker only.
    """
    if _runtime is None:
        raise RuntimeError("workflow steps run in the worker process only")
    return _runtime
