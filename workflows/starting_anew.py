"""Starting the worker process anew in its place, when its runs belong to others.

What is at work in it ends at once, without one more action on a site: that is the concern of the worker that adopted
it. The process keeps its id, so whoever started it need not notice.
"""

import logging
import os
import sys
from contextlib import suppress
from typing import NoReturn

import psutil

from seezar.settings import Settings
from workflows.registry import remove_note, write_starting
from workflows.scratch import scratch

log = logging.getLogger("seezar.worker")


def start_anew(settings: Settings, slot: int, *, again: bool = True) -> NoReturn:
    """Replace this process by a new one of the same command. All its files, sockets, threads and browsers are gone.

    Args:
        again: False only ends it, for one that was told to stop anyway.
    """
    log.warning(
        "worker-%d was taken for dead while it could not reach the database, and its runs go on elsewhere; %s",
        slot,
        "it starts anew in another slot" if again else "it ends at once",
    )
    remove_note(settings, slot)
    # Nobody runs between this and the new program who could take the end of the browser for an answer of the site.
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            child.kill()
    sys.stdout.flush()
    sys.stderr.flush()
    if not again:
        os._exit(0)
    write_starting(settings, os.getpid())
    scratch.forget()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - the command that this process is


def bury_children() -> None:
    """Take leave of the children that the program before this one left behind; a new process has none."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
