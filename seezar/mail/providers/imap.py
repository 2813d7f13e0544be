"""The kind `imap`: mail of a person's own box, read over IMAP and left as it is.

Options of an entry: `folder` (INBOX), `username` (where one does not log in with the address), `auth` ("password", or
"xoauth2" for an access token in the vault), `ca_file` (certificates to trust beside the system's), `plus_addressing`
(addresses `user+anything@domain` of the box `username` can be made; its password is the entry's key).
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.parser import BytesHeaderParser
from email.utils import getaddresses
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from seezar.errors import InvalidInput, SettingsInvalid
from seezar.mail.addresses import normal_address
from seezar.mail.errors import MailDomainNotServed, MailProviderRefused, MessageGone
from seezar.mail.mime import MAX_RAW, parse_envelope
from seezar.mail.provider import Address, MailProvider, MailRef, Secrets
from seezar.mail.providers.imap_connection import ImapConnection, ImapWatch
from seezar.mail.providers.imap_dialogue import FolderState, ImapDialogue, ImapServer, Listed
from seezar.mail.providers.looking import look_until
from seezar.mail.table import ProviderEntry

# How far back the box of a person is read where no cursor says it: older mail is none of our business.
HISTORY = timedelta(hours=1)
# Messages in one listing; the cursor behind them leads to the next ones.
PAGE = 200
# Seconds between two looks of a wait, with a push and without.
_LOOK_WATCHED = 60.0
_LOOK_UNWATCHED = 5.0

_OPTIONS: dict[str, type] = {"folder": str, "username": str, "auth": str, "ca_file": str, "plus_addressing": bool}
_PORTS = {"imap": 143, "imaps": 993}


def connect(entry: ProviderEntry, secrets: Secrets) -> MailProvider:
    """The provider of an entry; no I/O yet.

    Raises:
        SettingsInvalid: its address or an option cannot be used.
    """
    options = _checked_options(entry)
    parts = urlsplit(entry.url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise SettingsInvalid(f"mail.toml: provider {entry.name!r} needs a url like imaps://imap.example.com")
    server = ImapServer(
        provider=entry.name,
        host=parts.hostname,
        port=parts.port or _PORTS[parts.scheme],
        tls=parts.scheme == "imaps",
        ca_file=options.get("ca_file", ""),
        xoauth2=options.get("auth") == "xoauth2",
    )
    return ImapProvider(entry, server, secrets, options)


@dataclass(frozen=True, slots=True)
class _Box:
    """The two connections to a box: one is asked, the other one listens."""

    connection: ImapConnection
    watch: ImapWatch


@dataclass(frozen=True, slots=True)
class _Listing:
    """Messages of a folder, its UIDVALIDITY, and the UID to go on from."""

    validity: int
    next_uid: int
    rows: list[Listed]


class ImapProvider:
    """See `MailProvider`. A cursor is `UIDVALIDITY:UID`, the UID being that of the first message behind it.

    Attributes:
        local_prefix: what a new address begins with; "" where none are made.
    """

    push = True

    def __init__(self, entry: ProviderEntry, server: ImapServer, secrets: Secrets, options: dict[str, Any]) -> None:
        self.name = entry.name
        self._key = entry.key
        self._server = server
        self._secrets = secrets
        self._folder: str = options.get("folder", "INBOX")
        self._username: str = options.get("username", "")
        local, _, domain = self._username.lower().rpartition("@")
        self.local_prefix = f"{local}+" if options.get("plus_addressing") else ""
        self._domain = domain
        self._boxes: dict[tuple[str, str | None], _Box] = {}

    # --- addresses

    async def domains(self) -> Sequence[str]:
        """See `MailProvider.domains`."""
        return (self._domain,) if self.local_prefix else ()

    async def create_address(self, address: str, *, password: str) -> str:
        """See `MailProvider.create_address`. The box's own password opens it; `password` is not used."""
        if not self._is_made(address):
            example = f"{self.local_prefix}ANYTHING@{self._domain}"
            raise MailDomainNotServed(address, [example] if self.local_prefix else [], self.name)
        return await self.check_address(Address(address, address, self.name, None, datetime.now(UTC)))

    async def check_address(self, address: Address) -> str:
        """See `MailProvider.check_address`."""
        await self._examined(address)
        return address.address

    async def delete_address(self, address: Address) -> None:
        """See `MailProvider.delete_address`. The box is a person's own: only the connection to it is closed."""
        if not self._is_made(address.address) and (box := self._boxes.pop(self._box_key(address), None)):
            await _close(box)

    def _is_made(self, address: str) -> bool:
        local, _, domain = address.lower().rpartition("@")
        prefix = self.local_prefix
        return bool(prefix) and domain == self._domain and local.startswith(prefix) and local != prefix

    # --- messages

    async def cursor(self, address: Address) -> str:
        """See `MailProvider.cursor`."""
        state = await self._examined(address)
        return _cursor(state.validity, state.next_uid)

    async def list_since(self, address: Address, cursor: str) -> tuple[list[MailRef], str]:
        """See `MailProvider.list_since`. Without a cursor of the folder as it is now, the last hour is listed."""
        connection = self._box(address).connection
        while True:
            listing = await connection.call(partial(_list, folder=self._folder, since=_position(cursor)))
            refs = [_ref(address, listing.validity, row) for row in listing.rows if self._is_for(address, row)]
            behind = _cursor(listing.validity, listing.next_uid)
            # Of a part in which nothing is for this address, the next one is wanted.
            if refs or behind == cursor:
                return refs, behind
            cursor = behind

    def _is_for(self, address: Address, row: Listed) -> bool:
        if not self._is_made(address.address):
            return True
        names = ("to", "cc", "delivered-to", "x-original-to")
        headers = BytesHeaderParser().parsebytes(row.headers)
        values = [str(value) for name in names for value in headers.get_all(name, [])]
        return any(found.lower() == address.address for _, found in getaddresses(values))

    async def wait(self, address: Address, cursor: str, timeout: float) -> bool:
        """See `MailProvider.wait`. It outlives a server that is away for a while.

        Raises:
            MailProviderRefused, MailQuotaFull: the box cannot be read.
        """
        watch = self._box(address).watch

        async def look() -> bool:
            if watch.refusal is not None:
                raise watch.refusal
            watch.start()
            self.push = watch.can_idle
            return await self._is_behind(address, cursor)

        with watch.subscribe() as woken:
            watch.start()
            return await look_until(look, woken, timeout, lambda: _LOOK_WATCHED if watch.watching else _LOOK_UNWATCHED)

    async def _is_behind(self, address: Address, cursor: str) -> bool:
        state = await self._examined(address)
        since = _position(cursor)
        return since is None or since[0] != state.validity or since[1] < state.next_uid

    async def source(self, address: Address, ref: MailRef) -> bytes:
        """See `MailProvider.source`. A message of more than `MAX_RAW` bytes counts as gone: it is never fetched."""
        position = _position(ref.id)
        raw = position and await self._box(address).connection.call(
            partial(_source, folder=self._folder, validity=position[0], uid=position[1])
        )
        if not raw:
            raise MessageGone(f"Message {ref.id} was deleted.", next_step="Ask the site to send a new one.")
        return raw

    async def delete_message(self, address: Address, ref: MailRef) -> None:
        """See `MailProvider.delete_message`. Without UIDPLUS it is only marked: EXPUNGE would take others with it."""
        position = _position(ref.id)
        if position is not None:
            await self._box(address).connection.call(
                lambda dialogue: dialogue.delete(self._folder, position[0], position[1])
            )

    async def close(self) -> None:
        """See `MailProvider.close`."""
        boxes = list(self._boxes.values())
        self._boxes.clear()
        for box in boxes:
            await _close(box)

    # --- connections

    async def _examined(self, address: Address) -> FolderState:
        return await self._box(address).connection.call(lambda dialogue: dialogue.examine(self._folder))

    def _box(self, address: Address) -> _Box:
        key = self._box_key(address)
        if key not in self._boxes:
            username, reference = key
            secret = self._secret(address.address, reference)
            connection = ImapConnection(self._server, username, secret)
            watch = ImapWatch(ImapConnection(self._server, username, secret), self._folder)
            self._boxes[key] = _Box(connection, watch)
        return self._boxes[key]

    def _box_key(self, address: Address) -> tuple[str, str | None]:
        reference = None if self._is_made(address.address) else address.secret_ref
        return self._username or address.address, reference

    def _secret(self, address: str, reference: str | None) -> Callable[[], Awaitable[str]]:
        async def opened() -> str:
            if reference is not None:
                return await self._secrets.open(reference)
            if self._key is not None:
                return self._key.get_secret_value()
            raise MailProviderRefused(self.name, f"{address}: there is no password for it")

        return opened


