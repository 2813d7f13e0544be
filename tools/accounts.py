"""Tools of the auth agent that change which accounts there are. Each asks the person; none takes or gives a secret."""

import json

from google.adk.tools.tool_context import ToolContext

from seezar.accounts import NewAccount
from seezar.fencing import visible
from seezar.files import private_folder, write_private
from seezar.vault.origins import checked_origins
from tools.answers import Answer, answers, call_key
from tools.confirming import unconfirmed
from workflows.client import Client


@answers
async def add_account(
    name: str,
    url: str,
    username: str,
    mailbox: str = "",
    verify_url: str = "",
    tool_context: ToolContext | None = None,
) -> Answer:
    """Add an account without its secrets, which the user gives elsewhere. The user is asked to confirm it.

    Args:
        name: short, lower case.
        url: page of the site where one signs in.
        username: what is typed as user name.
        mailbox: where the site mails codes, if it does.
        verify_url: a page that only a signed-in visitor sees.

    Returns:
        status "added"; `message` says how the user gives password and TOTP key. "rejected" when not confirmed.
    """
    new = NewAccount(name=name, url=url, username=username, mailbox=mailbox or None, verify_url=verify_url or None)
    origins = checked_origins([new.url, new.verify_url or new.url])
    asked = (
        f"Add the account {visible(name)} for the user {visible(username)} at {visible(url)}? Its browser may then "
        f"reach {', '.join(origins)}."
    )
    if refusal := unconfirmed(asked, tool_context):
        return refusal
    async with await Client.connect() as client:
        account = await client.application.add_account(new)
    how = (
        f"Added {account.name}. Its password and TOTP key are not for the chat: type them at a terminal, seezar "
        f"account secrets {account.name}, or send them to PATCH /v1/accounts/{account.name}."
    )
    return {"status": "added", "account": account.name, "origins": list(account.origins), "message": how}


@answers
async def remove_account(account: str, tool_context: ToolContext | None = None) -> Answer:
    """Forget an account with its secrets and session. Only on a clear request of the user, who is asked to confirm it.

    Args:
        account: name of the account.

    Returns:
        status "removed", or "rejected" when the user did not confirm it.
    """
    async with await Client.connect() as client:
        await client.application.accounts.get(account)
        asked = f"Forget the account {account} with its secrets and its session? This cannot be undone."
        if refusal := unconfirmed(asked, tool_context):
            return refusal
        await client.application.accounts.remove(account)
    return {"status": "removed", "account": account, "message": f"Removed {account}. Its mailbox stays."}


@answers
async def export_session(account: str, tool_context: ToolContext | None = None) -> Answer:
    """Write the session of an account into a private file for the user, who is asked to confirm it.

    Args:
        account: name of the account.

    Returns:
        status "exported" with `file`, its path; what is in it is never told. "rejected" when not confirmed.
    """
    async with await Client.connect() as client:
        application = client.application
        await application.accounts.get(account)
        state = await application.sessions.load(account)
        folder = application.settings.home / "exports"
        asked = f"Write the session of {account} into {folder}? Whoever has that file is signed in as {account}."
        if refusal := unconfirmed(asked, tool_context):
            return refusal
        key = call_key(tool_context)
        assert key is not None, "nobody has confirmed a call that has no key"
        # The same call of a resumed turn finds its own file.
        path = private_folder(folder) / f"{account}-{key[-12:]}.json"
        await application.audit.note("session.export", account, format="storage_state")
        write_private(path, (json.dumps(state.storage, indent=2) + "\n").encode())
    return {"status": "exported", "account": account, "file": str(path), "message": f"Wrote it to {path}, mode 0600."}
