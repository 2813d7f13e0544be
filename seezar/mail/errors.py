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
    """The provider does not take mail for the domain."""

    status = "mail_domain_not_served"

    def __init__(self, domain: str, served: Sequence[str]) -> None:
        super().__init__(
            f"Mail for {domain!r} is not received here.",
            next_step=f"Use one of: {', '.join(served)}; or add the domain to SEEZAR_MAIL_DOMAINS.",
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
