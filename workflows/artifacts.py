"""Deleting old files that agents stored in `artifacts/` of the home: screenshots of pages behind a login, mostly.

ADK's file service keeps each version of an artifact in a folder of its own and never deletes one by itself:
`apps/APP/users/USER/[sessions/SESSION/]artifacts/NAME/versions/NUMBER/` with the file and its `metadata.json`, which it
writes in `versions/.NUMBER.pending/` first. Older releases had no `apps/APP/`. Whatever looks different is left alone.
"""

import logging
import os
import re
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from seezar.settings import Settings

log = logging.getLogger("seezar.housekeeping")

_DAY_S = 86_400.0
_METADATA = "metadata.json"
_VERSION = re.compile(r"[0-9]+|\.[0-9]+\.pending")
_SCOPE = re.compile(r"(apps/[^/]+/)?users/[^/]+/(sessions/[^/]+/)?artifacts/.+/versions")


def count_artifacts(settings: Settings) -> int:
    """How many files of agents are older than pictures are kept."""
    return sum(1 for _ in _old(settings))


def clean_artifacts(settings: Settings) -> int:
    """Delete the files of agents that are older than pictures are kept; returns how many.

    Several processes may do it at once. What cannot be deleted is left and logged.
    """
    deleted = failed = 0
    for version in _old(settings):
        try:
            _delete(version)
            deleted += 1
        except FileNotFoundError:
            # Somebody else deletes it.
            continue
        except OSError:
            failed += 1
    if failed:
        log.warning("%d old files in %s cannot be deleted", failed, _root(settings))
    return deleted


def _root(settings: Settings) -> Path:
    return Path(settings.home) / "artifacts"


def _old(settings: Settings) -> Iterator[Path]:
    """The folders of the versions that are too old."""
    root, days = _root(settings), settings.keep_pictures_days
    if not days:
        return
    before = time.time() - days * _DAY_S
    for folder, names, _ in os.walk(root):
        here = Path(folder)
        if here.name != "versions" or not _SCOPE.fullmatch(here.relative_to(root).as_posix()):
            continue
        for name in sorted(names):
            written = _written_at(here / name) if _VERSION.fullmatch(name) else None
            if written is not None and written < before:
                yield here / name
        # Nothing but versions is below.
        names.clear()


def _written_at(version: Path) -> float | None:
    """When the last of it was written, as seconds of the epoch; None when ADK has not written all of it."""
    own = (_METADATA, version.parent.parent.name)
    try:
        # A link is no file of ADK, wherever it leads.
        if version.is_symlink():
            return None
        times: list[float] = []
        for entry in os.scandir(version):
            found = entry.stat(follow_symlinks=False)
            # ADK writes its metadata beside it first.
            if not stat.S_ISREG(found.st_mode) or not (entry.name in own or entry.name.endswith(".tmp")):
                return None
            times.append(found.st_mtime)
        return max(times) if times else version.stat().st_mtime
    except OSError:
        return None


def _delete(version: Path) -> None:
    # What is secret goes first: a kill leaves a version without content, which goes the next time.
    for path in sorted(version.iterdir(), key=lambda path: path.name == _METADATA):
        path.unlink()
    version.rmdir()
    # ADK lists an artifact for as long as it has a folder of versions, even an empty one. Others may be below a name.
    with suppress(OSError):
        for folder in version.parents:
            if folder.name == "artifacts":
                return
            folder.rmdir()
