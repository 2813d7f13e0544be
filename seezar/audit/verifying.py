"""Walking through the log: does every row fit the one before it?"""

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from seezar.audit.log import GENESIS, Audit, code_of
from seezar.database import Database
from seezar.files import private_folder

_ANCHORS = "audit.heads"
_RESTORED = "restored"


@dataclass(frozen=True)
class Head:
    """The last row of the log as it once was."""

    number: int
    mac: str


@dataclass(frozen=True)
class Verdict:
    """What a walk found.

    Attributes:
        rows: how many there are.
        head: the last one that fits; None in an empty log.
        broken_at: number of the first that does not fit, or is missing; None when all do.
        problem: what is wrong there; "" when nothing is.
    """

    rows: int
    head: Head | None
    broken_at: int | None
    problem: str

    @property
    def intact(self) -> bool:
        """Whether nothing is wrong."""
        return self.broken_at is None


async def verify(
    audit: Audit, *, heads: Sequence[Head] = (), on_rows: Callable[[int], None] = lambda _: None
) -> Verdict:
    """Walk through the log from its beginning.

    Args:
        heads: rows that were the last ones once, noted elsewhere: they must still be there. Without one, a log whose
            end was cut off looks whole.
        on_rows: told how many rows were looked at.
    """
    key, before, number, head = await audit.key(), GENESIS, 0, None
    noted = {head.number: head.mac for head in heads}
    async for rows in audit.walk():
        for row in rows:
            if row["number"] != number + 1:
                return Verdict(number, head, number + 1, "it is missing")
            mac = bytes(row.pop("mac"))
            if not hmac.compare_digest(mac, code_of(key, before, **row)):
                return Verdict(number, head, number + 1, "it was changed, or stands behind one that was")
            number, before, head = number + 1, mac, Head(number + 1, mac.hex())
            if not hmac.compare_digest(noted.get(number, head.mac), head.mac):
                return Verdict(number, head, number, "it is another one than was noted in this home")
        on_rows(number)
    if noted and max(noted) > number:
        return Verdict(number, head, number + 1, f"the end is cut off: row {max(noted)} was noted in this home")
    return Verdict(number, head, None, "")


def noted_heads(home: Path) -> list[Head]:
    """The heads that were noted in a home since the last restore; lines that are none are left out."""
    path = home / _ANCHORS
    try:
        lines = path.read_text(encoding="ascii", errors="replace").splitlines()
    except FileNotFoundError:
        return []
    restored = max((place for place, line in enumerate(lines) if line.startswith(_RESTORED)), default=-1)
    parts = [line.split() for line in lines[restored + 1 :]]
    return [Head(int(part[0]), part[1]) for part in parts if len(part) >= 2 and part[0].isdigit()]


async def note_head(database: Database, home: Path) -> Head | None:
    """Write down, outside the database, which row is the last one now; None while there is none."""
    row = await database.one("SELECT number, mac FROM app.audit ORDER BY number DESC LIMIT 1")
    if row is None:
        return None
    head = Head(row["number"], bytes(row["mac"]).hex())
    if head not in noted_heads(home)[-1:]:
        _add_line(home, f"{head.number} {head.mac}")
    return head


def note_restore(home: Path) -> None:
    """Write down that a backup took the place of the database: heads that were noted before are not in it."""
    _add_line(home, _RESTORED)


def _add_line(home: Path, what: str) -> None:
    path = private_folder(home) / _ANCHORS
    with path.open("a", encoding="ascii") as file:
        file.write(f"{what} {datetime.now(UTC).isoformat(timespec='seconds')}\n")
    path.chmod(0o600)
