"""How much memory a browser takes, all of its processes together."""

from contextlib import suppress
from pathlib import Path

import psutil

_PROC = Path("/proc")


def family_bytes(mark: str) -> int | None:
    """Memory of the child process of this one whose command line holds `mark`, and of its children.

    The proportional set size where the kernel tells it (Linux, `smaps_rollup`): pages that several processes share are
    then counted once. Of a process that does not let itself be read so, what it shares is left out.

    Returns:
        Bytes; None where there is no `/proc`, or no such process.
    """
    if not _PROC.is_dir():
        return None
    for child in psutil.Process().children(recursive=True):
        # One that is just ending has no command line any more.
        with suppress(psutil.Error):
            if mark in child.cmdline():
                return sum(_bytes(process.pid) for process in (child, *child.children(recursive=True)))
    return None


def _bytes(pid: int) -> int:
    try:
        lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    except (OSError, StopIteration):
        pass
    try:
        info = psutil.Process(pid).memory_info()
        return int(info.rss) - int(getattr(info, "shared", 0))
    except psutil.Error:
        return 0
