"""The kind `smtpdev`: SMTP.dev. One API key (`key_env`) reads all accounts; an account has mailboxes, of which INBOX is
read.

What its documents leave open, and what is done: the raw source is asked for at `…/messages/{id}/source`, then at the
message's own download address, and where neither gives it a message is put together from its text and HTML; the event
stream is opened with the API key, then with a token that the API gives for it.

Options: `interval`, seconds between two requests of the whole process (0.2); `push` (true); `catch_all` (false): no
account is made for a new address, its mail is picked from the account `*@domain` by recipient.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr
from typing import Any, cast
from urllib.parse import quote

from seezar.errors import SettingsInvalid
from seezar.mail.errors import (
    MailboxTaken,
    MailboxUnknown,
    MailDomainNotServed,
    MailProviderRefused,
    MailQuotaFull,
)
from seezar.mail.provider import Address, MailRef, Secrets
from seezar.mail.providers.account_api import (
    NOT_THERE,
    SOURCE_LIMIT,
    bearer,
    check_domain,
    check_room,
    gone,
    id_in,
    id_of,
    list_domains,
    no_room,
    not_taken,
    push_url,
    records,
)
from seezar.mail.providers.http import Answer, AnswerTooLarge, HttpApi, read_options
from seezar.mail.providers.listing import Listed, Page, list_behind, members, newest, read_page, read_time
from seezar.mail.providers.source_text import source_bytes
from seezar.mail.providers.sse import PushStreams
from seezar.mail.table import ProviderEntry

_INBOX = "INBOX"
_RAW_TYPES = ("message/rfc822", "text/plain", "application/octet-stream")


def connect(entry: ProviderEntry, secrets: Secrets) -> "SmtpDevProvider":
    """The provider of an entry; no I/O.

    Raises:
        SettingsInvalid: there is no API key, or an option is unknown or not of its type.
    """
    if entry.key is None:
        raise SettingsInvalid(f"mail.toml: provider {entry.name!r} needs key_env, the variable with its API key")
    return SmtpDevProvider(entry, entry.key.get_secret_value())


@dataclass(frozen=True, slots=True)
class _Inbox:
    """Where the mail of an address lies."""

    account: str
    mailbox: str

    @property
    def path(self) -> str:
        return f"/accounts/{quote(self.account, safe='')}/mailboxes/{quote(self.mailbox, safe='')}/messages"


class SmtpDevProvider:
    """See `MailProvider`.

    Args:
        key: the API key of `entry`.
    """

    def __init__(self, entry: ProviderEntry, key: str) -> None:
        options = read_options(entry, {"interval": 0.2, "push": True, "catch_all": False})
        self.name = entry.name
        self.push = bool(options["push"])
        self._entry = entry
        self._headers = {"x-api-key": key}
        self._catch_all = bool(options["catch_all"])
        self._api = HttpApi(entry, interval=float(options["interval"]))
        self._streams = PushStreams(entry.push_url or push_url(entry.url))
        self._inboxes: dict[str, _Inbox] = {}

    # --- addresses

    async def domains(self) -> Sequence[str]:
        """See `MailProvider.domains`."""
        return await list_domains(self._api, self._entry, self._headers)

    async def create_address(self, address: str, *, password: str) -> str:
        """See `MailProvider.create_address`. An account that is there and empty is the one made before a crash: the key
        owns all of them, and their passwords cannot be tried.

        Raises:
            InvalidInput: the provider does not take the name or the password for one.
        """
        if self._catch_all:
            await self._account_of(self._owner(address), address)
            return address
        answer = await self._ask("POST", "/accounts", body={"address": address, "password": password})
        if answer.ok and (made := id_of(answer)):
            return made
        if no_room(answer):
            raise MailQuotaFull(self.name, "it makes no more addresses for us")
        if answer.status == 403:
            raise MailProviderRefused(self.name, "to make an address")
        if answer.status not in (400, 409, 422):
            raise self._api.unknown(answer, "a new address")
        account = await self._find(address)
        if account is not None:
            if account.get("used") or any(box.get("totalMessages") for box in records(account.get("mailboxes"))):
                raise MailboxTaken(address)
            return id_in(account)
        await self._check_domain(address)
        if answer.mentions("used", "taken", "exist"):
            raise MailboxTaken(address)
        raise not_taken(self._api, address)

    async def check_address(self, address: Address) -> str:
        """See `MailProvider.check_address`.

        Raises:
            MailDomainNotServed: there is no account for all addresses of its domain.
            MailQuotaFull: no more mail fits in.
        """
        account = await self._account_of(self._owner(address.address), address.address)
        check_room(self._api, address.address, account)
        return address.address if self._catch_all else id_in(account)

    async def delete_address(self, address: Address) -> None:
        """See `MailProvider.delete_address`. Of an account for all addresses, only the messages to this one."""
        if self._catch_all:
            try:
                refs, _ = await self.list_since(address, "")
            except (MailboxUnknown, MailDomainNotServed):
                refs = []
            for ref in refs:
                await self.delete_message(address, ref)
            return
        # One that is not known to be made may have been made all the same.
        number = address.id or id_in(await self._find(address.address) or {})
        if not number:
            return
        answer = await self._ask("DELETE", f"/accounts/{quote(number, safe='')}")
        if not answer.ok and answer.status not in NOT_THERE:
            raise self._api.unknown(answer, "the removal of an address")
        self._inboxes.pop(address.address, None)
        await self._streams.forget(f"/accounts/{address.id}")

    def _owner(self, address: str) -> str:
        """The address of the account that takes the mail of an address."""
        return f"*@{address.rpartition('@')[2]}" if self._catch_all else address

    async def _find(self, owner: str) -> dict[str, Any] | None:
        answer = await self._ask("GET", "/accounts", params={"address": owner})
        rows = members(answer.json()) if answer.ok else None
        if rows is None:
            raise self._api.unknown(answer, "the list of accounts")
        return next((row for row in rows if str(row.get("address", "")).lower() == owner and id_in(row)), None)

    async def _account_of(self, owner: str, address: str) -> dict[str, Any]:
        account = await self._find(owner)
        if account is not None and account.get("isDeleted") is not True:
            return account
        await self._check_domain(address)
        if self._catch_all:
            raise MailDomainNotServed(address.rpartition("@")[2], [], self.name)
        raise MailboxUnknown(address)

    async def _check_domain(self, address: str) -> None:
        await check_domain(self._api, self._entry, self._headers, address)

    async def _inbox(self, address: Address) -> _Inbox:
        known = self._inboxes.get(address.address)
        if known is not None:
            return known
        if self._catch_all:
            number = id_in(await self._account_of(self._owner(address.address), address.address))
        else:
            number = address.id
        answer = await self._ask("GET", f"/accounts/{quote(number, safe='')}")
        if answer.status in NOT_THERE:
            raise MailboxUnknown(address.address)
        boxes = [box for box in records(answer.record().get("mailboxes")) if id_in(box)]
        inbox = next((box for box in boxes if str(box.get("path", "")).upper() == _INBOX), None)
        if not answer.ok or inbox is None:
            raise self._api.unknown(answer, "the inbox of an account")
        found = self._inboxes[address.address] = _Inbox(number, id_in(inbox))
        return found

    # --- messages

    async def cursor(self, address: Address) -> str:
        """See `MailProvider.cursor`."""
        return await newest(lambda number: self._page(address, number))

    async def list_since(self, address: Address, cursor: str) -> tuple[list[MailRef], str]:
        """See `MailProvider.list_since`."""

        def is_for(row: Listed) -> bool:
            return address.address in row.recipients

        accept = is_for if self._catch_all else None
        return await list_behind(lambda number: self._page(address, number), cursor, address.id, accept=accept)

    async def wait(self, address: Address, cursor: str, timeout: float) -> bool:
        """See `MailProvider.wait`."""
        if not self.push:
            await asyncio.sleep(timeout)
            return False
        try:
            async with asyncio.timeout(timeout):
                inbox = await self._inbox(address)
                return await self._streams.wait(f"/accounts/{inbox.account}", self._credentials, timeout)
        except TimeoutError:
            return False

    async def _credentials(self, refused: bool) -> dict[str, str]:
        if refused:
            answer = await self._api.ask("GET", "/mercure/token", headers=self._headers)
            token = answer.record().get("token")
            if answer.ok and isinstance(token, str) and token:
                return bearer(token)
        return self._headers

    async def source(self, address: Address, ref: MailRef) -> bytes:
        """See `MailProvider.source`.

        Raises:
            MessageGone: it was deleted, or is larger than any mail that is read.
        """
        path = f"{(await self._inbox(address)).path}/{quote(ref.id, safe='')}"
        try:
            answer = await self._ask("GET", f"{path}/source", limit=SOURCE_LIMIT)
            raw = _raw(answer)
            if raw:
                return raw
            message = await self._ask("GET", path, limit=SOURCE_LIMIT)
            if message.status in NOT_THERE:
                raise gone(ref, "was deleted")
            details = message.record()
            if not message.ok or not details:
                raise self._api.unknown(message, "a message")
            link = answer.record().get("downloadUrl") or details.get("downloadUrl")
            if isinstance(link, str) and self._api.reaches(link):
                raw = _raw(await self._ask("GET", link, limit=SOURCE_LIMIT))
        except AnswerTooLarge as error:
            raise gone(ref, "is too large to be read") from error
        return raw or rebuilt(details)

    async def delete_message(self, address: Address, ref: MailRef) -> None:
        """See `MailProvider.delete_message`."""
        answer = await self._ask("DELETE", f"{(await self._inbox(address)).path}/{quote(ref.id, safe='')}")
        if not answer.ok and answer.status not in NOT_THERE:
            raise self._api.unknown(answer, "the removal of a message")

    async def close(self) -> None:
        """See `MailProvider.close`."""
        await self._streams.close()
        await self._api.close()

    async def _page(self, address: Address, number: int) -> Page:
        inbox = await self._inbox(address)
        answer = await self._ask("GET", inbox.path, params={"page": str(number)})
        if answer.status in NOT_THERE:
            self._inboxes.pop(address.address, None)
            raise MailboxUnknown(address.address)
        page = read_page(answer.json()) if answer.ok else None
        if page is None:
            raise self._api.unknown(answer, "the list of messages")
        return page

    async def _ask(self, method: str, path: str, **details: Any) -> Answer:
        answer = await self._api.ask(method, path, headers=self._headers, **details)
        if answer.status == 401 or (answer.status == 403 and method != "POST"):
            raise MailProviderRefused(self.name, "the API key")
        return answer


def _raw(answer: Answer) -> bytes:
    """The message of an answer: in the `data` of a JSON object, or as it is; b"" when it is something else."""
    if not answer.ok:
        return b""
    if "json" in answer.media:
        text = answer.record().get("data")
        return source_bytes(text) if isinstance(text, str) else b""
    return answer.body if answer.media in _RAW_TYPES else b""


def rebuilt(details: dict[str, Any]) -> bytes:
    """A message of what the provider read out of one. It has no other headers and no attachments."""
    mail = EmailMessage(policy=SMTP)
    for header, value in (
        ("From", _mailbox(details.get("from"))),
        ("To", ", ".join(filter(None, (_mailbox(entry) for entry in records(details.get("to")))))),
        ("Subject", details.get("subject")),
        ("Message-ID", details.get("msgid")),
        ("Date", format_datetime(read_time(details.get("createdAt")))),
    ):
        if isinstance(value, str) and value:
            mail[header] = " ".join(value.split())
    text, html = details.get("text"), details.get("html")
    mail.set_content(text if isinstance(text, str) else "")
    page = "\n".join(str(part) for part in cast("list[Any]", html)) if isinstance(html, list) else html
    if isinstance(page, str) and page:
        mail.add_alternative(page, subtype="html")
    return mail.as_bytes()


def _mailbox(value: Any) -> str:
    entry = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    address = entry.get("address")
    return formataddr((str(entry.get("name") or ""), address)) if isinstance(address, str) and address else ""
