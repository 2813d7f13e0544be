"""A disk that is full: a clear sentence, nothing lost, and all goes on when there is room again."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from seezar.accounts import Runs
from seezar.database import Database
from seezar.database.embedded import EmbeddedServer
from seezar.database.migrate import migrate
from seezar.errors import DatabaseFull, DatabaseUnavailable, DiskFull, InvalidInput
from seezar.settings import Settings
from workflows.backup import write_backup

pytestmark = pytest.mark.timeout(400)


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of its own, of 192 MB."""
    folder = Path(tempfile.mkdtemp(prefix="seezar-full-"))
    mount = ["mount", "-t", "tmpfs", "-o", "size=192m,mode=755", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True).returncode != 0:
        folder.rmdir()
        pytest.skip("file systems cannot be mounted here")
    with ExitStack() as at_the_end:
        at_the_end.callback(folder.rmdir)
        at_the_end.callback(subprocess.run, ["umount", "-l", str(folder)], check=True)
        yield folder


def fill(folder: Path, *, leave: int = 0) -> Path:
    """Use up what is free, but for `leave` bytes; returns what to delete."""
    filler = folder / "filler"
    with filler.open("wb") as file:
        free = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize - leave
        os.posix_fallocate(file.fileno(), 0, free)
    return filler


async def test_of_the_database(small_disk: Path) -> None:
    server = EmbeddedServer(small_disk)
    url = server.start()
    kept = 0
    try:
        migrate(url)
        filler = fill(small_disk, leave=20 * 1024**2)
        async with await Database.open(url, application_name="seezar-test", timeout=5) as database:
            runs = Runs(database)
            await runs.create("r", kind="open_page", account=None)
            told = None
            while told is None:
                try:
                    await runs.event("r", "s", os.urandom(2 * 1024**2).hex())
                    kept += 1
                except DatabaseUnavailable as error:
                    told = error
                assert kept < 100
        assert told.status == "disk_full"
        assert "Make room there" in str(told)
        assert "\n" not in str(told)
        # Where there is no room to start either, that is told.
        server.stop()
        filler.unlink()
        filler = fill(small_disk)
        with pytest.raises(DatabaseFull, match="does not start: 0 MB are free"):
            EmbeddedServer(small_disk).start()
        filler.unlink()
        url = server.start()
        async with await Database.open(url, application_name="seezar-test") as database:
            runs = Runs(database)
            # The one that was refused may have been written when its answer was lost.
            assert len(await runs.events("r")) in (kept, kept + 1)
            await runs.event("r", "after", "There is room again")
    finally:
        server.stop()


def test_of_a_new_home(small_disk: Path) -> None:
    filler = fill(small_disk, leave=5 * 1024**2)
    server = EmbeddedServer(small_disk)
    with pytest.raises(DatabaseFull, match="Make room"):
        server.start()
    filler.unlink()
    try:
        migrate(server.start())
    finally:
        server.stop()


def test_of_a_backup(small_disk: Path, settings: Settings, database_url: str) -> None:
    fill(small_disk, leave=8192)
    with pytest.raises(DiskFull, match="cannot be written"):
        write_backup(settings, database_url, small_disk / "backup")
    assert {entry.name for entry in small_disk.iterdir()} == {"filler"}
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises((DiskFull, InvalidInput), match="Read-only"):
        write_backup(settings, database_url, small_disk / "backup")
