"""Private files are written whole, once, and for their owner only; locks hold between processes and die with them."""

import fcntl
import select
import subprocess
import sys
from pathlib import Path

from seezar.files import write_private

HOLD = """
import pathlib, sys
from seezar.files import file_lock
with file_lock(pathlib.Path(sys.argv[1]), shared=sys.argv[2] == "shared"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_new_file_is_private_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "key"
    assert write_private(path, b"content")
    assert path.read_bytes() == b"content"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert list(path.parent.iterdir()) == [path]


def test_a_file_that_is_there_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "key"
    assert write_private(path, b"first")
    assert not write_private(path, b"second")
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]


def test_a_lock_keeps_others_waiting_until_its_holder_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "run" / "lock"
    first, second = hold(path, "exclusive"), hold(path, "exclusive")
    assert first.stdout is not None
    assert second.stdout is not None
    ready, _, _ = select.select([first.stdout, second.stdout], [], [], 60)
    winner, loser = (first, second) if first.stdout in ready else (second, first)
    assert winner.stdout is not None
    assert loser.stdout is not None
    assert (winner.stdout.readline(), taken(path)) == ("held\n", True)
    winner.kill()
    assert loser.stdout.readline() == "held\n"
    assert taken(path)
    end(winner, loser)
    assert not taken(path)


def test_shared_locks_do_not_exclude_each_other(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    holders = [hold(path, "shared"), hold(path, "shared")]
    for holder in holders:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
    assert taken(path)
    end(*holders)
    assert not taken(path)


def taken(path: Path) -> bool:
    """Whether somebody holds the lock, in whatever way."""
    with path.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def hold(path: Path, how: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLD, str(path), how]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def end(*processes: subprocess.Popen[str]) -> None:
    for process in processes:
        process.communicate(timeout=60)
