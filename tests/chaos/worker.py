"""A worker that dies where it is told to: `python -m tests.chaos.worker`, with the folder of plans in the environment.

It is the ordinary worker in a process in which the functions that write a row of DBOS, a line of the timeline or a row
of ours look at the plans before and after they do it. The product has no hook for this.
"""

import functools
import json
import os
import re
import signal
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
from dbos._sys_db import SystemDatabase

from seezar.accounts.attempts import Attempts
from seezar.accounts.questions import Questions
from seezar.accounts.runs import Runs
from seezar.accounts.sessions import Sessions
from seezar.mail.service import Mail
from tests.chaos.plans import FOLDER, Folder, When

CALLS: tuple[tuple[type, str], ...] = (
    (Runs, "start"),
    (Runs, "finish"),
    (Attempts, "begin"),
    (Attempts, "submitted"),
    (Attempts, "save_checkpoint"),
    (Attempts, "use_totp_step"),
    (Attempts, "ended"),
    (Attempts, "close"),
    (Sessions, "store"),
    (Questions, "ask"),
    (Mail, "claim"),
)
_RUN = re.compile(r"(?:sign-in|answer)-(.+)-[0-9a-f]{8,}")
_LOOK_S = 0.05


def account_of(values: tuple[Any, ...]) -> str | None:
    """The account whose run id is among the arguments of a call, or which is the first of them."""
    for value in values:
        if isinstance(value, str) and (found := _RUN.match(value)):
            return found[1]
    return next((value for value in values if isinstance(value, str)), None)


class Reaper:
    """Kills this process where a plan says so."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    def at(self, account: str | None, point: str, when: When) -> None:
        """This process is at `point` with `account`."""
        if account is None:
            return
        self._folder.passed(account, f"{when} {point}")
        for path, plan in self._folder.plans():
            if (plan.account, plan.point, plan.when) == (account, point, when) and self._folder.take(path):
                self.kill(family=plan.family)

    @staticmethod
    def kill(*, family: bool) -> None:
        """End here and now."""
        if family:
            for child in psutil.Process().children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    child.kill()
        os.kill(os.getpid(), signal.SIGKILL)

    def watch(self, owner: type, name: str) -> None:
        """Look at the plans around a coroutine function of `owner`."""
        original: Callable[..., Awaitable[Any]] = getattr(owner, name)

        @functools.wraps(original)
        async def around(this: Any, *args: Any, **kwargs: Any) -> Any:
            account, point = account_of((*args, *kwargs.values())), f"call {owner.__name__}.{name}"
            self.at(account, point, "before")
            result = await original(this, *args, **kwargs)
            self.at(account, point, "after")
            return result

        setattr(owner, name, around)

    def watch_timeline(self) -> None:
        """Look at the plans after each line of a timeline."""
        original = Runs.event

        @functools.wraps(original)
        async def around(this: Runs, run_id: str, step: str, *args: Any, **kwargs: Any) -> Any:
            result = await original(this, run_id, step, *args, **kwargs)
            self.at(account_of((run_id,)), f"event {step}", "after")
            return result

        setattr(Runs, "event", around)  # noqa: B010 - a wrapper is not typed as what it wraps

    def watch_checkpoints(self) -> None:
        """Look at the plans around each row that DBOS writes of a workflow."""
        record = SystemDatabase.record_operation_result
        consume = SystemDatabase.recv_consume
        end = SystemDatabase.update_workflow_outcome

        @functools.wraps(record)
        def around_record(this: Any, result: Any, **kwargs: Any) -> Any:
            account = account_of((result["workflow_uuid"],))
            point = f"checkpoint {result['function_name'].rpartition('.')[2]}"
            self.at(account, point, "before")
            done = record(this, result, **kwargs)
            self.at(account, point, "after")
            return done

        @functools.wraps(consume)
        def around_consume(this: Any, workflow_id: str, *args: Any, **kwargs: Any) -> Any:
            account = account_of((workflow_id,))
            self.at(account, "checkpoint recv", "before")
            done = consume(this, workflow_id, *args, **kwargs)
            self.at(account, "checkpoint recv", "after")
            return done

        @functools.wraps(end)
        def around_end(this: Any, workflow_id: str, *args: Any, **kwargs: Any) -> Any:
            account = account_of((workflow_id,))
            self.at(account, "checkpoint end", "before")
            done = end(this, workflow_id, *args, **kwargs)
            self.at(account, "checkpoint end", "after")
            return done

        # A wrapper is not typed as what it wraps.
        setattr(SystemDatabase, "record_operation_result", around_record)  # noqa: B010
        setattr(SystemDatabase, "recv_consume", around_consume)  # noqa: B010
        setattr(SystemDatabase, "update_workflow_outcome", around_end)  # noqa: B010


class Skew:
    """Makes `time.time` of this process as wrong as the folder says, and tells about the browser when asked."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._offset = 0.0

    def begin(self) -> None:
        """From now on."""
        real = time.time
        time.time = lambda: real() + self._offset
        self._look()
        threading.Thread(target=self._keep_looking, daemon=True).start()

    def _keep_looking(self) -> None:
        while True:
            time.sleep(_LOOK_S)
            self._look()

    def _look(self) -> None:
        with suppress(OSError, ValueError):
            self._offset = float(self._folder.clock.read_text())
        asked = self._folder.question(os.getpid())
        if asked.exists():
            asked.unlink(missing_ok=True)
            answer = self._folder.answer(os.getpid())
            part = answer.with_suffix(".part")
            part.write_text(json.dumps(contexts()))
            part.replace(answer)


def contexts() -> int:
    """How many browser contexts are open, but for the one that is kept ready."""
    from workflows import runtime

    if runtime._runtime is None:
        return 0
    pool = runtime._runtime.pool
    ready = pool._ready_page
    browser = pool._browser
    if browser is None or not browser.is_connected():
        return 0
    return len([context for context in browser.contexts if ready is None or context is not ready.context])


def main() -> int:
    """As `workflows.worker`; returns its exit code."""
    folder = Folder(Path(os.environ[FOLDER]))
    Skew(folder).begin()
    reaper = Reaper(folder)
    for owner, name in CALLS:
        reaper.watch(owner, name)
    reaper.watch_timeline()
    reaper.watch_checkpoints()

    from workflows import worker

    return worker.main()


if __name__ == "__main__":
    raise SystemExit(main())
