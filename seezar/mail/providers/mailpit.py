"""The kind `mailpit`: a Mailpit server, which takes mail for every address; usually beside the tested site, in Docker.

A new address needs no call: its mail is found by recipient. `domains` of the entry says which domains are sent there.
The key (`key_env`), where its API asks for one, is `user:password`. Mailpit must not be told to take the time of a
message from its Date header: the list is read by the time at which messages came.

Options: `interval`, seconds between two requests of the whole process (0); `push` (true).
"""

import base64
from collections.abc import Sequence
from typing import Any, cast
from urllib.parse import quote, urlsplit

from seezar.errors import SettingsInvalid
from seezar.mail.errors import MailDomainNotServed, MailProviderRefused, MessageGone
from seezar.mail.mime import MAX_RAW
from seezar.mail.provider import Address, MailProvider, MailRef, Secrets
from seezar.mail.providers.http import Answer, AnswerTooLarge, HttpApi, read_options
from seezar.mail.providers.listing import Listed, Page, list_behind, newest, read_time
from seezar.mail.providers.websocket import WakeUps
from seezar.mail.table import ProviderEntry

_PAGE = 50
_WEBSOCKETS = {"http": "ws", "https": "wss"}


def connect(entry: ProviderEntry, secrets: Secrets) -> MailProvider:
    """The provider of an entry; no I/O.

    Raises:
        SettingsInvalid: its address, domains, key or an option cannot be used.
    """
    where = f"mail.toml: provider {entry.name!r}"
    if urlsplit(entry.url).scheme not in _WEBSOCKETS:
        raise SettingsInvalid(f"{where} needs a url like http://127.0.0.1:8025")
    if not entry.domains:
        raise SettingsInvalid(f"{where} needs domains: those whose mail is sent to it")
    if entry.key is not None and ":" not in entry.key.get_secret_value():
        raise SettingsInvalid(f"{where}: the key is not of the form user:password")
    return MailpitProvider(entry)


class MailpitProvider:
    """See `MailProvider`. A cursor is that of `listing`."""

    def __init__(self, entry: ProviderEntry) -> None:
        self.name = entry.name
        options = read_options(entry, {"interval": 0.0, "push": True})
        self.push = bool(options["push"])
        self._domains = entry.domains
        self._headers: dict[str, str] = {}
        if entry.key is not None:
            pair = base64.b64encode(entry.key.get_secret_value().encode()).decode()
            self._headers["authorization"] = f"Basic {pair}"
        self._api = HttpApi(entry, interval=options["interval"])
        self._wake_ups = WakeUps(_events_url(entry), self._headers)

    # --- addresses

    async def domains(self) -> Sequence[str]:
        """See `MailProvider.domains`."""
        return self._domains

    async def create_address(self, address: str, *, password: str) -> str:
        """See `MailProvider.create_address`. Every address is there already; only its domain is looked at."""
        self._check_domain(address)
        return address

    async def check_address(self, address: Address) -> str:
        """See `MailProvider.check_address`. Every address is there: only the server and the key are tried.

        Raises:
            MailDomainNotServed: mail for its domain is not, or no longer, sent there.
        """
        self._check_domain(address.address)
        await self._page(address, 1, limit=1)
        return address.address

    def _check_domain(self, address: str) -> None:
        domain = address.rpartition("@")[2]
        if domain not in self._domains:
            raise MailDomainNotServed(domain, self._domains, self.name)

    async def delete_address(self, address: Address) -> None:
        """See `MailProvider.delete_address`."""
        refs, _ = await self.list_since(address, "")
        await self._delete([ref.id for ref in refs])

    # --- messages

    async def cursor(self, address: Address) -> str:
        """See `MailProvider.cursor`."""
        return await newest(lambda number: self._page(address, number))

    async def list_since(self, address: Address, cursor: str) -> tuple[list[MailRef], str]:
        """See `MailProvider.list_since`."""
        return await list_behind(
            lambda number: self._page(address, number),
            cursor,
            address.id,
            # The search finds the address as a part of others, too.
            accept=lambda row: address.address in row.recipients,
        )

    async def _page(self, address: Address, number: int, *, limit: int = _PAGE) -> Page:
        params = {"query": f'to:"{address.address}"', "start": str((number - 1) * limit), "limit": str(limit)}
        answer = await self._asked("GET", "/api/v1/search", params=params)
        found = answer.record()
        rows = found.get("messages")
        if not answer.ok or not isinstance(rows, list):
            raise self._api.unknown(answer, "the list of messages")
        total = found.get("messages_count")
        listed = [_read_row(cast("dict[str, Any]", row)) for row in cast("list[Any]", rows) if isinstance(row, dict)]
        return Page([row for row in listed if row is not None], total if isinstance(total, int) else None)

    async def wait(self, address: Address, cursor: str, timeout: float) -> bool:
        """See `MailProvider.wait`."""

        async def look() -> bool:
            refs, _ = await self.list_since(address, cursor)
            return bool(refs)

        return await self._wake_ups.wait(look, timeout, push=self.push)

    async def source(self, address: Address, ref: MailRef) -> bytes:
        """See `MailProvider.source`. A message of more than `MAX_RAW` bytes counts as gone."""
        try:
            answer = await self._asked("GET", f"/api/v1/message/{quote(ref.id, safe='')}/raw", limit=MAX_RAW)
        except AnswerTooLarge as error:
            raise MessageGone(f"Message {ref.id} is too large.", next_step="Read it at the provider.") from error
        if answer.status == 404:
            raise MessageGone(f"Message {ref.id} was deleted.", next_step="Ask the site to send a new one.")
        if not answer.ok:
            raise self._api.unknown(answer, "the source of a message")
        return answer.body

    async def delete_message(self, address: Address, ref: MailRef) -> None:
        """See `MailProvider.delete_message`."""
        await self._delete([ref.id])

    async def _delete(self, ids: list[str]) -> None:
        if not ids:
            return  # without ids, Mailpit deletes everything
        answer = await self._asked("DELETE", "/api/v1/messages", body={"IDs": ids})
        if not answer.ok:
            raise self._api.unknown(answer, "the deletion of messages")

    async def close(self) -> None:
        """See `MailProvider.close`."""
        await self._wake_ups.close()
        await self._api.close()

    async def _asked(self, method: str, path: str, **sent: Any) -> Answer:
        answer = await self._api.ask(method, path, headers=self._headers, **sent)
        if answer.status in (401, 403):
            raise MailProviderRefused(self.name, "the user and password of its key" if self._headers else "to answer")
        return answer


def _events_url(entry: ProviderEntry) -> str:
    url = entry.push_url or f"{entry.url}/api/events"
    scheme, _, rest = url.partition("://")
    return f"{_WEBSOCKETS.get(scheme, scheme)}://{rest}"


def _read_row(row: dict[str, Any]) -> Listed | None:
    number = row.get("ID")
    if not isinstance(number, str) or not number:
        return None
    size, subject = row.get("Size"), row.get("Subject")
    return Listed(
        id=number,
        at=read_time(row.get("Created")),
        sender=next(iter(_addresses(row.get("From"))), ""),
        subject=subject if isinstance(subject, str) else "",
        size=int(size) if isinstance(size, int | float) else 0,
        recipients=frozenset(_addresses(row.get("To"))),
    )


def _addresses(value: Any) -> list[str]:
    """The addresses of `{"Name", "Address"}`, or of a list of them."""
    entries = cast("list[Any]", value) if isinstance(value, list) else [value]
    found = [cast("dict[str, Any]", entry).get("Address") for entry in entries if isinstance(entry, dict)]
    return [address.lower() for address in found if isinstance(address, str)]
