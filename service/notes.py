"""Notes that foreground processes (`up`, `web`, `api`, `playground`) leave in the home, for `down` and `status`."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import psutil

from seezar.files import private_folder
from seezar.settings import Settings

_PREFIX = "service-"


@dataclass(frozen=True)
class ProcessNote:
    """A foreground process. `started` (epoch seconds) tells it from a later one with the same id.

    `url` is where it can be visited, empty when nowhere.
    """

    kind: str
    pid: int
    started: float
    url: str

    @classmethod
    def of_this_process(cls, kind: str, *, url: str = "") -> Self:
        """The note of the calling process."""
        return cls(kind, os.getpid(), psutil.Process().create_time(), url)

    def process(self) -> psutil.Process | None:
        """The live process, or None when it is gone."""
        try:
            process = psutil.Process(self.pid)
            if abs(process.create_time() - self.started) < 0.5 and process.status() != psutil.STATUS_ZOMBIE:
                return process
        except psutil.NoSuchProcess:
            pass
        return None


@contextmanager
def left(settings: Settings, note: ProcessNote) -> Iterator[None]:
    """Leave the note for the time of the block."""
    path = private_folder(settings.run_dir) / f"{_PREFIX}{note.kind}-{note.pid}.json"
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(asdict(note)), encoding="utf-8")
    temporary.replace(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def live_notes(settings: Settings, kind: str | None = None) -> list[ProcessNote]:
    """The foreground processes of this home that run (only those of `kind`, when given). Clears up after the dead."""
    found: list[ProcessNote] = []
    for path in sorted(settings.run_dir.glob(f"{_PREFIX}*.json")):
        note = _read(path)
        if note is None or note.process() is None:
            path.unlink(missing_ok=True)
        elif kind is None or note.kind == kind:
            found.append(note)
    return found


def _read(path: Path) -> ProcessNote | None:
    try:
        return ProcessNote(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
