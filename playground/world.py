"""The accounts of the demo world: the one place where their names and secrets are written down.

These are demo secrets of a server that listens on loopback only. They are distinctive on purpose: a search of
databases, logs and traces for them finds a leak and nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

type SecondFactor = Literal["none", "email", "totp", "link"]


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """An identity on one site of the playground.

    Attributes:
        name: of the account in seezar.
        shape: of the site, see `playground.shapes`; also the prefix of its paths.
        username: what is typed in the username field.
        password: what is typed in the password field.
        second_factor: what the site asks for after the password.
        totp_secret: base32, for `second_factor="totp"`.
        mailbox: where the site mails its codes or links, for `second_factor="email"` and `"link"`.
    """

    name: str
    shape: str
    username: str
    password: str = field(repr=False)
    second_factor: SecondFactor = "none"
    totp_secret: str | None = field(default=None, repr=False)
    mailbox: str | None = None

    def url(self, base: str) -> str:
        """The sign-in page; `base` is the playground's `base_url`."""
        return f"{base.rstrip('/')}/{self.shape}/login"

    def verify_url(self, base: str) -> str:
        """A page that only a signed-in user sees; others are redirected to the sign-in page."""
        return f"{base.rstrip('/')}/{self.shape}/dashboard"

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every string of this account that must appear nowhere outside this module and the vault."""
        return (self.password, self.totp_secret) if self.totp_secret else (self.password,)


DEMO_MAIL = DemoAccount(
    name="demo-mail",
    shape="mail",
    username="ops@harbor.test",
    password="Quartz-Mooring-7719-halyard!",
    second_factor="email",
    mailbox="demo-mail@mail.seezar.test",
)
DEMO_TOTP = DemoAccount(
    name="demo-totp",
    shape="totp",
    username="ops.ledgerline",
    password="Umber-Ledger-4482-tramway?",
    second_factor="totp",
    totp_secret="QZ7LEDGERX5TRAMWAY3UMBERVAULTS2K",
)
DEMO_PASSWORD = DemoAccount(
    name="demo-password",
    shape="plain",
    username="ops@fieldnote.test",
    password="Saffron-Meadow-3305-kestrel+",
)

DEMO_METRICS = DemoAccount(
    name="demo-metrics",
    shape="metrics",
    username="ops@waypost.test",
    password="Indigo-Milestone-5528-lantern=",
    second_factor="totp",
    totp_secret="MT4WAYPOSTX6LANTERN3INDIGOQRIDGE",
)

DEMO_ACCOUNTS: tuple[DemoAccount, ...] = (DEMO_MAIL, DEMO_TOTP, DEMO_PASSWORD)
"""One of each kind of sign-in."""
ALL_ACCOUNTS: tuple[DemoAccount, ...] = (*DEMO_ACCOUNTS, DEMO_METRICS)
"""These, and the one with much to read behind its login."""


def demo_accounts(mail_domain: str, accounts: Sequence[DemoAccount] = DEMO_ACCOUNTS) -> tuple[DemoAccount, ...]:
    """The accounts with their mailboxes on `mail_domain`, for a seezar that serves another domain than the default."""
    return tuple(
        replace(account, mailbox=f"{account.mailbox.partition('@')[0]}@{mail_domain}") if account.mailbox else account
        for account in accounts
    )
