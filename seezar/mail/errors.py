"""What can go wrong with mail. `seezar.errors.PortTaken` and `DatabaseUnavailable` are raised here too."""

from collections.abc import Sequence
from datetime import datetime

from seezar.errors import SeezarError


class MailError(SeezarError):
    """Base of the mail errors."""

    status = "mail_error"


class MailboxTaken(MailError):
    """The address is already a mailbox."""

    status = "mailbox_taken"

    def __init__(self, address: str) -> None:
        super().__init__(
            f"The mailbox {address} exists already.",
            kept="It was not changed.",
            next_step="Use it as it is, or choose another name.",
        )


class MailboxUnknown(MailError):
    """No mailbox of this address."""

    status = "unknown_mailbox"

    def __init__(self, address: str) -> None:
        super().__init__(f"There is no mailbox {address}.", next_step="Make it with: seezar mail new")


class MailDomainNotServed(MailError):
    """The provider does not take mail for the domain, or not any more.

    Args:
        domain: or the address, where not all of a domain are taken; "" when none was named.
        served: what it does take mail for.
        provider: which one; "" = none that there is.
    """

    status = "mail_domain_not_served"

    def __init__(self, domain: str, served: Sequence[str], provider: str = "") -> None:
        if not served:
            step = "No new address is made there: attach one that exists (seezar mail add), or use another provider."
        elif provider:
            step = f"Make a mailbox on one of: {', '.join(served)}; or use another provider."
        else:
            step = (
                f"Use one of: {', '.join(served)}; or add the domain to SEEZAR_MAIL_DOMAINS, "
                "or its provider to mail.toml (see docs/mail.md)."
            )
        if not provider:
            what = f"Mail for {domain!r} is not received here."
        elif domain:
            what = f"The mail provider {provider} takes no mail for {domain!r}."
        else:
            what = f"The mail provider {provider} makes no addresses."
        super().__init__(
            what,
            kept="Stored mail and mailboxes are not touched.",
            next_step=step,
        )


class MailNotReceived(MailError):
    """No message matched until the deadline."""

    status = "mail_not_received"
    retryable = True

    def __init__(self, address: str, deadline: datetime) -> None:
        super().__init__(
            f"No matching mail reached {address} until {deadline.isoformat(timespec='seconds')}.",
            kept="Mail that comes later is still stored.",
            next_step="Ask the site to send it again, and check that it knows this address.",
        )


class MessageGone(MailError):
    """The message was deleted, or the handle is not one of ours."""

    status = "message_gone"


class MailProviderUnknown(MailError):
    """No entry of this name in the configuration table."""

    status = "unknown_mail_provider"

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(
            f"There is no mail provider {name!r}.",
            kept="Nothing was made.",
            next_step=f"Known: {', '.join(known)}. Others are added in mail.toml (see docs/mail.md).",
        )


class MailProviderRefused(MailError):
    """The provider does not accept the key or password."""

    status = "mail_provider_refused"

    def __init__(self, provider: str, what: str) -> None:
        super().__init__(
            f"The mail provider {provider} refused {what}.",
            kept="Stored mail and mailboxes are not touched.",
            next_step="Correct the key or password (seezar mail new|add, mail.toml) and try again.",
        )


class MailProviderUnavailable(MailError):
    """The provider does not answer, answers with an error, or asks to be left alone for a while."""

    status = "mail_provider_unavailable"
    retryable = True

    def __init__(self, provider: str, what: str) -> None:
        super().__init__(
            f"The mail provider {provider} cannot be used now: {what}.",
            kept="Stored mail is not touched; what arrives there is fetched later.",
            next_step="Check its address in mail.toml and the network, or try again in a while.",
        )


class MailQuotaFull(MailError):
    """The provider takes no more addresses or messages from us."""

    status = "mail_quota_full"

    def __init__(self, provider: str, what: str) -> None:
        super().__init__(
            f"The mail provider {provider} has no room left: {what}.",
            kept="Stored mail is not touched.",
            next_step="Delete messages or mailboxes there (seezar mail delete), or use another provider.",
        )


class MailNotSent(MailError):
    """An SMTP server did not take a test mail."""

    status = "mail_not_sent"

    def __init__(self, server: str, what: str) -> None:
        super().__init__(
            f"The mail server {server} {what}.",
            kept="No mail was sent.",
            next_step="Check the address, the server (--smtp) and its --user and --password-env.",
        )


class MailServerUnreachable(MailError):
    """There is no connection to an SMTP server, or it broke off."""

    status = "mail_server_unreachable"
    retryable = True

    def __init__(self, server: str, what: str) -> None:
        super().__init__(
            f"There is no connection to the mail server {server}: {what}.",
            kept="No mail was sent.",
            next_step="Check host and port (--smtp), and that it runs; ours runs in the worker (seezar status).",
        )


class MailMisread(MailError):
    """A test mail arrived, and was not read as it was written."""

    status = "mail_misread"

    def __init__(self, address: str, kind: str) -> None:
        super().__init__(
            f"The test mail reached {address}, but its {kind} was not read right.",
            kept="The mail stays in the mailbox.",
            next_step="Look at the raw mail: something on its way has changed it.",
        )
