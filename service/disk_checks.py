"""Is there room where seezar writes: in the home, and where the database has its files?"""

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg

from seezar.database.embedded import EmbeddedServer
from seezar.settings import Settings
from service.findings import Finding

_WRONG_BYTES = 100 * 1024**2
_WARNING_BYTES = 1024**3
_LEAST_FILES = 1000


def disk(settings: Settings, url: str | None) -> Iterator[Finding]:
    """One finding for each file system; `url` is that of the running database, None when there is none."""
    folders = {"home": _existing(settings.home)}
    database = _database_folder(settings, url)
    if database is not None and not _same_disk(database, folders["home"]):
        folders["database"] = database
    elif database is not None:
        folders = {"home and database": folders["home"]}
    for what, folder in folders.items():
        yield room(f"Disk of the {what}", folder)
    if database is None:
        yield Finding("Disk of the database", "ok", "on another machine, or not to be seen from here; look there")


def room(check: str, folder: Path) -> Finding:
    """How much a file system has left, for whoever is no administrator."""
    at = os.statvfs(folder)
    free = at.f_bavail * at.f_frsize
    detail = f"{_size(free)} free at {folder}"
    advice = (
        f"Make room there; what seezar may delete goes with seezar db clean. Less than {_size(_WRONG_BYTES)}: it stops."
    )
    # A file system without a fixed number of files says 0 of 0.
    if at.f_files and at.f_favail < _LEAST_FILES:
        return Finding(check, "wrong", f"{detail}, but room for {at.f_favail} more files only", "Delete files there.")
    if free < _WRONG_BYTES:
        return Finding(check, "wrong", detail, advice)
    return Finding(check, "warning", detail, advice) if free < _WARNING_BYTES else Finding(check, "ok", detail)


def _database_folder(settings: Settings, url: str | None) -> Path | None:
    if settings.database_url is None:
        return _existing(EmbeddedServer(settings.home).data)
    if url is None:
        return None
    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            row = connection.execute(
                "SELECT current_setting('data_directory') WHERE inet_server_addr() IS NULL"
                " OR inet_server_addr() <<= '127.0.0.0/8' OR inet_server_addr() = '::1'"
            ).fetchone()
        # The address may be one end of a tunnel: only a folder that looks like a server's is taken for it.
        return Path(row[0]) if row and (Path(row[0]) / "PG_VERSION").exists() else None
    except (psycopg.Error, OSError):
        # Not told to everybody, or not ours to enter.
        return None


def _existing(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.exists())


def _same_disk(one: Path, other: Path) -> bool:
    return one.stat().st_dev == other.stat().st_dev


def _size(count: float) -> str:
    return f"{count / 1024**3:.1f} GB" if count >= 1024**3 else f"{count / 1024**2:.0f} MB"
