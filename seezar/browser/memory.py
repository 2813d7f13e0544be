"""How much memory a browser takes, all of its processes together, and how much is free for another page."""

from contextlib import suppress
from pathlib import Path

import psutil

_PROC = Path("/proc")
_CGROUPS = Path("/sys/fs/cgroup")


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


def free_bytes(*, proc: Path = _PROC, cgroups: Path = _CGROUPS) -> int:
    """Memory that can be had without swapping, bytes: of the machine, or of the control group of this process (a
    container, a systemd unit) where that allows less.
    """
    free = int(psutil.virtual_memory().available)
    for folder in _control_groups(proc, cgroups):
        # Version 2 of control groups, then version 1.
        for limit, taken in (
            ("memory.max", "memory.current"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes"),
        ):
            with suppress(OSError, ValueError):
                # Without a limit it is a word, or a number larger than any memory.
                left = int((folder / limit).read_text()) - int((folder / taken).read_text())
                free = min(free, left + _file_cache(folder))
    return max(0, free)


def _control_groups(proc: Path, cgroups: Path) -> list[Path]:
    """The folders of the groups that this process is in, the outer ones too: each may have a limit."""
    found = [cgroups, cgroups / "memory"]
    with suppress(OSError):
        for line in (proc / "self" / "cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers == "" or "memory" in controllers.split(","):
                root = cgroups if controllers == "" else cgroups / "memory"
                inner = root / path.lstrip("/")
                found += [folder for folder in (inner, *inner.parents) if folder.is_relative_to(root)]
    return list(dict.fromkeys(found))


def _file_cache(folder: Path) -> int:
    """What a group has read from files and not used lately: it is given back when memory is asked for."""
    with suppress(OSError, ValueError):
        for line in (folder / "memory.stat").read_text().splitlines():
            name, _, value = line.partition(" ")
            if name in ("inactive_file", "total_inactive_file"):
                return int(value)
    return 0


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
