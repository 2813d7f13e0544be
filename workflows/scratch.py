"""The temporary folder of a worker: profiles and files of its browsers, which a killed one cannot take away with it.

It has a folder of its own in that of the system, 0700, and every worker that starts removes those of dead ones. It is
not in the home: Chromium puts a Unix socket in there, whose path must be short.
"""

import fcntl
import logging
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

log = logging.getLogger("seezar.worker")

_PREFIX = "seezar-worker-"
_LOCK = "lock"
_VARIABLE = "TMPDIR"


class Scratch:
    """The folder of this process, from `enter` to `leave` or the end of the process."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._lock = -1
        self._before: str | None = None

    def enter(self) -> Path:
        """Make it, and have everything temporary of this process and its children there.

        Raises:
            OSError: there is no room, or no place.
        """
        self._before = os.environ.get(_VARIABLE)
        while True:
            folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
            # Held until the process ends, however it ends; not handed on to its children.
            self._lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            # A worker that sweeps at this very moment may have been faster.
            if (folder / _LOCK).exists():
                break
            os.close(self._lock)
        self._folder = folder
        self._point_to(str(folder))
        return folder

    def forget(self) -> None:
        """Leave the folder to be swept, and have temporary files where they were before: another program takes over."""
        self._point_to(self._before)

    def leave(self) -> None:
        """Remove it."""
        if self._folder is not None:
            self._point_to(self._before)
            shutil.rmtree(self._folder, ignore_errors=True)
            os.close(self._lock)
            self._folder = None

    @staticmethod
    def _point_to(folder: str | None) -> None:
        if folder is None:
            os.environ.pop(_VARIABLE, None)
        else:
            os.environ[_VARIABLE] = folder
        # Python remembers it.
        tempfile.tempdir = None


def sweep() -> int:
    """Remove the folders of workers that are gone; returns how many there were."""
    found = 0
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        # What belongs to somebody else is none of our business, and cannot be opened.
        with suppress(OSError):
            lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
                found += 1
            finally:
                os.close(lock)
    if found:
        log.info("removed the temporary files of %d workers that are gone", found)
    return found


scratch = Scratch()
"""That of this process."""
