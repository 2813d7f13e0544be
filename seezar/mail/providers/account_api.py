"""What the APIs of Mail.tm and SMTP.dev have in common: domains, accounts, where events come from."""

from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import urlsplit

from seezar.domains import normal_host, registrable_domain
from seezar.errors import InvalidInput
from seezar.mail.errors import MailDomainNotServed, MailProviderRefused, MailQuotaFull, MessageGone
from seezar.mail.provider import MailRef
from seezar.mail.providers.http import Answer, HttpApi
from seezar.mail.providers.listing import members
from seezar.mail.table import ProviderEntry

# A message of ten megabytes, its characters escaped in JSON.
SOURCE_LIMIT = 24 * 1024 * 1024
NOT_THERE = (404, 410)
_MOST_PAGES = 20


async def list_domains(api: HttpApi, entry: ProviderEntry, headers: Mapping[str, str]) -> list[str]:
    """The domains that are open to new addresses; private ones only where the entry names them.

    Raises:
        MailProviderRefused: the API key is not accepted.
        MailProviderUnavailable: the list cannot be had.
    """
    found: list[str] = []
    read = 0
    for number in range(1, _MOST_PAGES):
        answer = await api.ask("GET", "/domains", params={"page": str(number)}, headers=headers)
        if answer.status in (401, 403):
            raise MailProviderRefused(api.name, "the API key")
        payload = answer.json()
        rows = members(payload) if answer.ok else None
        if rows is None:
            raise api.unknown(answer, "the list of its domains")
        fresh = [host for row in rows if (host := _open_domain(row, entry)) and host not in found]
        found += fresh
        read += len(rows)
        record = answer.record()
        total = record.get("hydra:totalItems", record.get("totalItems"))
        if not fresh or (isinstance(total, int) and read >= total):
            break
    return found


def _open_domain(row: Mapping[str, Any], entry: ProviderEntry) -> str | None:
    host = normal_host(str(row.get("domain", "")))
    if host is None or row.get("isActive") is False:
        return None
    return None if row.get("isPrivate") is True and host not in entry.domains else host


async def check_domain(api: HttpApi, entry: ProviderEntry, headers: Mapping[str, str], address: str) -> None:
    """Make sure that the domain of an address is one that the provider takes mail for.

    Raises:
        MailDomainNotServed: it is not, or not any more.
        MailProviderRefused, MailProviderUnavailable: as `list_domains`.
    """
    domain = address.rpartition("@")[2]
    served = await list_domains(api, entry, headers)
    if domain not in served:
        raise MailDomainNotServed(domain, served, api.name)


def check_room(api: HttpApi, address: str, account: Mapping[str, Any]) -> None:
    """Make sure that the account of an address takes mail.

    Raises:
        MailQuotaFull: its quota is used up.
    """
    quota, used = account.get("quota"), account.get("used")
    if isinstance(quota, int) and isinstance(used, int) and 0 < quota <= used:
        raise MailQuotaFull(api.name, f"the mailbox {address} is full")


def not_taken(api: HttpApi, address: str) -> InvalidInput:
    """The error for an address that is refused for what it is."""
    return InvalidInput(
        f"The mail provider {api.name} does not take {address} as a new address.",
        kept="Nothing was made.",
        next_step="Choose another name.",
    )


def push_url(url: str) -> str:
    """Where the events of a provider come from when nobody says so."""
    domain = registrable_domain(urlsplit(url).hostname or "")
    if domain in ("mail.tm", "smtp.dev"):
        return f"https://mercure.{domain}/.well-known/mercure"
    return f"{url}/.well-known/mercure"


def no_room(answer: Answer) -> bool:
    """Whether a new address is refused because there are too many, and not for what it is."""
    if answer.status in (403, 409):
        return answer.mentions("quota", "limit")
    return answer.status == 402 or (answer.status == 422 and answer.mentions("quota"))


def bearer(token: str) -> dict[str, str]:
    """The header that shows a token."""
    return {"authorization": f"Bearer {token}"}


def id_of(answer: Answer) -> str:
    """The id of the one record that was answered; "" when there is none."""
    return id_in(answer.record())


def id_in(record: Mapping[str, Any]) -> str:
    """The id of a record; "" when there is none."""
    number = record.get("id")
    return str(number) if isinstance(number, str | int) and not isinstance(number, bool) else ""


def records(value: Any) -> list[dict[str, Any]]:
    """The objects of a JSON list."""
    entries = cast("list[Any]", value) if isinstance(value, list) else []
    return [cast("dict[str, Any]", entry) for entry in entries if isinstance(entry, dict)]


def gone(ref: MailRef, why: str) -> MessageGone:
    """The error for a message that cannot be had any more."""
    return MessageGone(f"Message {ref.id} {why}.", next_step="Ask the site to send a new one.")
