"""Notes that worker processes leave in the home, so that others can find and stop them."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import psutil

from seezar.files import private_folder
from seezar.settings import Settings


@dataclass(frozen=True)
class WorkerNote:
    """A worker of this home. `started` (epoch seconds) tells the process from a later one with the same id."""

    slot: int
    pid: int
    started: float
    smtp_port: int

    @classmethod
    def of_this_process(cls, slot: int, *, smtp_port: int) -> Self:
        """The note of the calling process; `smtp_port` is 0 when another worker serves SMTP."""
        return cls(slot, os.getpid(), psutil.Process().create_time(), smtp_port)

    def process(self) -> psutil.Process | None:
        """The live process, or None when it is gone."""
        try:
            process = psutil.Process(self.pid)
            if abs(process.create_time() - self.started) < 0.5 and process.status() != psutil.STATUS_ZOMBIE:
                return process
        except psutil.NoSuchProcess:
            pass
        return None


def _path(settings: Settings, slot: int) -> Path:
    return settings.run_dir / f"worker-{slot}.json"


def write_note(settings: Settings, note: WorkerNote) -> None:
    """Leave the note; from now on the worker is no longer one that is starting."""
    _write(_path(settings, note.slot), note)
    _starting_path(settings, note.pid).unlink(missing_ok=True)


def _write(path: Path, note: WorkerNote) -> None:
    private_folder(path.parent)
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    temporary.write_text(json.dumps(asdict(note)), encoding="utf-8")
    temporary.replace(path)


def remove_note(settings: Settings, slot: int) -> None:
    """Take back the note of this process; that of a later worker in the same slot stays."""
    note = _read(_path(settings, slot))
    if note is not None and note.pid == os.getpid():
        _path(settings, slot).unlink(missing_ok=True)


def _starting_path(settings: Settings, pid: int) -> Path:
    return settings.run_dir / f"starting-{pid}.json"


def write_starting(settings: Settings, pid: int) -> None:
    """Leave a note of a worker process that was started and has no slot yet, for whoever stops workers meanwhile."""
    try:
        started = psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return
    _write(_starting_path(settings, pid), WorkerNote(-1, pid, started, 0))


def starting_workers(settings: Settings) -> list[WorkerNote]:
    """The worker processes of this home that run and have no slot yet. Clears up after the dead."""
    found: list[WorkerNote] = []
    for path in sorted(settings.run_dir.glob("starting-*.json")):
        note = _read(path)
        if note is None or note.process() is None:
            path.unlink(missing_ok=True)
        else:
            found.append(note)
    return found


def live_workers(settings: Settings) -> list[WorkerNote]:
    """The workers of this home whose process runs, by slot. Notes of workers on other machines are not here."""
    notes = [_read(path) for path in sorted(settings.run_dir.glob("worker-*.json"))]
    return [note for note in notes if note is not None and note.process() is not None]


def _read(path: Path) -> WorkerNote | None:
    try:
        return WorkerNote(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
