"""The kind `mailtm`: Mail.tm, Mail.gw, DuckMail, and whatever speaks their API.

An address is an account of its own with a password; a token for it is asked for when it is needed, and again when it is
no longer accepted. An API key (`key_env`) is sent where no account is asking: DuckMail shows private domains for one.

Options: `interval`, seconds between two requests of the whole process (1); `push` (true); `expires_in`, seconds after
which DuckMail is to delete a new address (not sent unless given; there, 0 is never).
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

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
    id_of,
    list_domains,
    no_room,
    not_taken,
    push_url,
)
from seezar.mail.providers.http import Answer, AnswerTooLarge, HttpApi, read_options
from seezar.mail.providers.listing import Page, list_behind, newest, read_page
from seezar.mail.providers.source_text import source_bytes
from seezar.mail.providers.sse import PushStreams
from seezar.mail.table import ProviderEntry


def connect(entry: ProviderEntry, secrets: Secrets) -> "MailTmProvider":
    """The provider of an entry; no I/O.

    Raises:
        SettingsInvalid: an option that is unknown, or not of its type.
    """
    return MailTmProvider(entry, secrets)


@dataclass(slots=True)
class _Account:
    """What is known of an account while the process runs."""

    id: str = ""
    token: str = field(default="", repr=False)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class MailTmProvider:
    """See `MailProvider`."""

    def __init__(self, entry: ProviderEntry, secrets: Secrets) -> None:
        options = read_options(entry, {"interval": 1.0, "push": True, "expires_in": -1})
        self.name = entry.name
        self.push = bool(options["push"])
        self._entry = entry
        self._secrets = secrets
        self._expires_in = int(options["expires_in"])
        self._api = HttpApi(entry, interval=float(options["interval"]))
        self._streams = PushStreams(entry.push_url or push_url(entry.url))
        self._accounts: dict[str, _Account] = {}

    # --- addresses

    async def domains(self) -> Sequence[str]:
        """See `MailProvider.domains`. Private ones only where the configuration names them."""
        return await list_domains(self._api, self._entry, self._key())

    async def create_address(self, address: str, *, password: str) -> str:
        """See `MailProvider.create_address`.

        Raises:
            InvalidInput: the provider does not take the name or the password for one.
        """
        body: dict[str, Any] = {"address": address, "password": password}
        if self._expires_in >= 0:
            body["expiresIn"] = self._expires_in
        answer = await self._api.ask("POST", "/accounts", body=body, headers=self._key())
        made = id_of(answer)
        if answer.ok and made:
            return made
        if no_room(answer):
            raise MailQuotaFull(self.name, "it makes no more addresses for us")
        if answer.status in (401, 403):
            raise MailProviderRefused(self.name, "to make an address")
        if answer.status in (400, 409, 422):
            return await self._made_before(address, password, answer)
        raise self._api.unknown(answer, "a new address")

    async def _made_before(self, address: str, password: str, refusal: Answer) -> str:
        """The account that made the provider refuse to make it: it may be ours, and the answer to us was lost."""
        try:
            account = await self._log_in(address, password)
        except MailProviderRefused:
            await self._check_domain(address)
            if refusal.mentions("used", "taken", "exist"):
                raise MailboxTaken(address) from None
            raise not_taken(self._api, address) from None
        return account.id

    async def _check_domain(self, address: str) -> None:
        await check_domain(self._api, self._entry, self._key(), address)

    async def check_address(self, address: Address) -> str:
        """See `MailProvider.check_address`.

        Raises:
            MailDomainNotServed: the address went with its domain.
            MailQuotaFull: no more mail fits in.
        """
        answer = await self._ask(address, "GET", "/me")
        found = answer.record()
        if answer.status in NOT_THERE or found.get("isDeleted") is True or found.get("isDisabled") is True:
            raise MailboxUnknown(address.address)
        if not answer.ok or not id_of(answer):
            raise self._api.unknown(answer, "an account")
        check_room(self._api, address.address, found)
        return id_of(answer)

    async def delete_address(self, address: Address) -> None:
        """See `MailProvider.delete_address`."""
        try:
            await self._token(address)
            number = self._accounts[address.address].id or address.id
            answer = await self._ask(address, "DELETE", f"/accounts/{quote(number, safe='')}")
        except (MailProviderRefused, MailDomainNotServed):
            # Nobody can log in to an account that is gone.
            pass
        else:
            if not answer.ok and answer.status not in NOT_THERE:
                raise self._api.unknown(answer, "the removal of an address")
        self._accounts.pop(address.address, None)
        await self._streams.forget(_topic(address))

    # --- messages

    async def cursor(self, address: Address) -> str:
        """See `MailProvider.cursor`."""
        return await newest(lambda number: self._page(address, number))

    async def list_since(self, address: Address, cursor: str) -> tuple[list[MailRef], str]:
        """See `MailProvider.list_since`."""
        return await list_behind(lambda number: self._page(address, number), cursor, address.id)

    async def wait(self, address: Address, cursor: str, timeout: float) -> bool:
        """See `MailProvider.wait`."""
        if not self.push:
            await asyncio.sleep(timeout)
            return False

        token = ""

        async def credentials(refused: bool) -> dict[str, str]:
            nonlocal token
            token = await self._token(address, refused=token if refused else "")
            return bearer(token)

        return await self._streams.wait(_topic(address), credentials, timeout)

    async def source(self, address: Address, ref: MailRef) -> bytes:
        """See `MailProvider.source`.

        Raises:
            MessageGone: it was deleted, or is larger than any mail that is read.
        """
        number = quote(ref.id, safe="")
        try:
            answer = await self._ask(address, "GET", f"/sources/{number}", limit=SOURCE_LIMIT)
            found = answer.record()
            text = found.get("data")
            # The character that stands for bytes which were no text: only the download has them.
            if isinstance(text, str) and text and "\ufffd" not in text:
                return source_bytes(text)
            link = found.get("downloadUrl")
            path = link if isinstance(link, str) and self._api.reaches(link) else f"/messages/{number}/download"
            download = await self._ask(address, "GET", path, limit=SOURCE_LIMIT)
        except AnswerTooLarge as error:
            raise gone(ref, "is too large to be read") from error
        if download.ok and download.body:
            return download.body
        if isinstance(text, str) and text:
            return source_bytes(text)
        if answer.status in NOT_THERE and download.status in NOT_THERE:
            raise gone(ref, "was deleted")
        raise self._api.unknown(answer if not answer.ok else download, "the source of a message")

    async def delete_message(self, address: Address, ref: MailRef) -> None:
        """See `MailProvider.delete_message`."""
        answer = await self._ask(address, "DELETE", f"/messages/{quote(ref.id, safe='')}")
        if not answer.ok and answer.status not in NOT_THERE:
            raise self._api.unknown(answer, "the removal of a message")

    async def close(self) -> None:
        """See `MailProvider.close`."""
        await self._streams.close()
        await self._api.close()

    async def _page(self, address: Address, number: int) -> Page:
        answer = await self._ask(address, "GET", "/messages", params={"page": str(number)})
        if answer.status in NOT_THERE:
            raise MailboxUnknown(address.address)
        page = read_page(answer.json()) if answer.ok else None
        if page is None:
            raise self._api.unknown(answer, "the list of messages")
        return page

    # --- who asks

    async def _ask(self, address: Address, method: str, path: str, **details: Any) -> Answer:
        """Ask as the account of an address; with a new token when the one at hand is no longer accepted.

        Raises:
            MailProviderRefused: nor is the new one.
            MailDomainNotServed: the address went with its domain.
        """
        # Kept here: another caller may get a new one while this one waits for its answer.
        token = await self._token(address)
        answer = await self._api.ask(method, path, headers=bearer(token), **details)
        if answer.status == 401:
            token = await self._token(address, refused=token)
            answer = await self._api.ask(method, path, headers=bearer(token), **details)
        if answer.status in (401, 403):
            raise MailProviderRefused(self.name, f"the password of {address.address}")
        return answer

    async def _token(self, address: Address, *, refused: str = "") -> str:
        """The token of an address, other than the one that was refused; of several callers at once, one logs in."""
        account = self._accounts.setdefault(address.address, _Account())
        async with account.lock:
            if account.token == refused:
                password = await self._secrets.open(address.secret_ref) if address.secret_ref else ""
                try:
                    await self._log_in(address.address, password)
                except MailProviderRefused:
                    # An account that went with its domain and a wrong password get the same answer.
                    await self._check_domain(address.address)
                    raise
            return account.token

    async def _log_in(self, address: str, password: str) -> _Account:
        answer = await self._api.ask("POST", "/token", body={"address": address, "password": password})
        found = answer.record()
        token = found.get("token")
        if answer.ok and isinstance(token, str) and token:
            account = self._accounts.setdefault(address, _Account())
            account.token = token
            account.id = id_of(answer)
            return account
        if answer.status in (400, 401, 403, 404, 422):
            raise MailProviderRefused(self.name, f"the password of {address}")
        raise self._api.unknown(answer, "a token")

    def _key(self) -> dict[str, str]:
        return {} if self._entry.key is None else bearer(self._entry.key.get_secret_value())


def _topic(address: Address) -> str:
    return f"/accounts/{address.id}"
