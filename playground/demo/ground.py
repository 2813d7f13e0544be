"""Starting and stopping what the demo stands on."""

import contextlib

import psutil

from seezar.database.embedded import EmbeddedServer
from seezar.errors import SeezarError
from seezar.settings import get_settings
from workflows.registry import live_workers


def bring_down() -> None:
    """End the workers of the demo's home and its database, whatever state they are in."""
    settings = get_settings()
    for note in live_workers(settings):
        process = note.process()
        if process is None:
            continue
        with contextlib.suppress(psutil.NoSuchProcess):
            family = [process, *process.children(recursive=True)]
            process.terminate()
            _, alive = psutil.wait_procs(family, timeout=10)
            for member in alive:
                member.kill()
    with contextlib.suppress(SeezarError):
        EmbeddedServer(settings.home).stop()