async def _close(box: _Box) -> None:
    await box.watch.close()
    await box.connection.close()


def _list(dialogue: ImapDialogue, *, folder: str, since: tuple[int, int] | None) -> _Listing:
    state = dialogue.examine(folder)
    if since is None or since[0] != state.validity:
        # SEARCH knows whole days only, and those of the server's clock.
        earliest = datetime.now(UTC) - HISTORY
        received = dialogue.received(dialogue.since_day((earliest - timedelta(days=1)).date()))
        uids = sorted(uid for uid, at in received.items() if at >= earliest)
        following = state.next_uid
    else:
        uids = dialogue.since_uid(since[1]) if since[1] < state.next_uid else []
        following = max(state.next_uid, since[1])
    page = uids[:PAGE]
    if page:
        following = page[-1] + 1 if len(uids) > PAGE else max(following, page[-1] + 1)
    return _Listing(state.validity, following, dialogue.listing(page))


def _source(dialogue: ImapDialogue, *, folder: str, validity: int, uid: int) -> bytes | None:
    if dialogue.examine(folder).validity != validity:
        return None
    size = dialogue.size(uid)
    return dialogue.source(uid) if size is not None and size <= MAX_RAW else None


def _ref(address: Address, validity: int, row: Listed) -> MailRef:
    sender, subject, _ = parse_envelope(row.headers)
    return MailRef(
        id=_cursor(validity, row.uid),
        address_id=address.id,
        received_at=row.received_at,
        sender=sender,
        subject=subject,
        size=row.size,
        cursor=_cursor(validity, row.uid + 1),
    )


def _cursor(validity: int, uid: int) -> str:
    return f"{validity}:{uid}"


def _position(text: str) -> tuple[int, int] | None:
    validity, _, uid = text.partition(":")
    return (int(validity), int(uid)) if validity.isdecimal() and uid.isdecimal() else None


def _checked_options(entry: ProviderEntry) -> dict[str, Any]:
    where = f"mail.toml: provider {entry.name!r}"
    options = dict(entry.options)
    for option, value in options.items():
        if not isinstance(value, _OPTIONS.get(option, ())):
            known = ", ".join(sorted(_OPTIONS))
            raise SettingsInvalid(f"{where}: the option {option} is unknown or has another type (known: {known})")
    if options.get("auth", "password") not in ("password", "xoauth2"):
        raise SettingsInvalid(f'{where}: auth is "password" or "xoauth2"')
    if options.get("plus_addressing"):
        try:
            normal_address(options.get("username", ""))
        except InvalidInput:
            raise SettingsInvalid(f"{where}: plus_addressing needs the box's address as username") from None
        if entry.key is None:
            raise SettingsInvalid(f"{where}: plus_addressing needs the box's password, named by key_env")
    return options
