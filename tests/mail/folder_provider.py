"""A mail provider in one file: mailboxes are maildirs in a folder, and what it does wrong is a file in it.

In `OPTIONS.folder` there is a folder for each address, with `password` and the maildir `box`. While the file
`unavailable` or `refusing` is in the folder, every call fails so; with `answer-lost`, the next address is made and then
the call fails; with `stuck-before` or `stuck-after`, the next making of an address never ends, before it or after it,
which the file `stuck` tells. `calls` counts the lists, `failed` is left by a call that failed so, `waiting` by one that
waits. `parts-of` says how many messages a list holds at most.
"""

import asyncio
import contextlib
import mailbox
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from seezar.mail.errors import (
    MailboxTaken,
    MailboxUnknown,
    MailProviderRefused,
    MailProviderUnavailable,
    MessageGone,
)
from seezar.mail.mime import parse_envelope
from seezar.mail.provider import Address, MailProvider, MailRef, Secrets
from seezar.mail.table import ProviderEntry

DOMAIN = "folder.test"
# A delivery gets its time before it becomes visible, so a list goes back by so much and shows messages again.
_OVERLAP_NS = 100_000_000
_LOOK_S = 0.01


def connect(entry: ProviderEntry, secrets: Secrets) -> MailProvider:
    """See `seezar.mail.providers`."""
    return FolderProvider(entry, secrets)


def write_table(config: Path, folder: Path, *, remembers: bool = False) -> None:
    """A `mail.toml` whose entry `folder` is this provider; one that remembers asks for a password once."""
    folder.mkdir(parents=True, exist_ok=True)
    config.write_text(
        f'[[provider]]\nname = "folder"\nkind = "{__name__}"\nurl = "http://127.0.0.1:1"\n'
        f'options = {{ folder = "{folder}", remembers = {str(remembers).lower()} }}\n'
    )


def open_box(folder: Path, address: str, password: str) -> Path:
    """An address that somebody made; returns its maildir."""
    home = folder / address
    home.mkdir(parents=True)
    (home / "password").write_text(password)
    mailbox.Maildir(home / "box", create=True)
    return home / "box"


def deliver(folder: Path, address: str, raw: bytes) -> str:
    """Put a message into the maildir of an address; returns its id."""
    return mailbox.Maildir(folder / address / "box").add(raw)


class FolderProvider:
    """Implements `MailProvider`."""

    push = True

    def __init__(self, entry: ProviderEntry, secrets: Secrets) -> None:
        self.name = entry.name
        self._folder = Path(entry.options["folder"])
        self._secrets = secrets
        self._remembers: bool = entry.options.get("remembers", False)
        self._open: set[str] = set()

    async def domains(self) -> Sequence[str]:
        self._answer()
        return (DOMAIN,)

    async def create_address(self, address: str, *, password: str) -> str:
        self._answer()
        await self._stick("stuck-before")
        home = self._folder / address
        if home.exists():
            if (home / "password").read_text() != password:
                raise MailboxTaken(address)
        else:
            open_box(self._folder, address, password)
        await self._stick("stuck-after")
        lost = self._folder / "answer-lost"
        if lost.exists():
            lost.unlink()
            raise MailProviderUnavailable(self.name, "the answer was lost")
        return f"box-{address}"

    async def check_address(self, address: Address) -> str:
        await self._log_in(address)
        return f"box-{address.address}"

    async def cursor(self, address: Address) -> str:
        await self._log_in(address)
        return max((str(path.stat().st_mtime_ns) for path in self._messages(address)), default="1")

    async def list_since(self, address: Address, cursor: str) -> tuple[list[MailRef], str]:
        await self._log_in(address)
        with (self._folder / "calls").open("a") as calls:
            calls.write("list\n")
        since = int(cursor or "0")
        refs: list[MailRef] = []
        for path in self._messages(address):
            stat = path.lstat()
            if cursor and stat.st_mtime_ns < since - _OVERLAP_NS:
                continue
            sender, subject, _ = parse_envelope(path.read_bytes()) if path.is_file() else ("", "", "")
            taken = datetime.fromtimestamp(stat.st_mtime, UTC)
            position = str(max(stat.st_mtime_ns, since))
            refs.append(MailRef(path.name, address.id, taken, sender, subject, stat.st_size, position))
        refs.sort(key=lambda ref: (int(ref.cursor), ref.id))
        parts = self._folder / "parts-of"
        if parts.exists():
            refs = refs[: int(parts.read_text())]
        return refs, refs[-1].cursor if refs else cursor

    async def wait(self, address: Address, cursor: str, timeout: float) -> bool:
        await self._log_in(address)
        known = {path.name for path in self._messages(address) if path.lstat().st_mtime_ns <= int(cursor or "0")}
        until = asyncio.get_running_loop().time() + timeout
        while asyncio.get_running_loop().time() < until:
            self._answer()
            (self._folder / "waiting").touch()
            if any(path.name not in known for path in self._messages(address)):
                return True
            await asyncio.sleep(_LOOK_S)
        return False

    async def source(self, address: Address, ref: MailRef) -> bytes:
        await self._log_in(address)
        try:
            return (self._folder / address.address / "box" / "new" / ref.id).read_bytes()
        except FileNotFoundError:
            raise MessageGone(f"Message {ref.id} is gone.") from None
        except IsADirectoryError:
            raise MailProviderUnavailable(self.name, "one message cannot be read") from None

    async def delete_message(self, address: Address, ref: MailRef) -> None:
        await self._log_in(address)
        (self._folder / address.address / "box" / "new" / ref.id).unlink(missing_ok=True)

    async def delete_address(self, address: Address) -> None:
        self._answer()
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(self._folder / address.address)

    async def close(self) -> None:
        pass

    async def _stick(self, where: str) -> None:
        if (self._folder / where).exists():
            (self._folder / where).rename(self._folder / "stuck")
            await asyncio.Event().wait()

    def _answer(self) -> None:
        if (self._folder / "unavailable").exists():
            (self._folder / "failed").touch()
            raise MailProviderUnavailable(self.name, "it is switched off")
        if (self._folder / "refusing").exists():
            raise MailProviderRefused(self.name, "the key")

    async def _log_in(self, address: Address) -> None:
        self._answer()
        home = self._folder / address.address
        if not home.exists():
            raise MailboxUnknown(address.address)
        if self._remembers and address.address in self._open:
            return
        password = await self._secrets.open(address.secret_ref) if address.secret_ref else ""
        if (home / "password").read_text() != password:
            raise MailProviderRefused(self.name, "the password")
        self._open.add(address.address)

    def _messages(self, address: Address) -> list[Path]:
        new = self._folder / address.address / "box" / "new"
        return list(new.iterdir())
