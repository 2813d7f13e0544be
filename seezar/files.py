"""Files that only their owner may read, and locks between processes."""

import errno
import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

# What the operating system says of a disk that is full, of a quota that is used up, and of one that is read-only.
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


def private_folder(path: Path) -> Path:
    """Make `path` (and its parents) with mode 0700 unless it exists; returns it.

    Raises:
        OSError: it cannot be made.
    """
    # mkdir's own `parents` would give them the mode of the umask.
    for folder in reversed([folder for folder in (path, *path.parents) if not folder.exists()]):
        folder.mkdir(mode=0o700, exist_ok=True)
    return path


def write_private(path: Path, content: bytes) -> bool:
    """Write a new file of mode 0600 in one stroke; returns False when `path` exists already, which is then left alone.

    A crash leaves either the whole file or none. Of two processes at once, one wins and the other gets False.

    Raises:
        OSError: it cannot be written.
    """
    private_folder(path.parent)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # link() fails when the name exists, rename() would replace it.
        os.link(temporary, path)
    except FileExistsError:
        return False
    finally:
        temporary.unlink(missing_ok=True)
    return True


def replace_private(path: Path, content: bytes) -> None:
    """Put a file of mode 0600 in the place of `path`, in one stroke: a crash leaves the old one or the new one, whole.

    It belongs to whom the old one belonged to: what root changes, the others must still be able to read.

    Raises:
        OSError: it cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        write_private(temporary, content)
        if path.exists():
            before, now = path.stat(), temporary.stat()
            if (before.st_uid, before.st_gid) != (now.st_uid, now.st_gid):
                os.chown(temporary, before.st_uid, before.st_gid)
        temporary.rename(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            # The name too, before anything relies on it.
            os.fsync(folder)
        finally:
            os.close(folder)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def file_lock(path: Path, *, shared: bool = False) -> Generator[None]:
    """Hold an advisory lock on `path` for the block, waiting for others. It dies with the process."""
    private_folder(path.parent)
    with path.open("a+b") as file:
        fcntl.flock(file, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield
