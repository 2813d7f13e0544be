"""Memory of a process and all it started, counted as the kernel shares it out."""

from pathlib import Path

import psutil


def proportional(process: psutil.Process) -> int:
    """Proportional set size of `process` and its children, bytes: a page that n of them share counts 1/n for each.

    Linux only (`/proc/PID/smaps_rollup`, proc(5)); a process that ends meanwhile counts nothing.
    """
    total = 0
    for member in [process, *process.children(recursive=True)]:
        try:
            rollup = Path(f"/proc/{member.pid}/smaps_rollup").read_text()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return total * 1024
