"""Child processes that `seezar up` keeps running."""

import subprocess
import sys
import time
from pathlib import Path

import psutil

from seezar.files import private_folder
from seezar.settings import Settings
from workflows.ground import worker_environment

# Seconds before a child that ended is started again; after as many seconds of life it counts as healthy.
_DELAYS = (0.0, 1.0, 2.0, 5.0, 10.0, 30.0)
_HEALTHY_S = 60.0


class Child:
    """A process that is started again whenever it ends.

    Args:
        name: for people, and of its log file.
        arguments: of the Python interpreter.
        settings: of its home.
    """

    def __init__(self, name: str, arguments: list[str], settings: Settings) -> None:
        self.name = name
        self.log = settings.log_dir / f"{name}.log"
        self._arguments = arguments
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self._log_start = 0
        self._started_at = 0.0
        self._start_at = 0.0
        self.restarts = 0

    @property
    def pid(self) -> int:
        """Its process id; 0 while it does not run."""
        return self._process.pid if self._process is not None and self._process.poll() is None else 0

    def start(self) -> None:
        """Start it. Its output goes to its log file.

        Raises:
            OSError: the log cannot be written or the interpreter is gone.
        """
        private_folder(self.log.parent)
        with self.log.open("ab") as output:
            self._log_start = output.tell()
            self._process = subprocess.Popen(
                [sys.executable, *self._arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # Ctrl-C reaches `up` alone, which then stops its children in order.
                start_new_session=True,
                env=worker_environment(self._settings),
            )
        self._started_at = time.monotonic()

    def keep(self) -> bool:
        """Start it again if it has ended and it is time to; returns whether it had ended since the last look."""
        if self.pid:
            return False
        now = time.monotonic()
        if self._process is not None:
            self._process = None
            if now - self._started_at > _HEALTHY_S:
                self.restarts = 0
            self._start_at = now + _DELAYS[min(self.restarts, len(_DELAYS) - 1)]
            self.restarts += 1
            return True
        if now >= self._start_at:
            self.start()
        return False

    def process(self) -> psutil.Process | None:
        """The running process, or None."""
        try:
            return psutil.Process(self.pid) if self.pid else None
        except psutil.NoSuchProcess:
            return None

    def last_words(self) -> str:
        """The last line that it wrote since it was started."""
        try:
            with Path(self.log).open("rb") as file:
                file.seek(self._log_start)
                lines = file.read().decode(errors="replace").strip().splitlines()
        except OSError:
            return ""
        return lines[-1].removeprefix("seezar worker: ").removeprefix("seezar: ") if lines else ""

    def reap(self) -> None:
        """Collect the exit code of a process that somebody has stopped."""
        if self._process is not None:
            self._process.wait()
