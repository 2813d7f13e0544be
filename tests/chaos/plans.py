"""What a chaos worker is told to do, and what it tells: files in a folder that harness and workers share."""

import json
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, Self
from uuid import uuid4

FOLDER = "SEEZAR_CHAOS_FOLDER"
"""The environment variable that names the folder."""

type When = Literal["before", "after"]


@dataclass(frozen=True)
class Plan:
    """One kill: of the worker that comes to this point with this account, the first that does.

    Attributes:
        point: `checkpoint name` (a row of DBOS), `event step` (a line of the timeline) or `call Class.method` (a write
            of our own tables).
        family: its Chromium dies with it, as when the machine loses power; otherwise the worker alone.
    """

    account: str
    point: str
    when: When
    family: bool = False

    def __str__(self) -> str:
        return f"{self.when} {self.point}{' with its browser' if self.family else ''}"


class Folder:
    """The folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)

    def arm(self, plan: Plan) -> Path:
        """Put the plan in force; returns where the time of the kill will be found."""
        name = f"{uuid4().hex}.json"
        written = self.path / f"{name}.part"
        written.write_text(json.dumps(asdict(plan)))
        written.replace(self.path / f"plan-{name}")
        return self.path / f"done-{name}"

    def plans(self) -> list[tuple[Path, Plan]]:
        """The plans in force."""
        found: list[tuple[Path, Plan]] = []
        for path in self.path.glob("plan-*.json"):
            with suppress(OSError, ValueError):
                found.append((path, Plan(**json.loads(path.read_text()))))
        return found

    def take(self, path: Path) -> bool:
        """Make a plan this process's own; False when another was first. Notes the time."""
        done = path.with_name(path.name.replace("plan-", "done-"))
        try:
            path.rename(done)
        except FileNotFoundError:
            return False
        done.write_text(json.dumps(time.time()))
        return True

    def disarm(self) -> None:
        """Withdraw the plans that nobody came to."""
        for path in self.path.glob("plan-*.json"):
            path.unlink(missing_ok=True)

    def passed(self, account: str, point: str) -> None:
        """Write down that a worker came to this point with this account."""
        with (self.path / f"trace-{account}").open("a") as trace:
            trace.write(f"{point}\n")

    def trace(self, account: str) -> list[str]:
        """The points that were passed with this account, in order."""
        path = self.path / f"trace-{account}"
        return path.read_text().splitlines() if path.exists() else []

    @property
    def clock(self) -> Path:
        """Holds how many seconds the workers' clocks are off."""
        return self.path / "clock"

    def question(self, pid: int) -> Path:
        """Its being there asks the worker `pid` how many browser contexts it has."""
        return self.path / f"ask-{pid}"

    def answer(self, pid: int) -> Path:
        """Where the worker answers."""
        return self.path / f"contexts-{pid}"

    @classmethod
    def of(cls, home: Path) -> Self:
        """The folder in a home."""
        return cls(home / "chaos")
