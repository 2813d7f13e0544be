"""Tools of the mail agent: envelopes and handles, never the text of a message, never a code."""

from urllib.parse import urlsplit

from seezar.application import Application
from tools.answers import Answer, answers, iso
from workflows.client import Client


@answers
async def create_mailbox(address: str = "") -> Answer:
    """Create a mailbox that can receive codes.

    Args:
        address: wanted address or the part before the @; empty for a random readable one.

    Returns:
        status "created" and `address`.
    """
    local, _, domain = address.strip().partition("@")
    async with await Client.connect() as client:
        made = await client.application.mailboxes.create(local or None, domain=domain or None)
    return {"status": "created", "address": made.address}


@answers
async def list_mailboxes() -> Answer:
    """List the mailboxes there are.

    Returns:
        status "ok" and `mailboxes`: each with address, account ("" when no account uses it) and created_at.
    """
    async with await Client.connect() as client:
        addresses = await client.application.mailboxes.list()
        users = {account.mailbox: account.name for account in await client.application.accounts.list()}
    rows = [
        {"address": a.address, "account": users.get(a.address, ""), "created_at": iso(a.created_at)} for a in addresses
    ]
    return {"status": "ok", "mailboxes": rows}


@answers
async def latest_message(mailbox: str) -> Answer:
    """Tell who sent the newest message of a mailbox and what about; codes in the subject are masked.

    Args:
        mailbox: a mail address, or the name of an account that has a mailbox.

    Returns:
        status "ok" with address, sender, subject and received_at, or "no_message".
    """
    async with await Client.connect() as client:
        address, _ = await _resolve(client.application, mailbox)
        message = await client.application.mailboxes.latest(address) if address else None
    if not address:
        return _without_mailbox(mailbox)
    if message is None:
        return {"status": "no_message", "address": address, "message": f"Nothing has arrived at {address}."}
    return {
        "status": "ok",
        "address": address,
        "sender": message.sender,
        "subject": message.subject,
        "received_at": iso(message.received_at),
    }


@answers
async def code_arrived(mailbox: str) -> Answer:
    """Tell whether a message with a code arrived in a mailbox. The code itself is never shown.

    Args:
        mailbox: a mail address, or the name of an account that has a mailbox.

    Returns:
        status "arrived" with handle, sender and received_at of the newest one, or "not_arrived". The handle stands for
        the code; only the worker can open it.
    """
    async with await Client.connect() as client:
        address, site = await _resolve(client.application, mailbox)
        arrival = await client.application.mailboxes.has_code(address, site=site) if address else None
    if not address:
        return _without_mailbox(mailbox)
    if arrival is None:
        return {"status": "not_arrived", "address": address, "message": f"No code has arrived at {address}."}
    return {
        "status": "arrived",
        "address": address,
        "handle": arrival.handle,
        "sender": arrival.sender,
        "received_at": iso(arrival.received_at),
    }


async def _resolve(application: Application, mailbox: str) -> tuple[str, str | None]:
    """The address and, for an account, the host of its site."""
    if "@" in mailbox:
        return mailbox, None
    account = await application.accounts.get(mailbox)
    return account.mailbox or "", urlsplit(account.start_url).hostname


def _without_mailbox(account: str) -> Answer:
    return {
        "status": "no_mailbox",
        "message": f"The account {account} has no mailbox. Set one with seezar account add --mailbox.",
    }
