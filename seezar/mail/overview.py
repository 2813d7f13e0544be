"""The table of providers as people see it, and whether each of them answers."""

import asyncio
from dataclasses import dataclass
from time import monotonic
from urllib.parse import urlsplit

from seezar.errors import SeezarError
from seezar.mail.provider import Address
from seezar.mail.service import Mail
from seezar.mail.table import LOCAL

# Seconds that a provider has to answer.
_ANSWER_S = 20.0
_PORTS = {"https": 443, "http": 80, "imaps": 993, "imap": 143}


@dataclass(frozen=True, slots=True)
class ProviderRow:
    """A provider.

    Attributes:
        name: of its entry.
        kind: which module speaks to it.
        where: its address; "" for our own server.
        domains: that it serves, as far as they are known: those of the table, or that it named when it was asked.
        answers: None when it was not asked.
        trouble: why it does not answer; "" otherwise.
        took_s: seconds that the answer took; None when there was none.
    """

    name: str
    kind: str
    where: str
    domains: tuple[str, ...]
    answers: bool | None = None
    trouble: str = ""
    took_s: float | None = None


async def provider_rows(mail: Mail, *, ask: bool) -> list[ProviderRow]:
    """All providers, `local` first.

    Args:
        ask: ask each of them, side by side; otherwise nothing leaves this process.

    Raises:
        SettingsInvalid: the table cannot be read.
    """
    own = ProviderRow(LOCAL, LOCAL, "", tuple(await mail.local.domains()))
    rows = [own, *(ProviderRow(e.name, e.kind, e.url, e.domains) for e in mail.providers.entries())]
    if not ask:
        return rows
    addresses = await mail.addresses()
    return list(await asyncio.gather(*(_asked(mail, row, addresses) for row in rows)))


async def _asked(mail: Mail, row: ProviderRow, addresses: list[Address]) -> ProviderRow:
    """The row with what the provider says: its domains, and to a mailbox there, if we have one."""
    began = monotonic()
    domains = row.domains
    try:
        async with asyncio.timeout(_ANSWER_S):
            domains = tuple(await mail.providers.domains(row.name)) or row.domains
            known = next((a for a in addresses if a.provider == row.name), None)
            # Some make no addresses and so have nothing to be asked for; whoever reads there has to log in.
            if known is not None and row.name != LOCAL:
                await mail.providers.get(row.name).check_address(known)
            elif row.where:
                await _connect(row.where)
    except SeezarError as error:
        return ProviderRow(row.name, row.kind, row.where, domains, False, error.what)
    except TimeoutError:
        return ProviderRow(row.name, row.kind, row.where, domains, False, f"No answer in {_ANSWER_S:.0f} s.")
    except OSError as error:
        said = (error.strerror or type(error).__name__).lower()
        return ProviderRow(row.name, row.kind, row.where, domains, False, f"There is no connection: {said}.")
    return ProviderRow(row.name, row.kind, row.where, domains, True, "", monotonic() - began)


async def _connect(url: str) -> None:
    """Whether anybody is there; no log-in, not a word is said."""
    parts = urlsplit(url)
    _, writer = await asyncio.open_connection(parts.hostname, parts.port or _PORTS.get(parts.scheme, 443))
    writer.close()
    await writer.wait_closed()
