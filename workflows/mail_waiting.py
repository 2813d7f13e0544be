"""The mail that a sign-in waits for: where in the mailbox it begins, whether it is there, and asking for it again."""

import asyncio
import time
from typing import Any

from dbos import DBOS

from seezar.accounts.records import Account
from seezar.mail.errors import MailboxUnknown, MailProviderUnavailable
from seezar.mail.provider import Address
from seezar.mail.service import Mail
from seezar.mail.table import LOCAL
from seezar.signin.lives import site_host
from seezar.telemetry.spans import spans, traced
from workflows.names import mail_topic
from workflows.runtime import runtime
from workflows.steps import PATIENT, reporter
from workflows.taking import deadline_of

# Seconds between two looks into the mailbox when no wake-up arrives.
_LOOK_AGAIN = 5.0
# The mail that did not come is asked for again after a third of the time that it may take, and not sooner than this.
# Many sites let one do so only after a while: the page is looked at again each time that so many seconds have passed.
_ASK_AGAIN = 15.0
# How long a provider that does not answer is asked again, in seconds: longer than a restart or a pause for asking too
# often, and short beside the deadline of a run.
_PATIENCE_S = 20.0
_PAUSES_S = (0.5, 1.0, 2.0, 4.0)


async def mail_cursor(mail: Mail, account: Account, deadline: float) -> str | None:
    """The position behind the newest message; None where no mail is waited for.

    Without it the site would be given a password with no hope of the code that follows, and some lock an account after
    a few of these.

    Args:
        deadline: of the run, epoch seconds.

    Raises:
        MailProviderUnavailable: the provider of the mailbox has not answered for a while.
        MailProviderRefused, MailProviderUnknown, SecretMissing, SettingsInvalid, MailboxUnknown: it cannot be asked.
    """
    if account.mailbox is None:
        return None
    mailbox = await mail.address(account.mailbox)
    if mailbox.provider == LOCAL:
        return await mail.cursor(mailbox)
    if account.second_factor == "totp":
        return None
    patience = min(_PATIENCE_S, max(0.1, deadline - time.time()))
    try:
        async with asyncio.timeout(patience):
            return await _patiently(mail, mailbox)
    except TimeoutError:
        raise MailProviderUnavailable(mailbox.provider, f"no answer within {patience:.0f} s") from None


async def _patiently(mail: Mail, mailbox: Address) -> str:
    for pause in (*_PAUSES_S, None):
        try:
            return await mail.cursor(mailbox)
        except MailProviderUnavailable:
            if pause is None:
                raise
            await asyncio.sleep(pause)
    raise AssertionError("the last look returns or raises")


async def await_mail(run_id: str, account: str, attempt: int, deadline: float, link: bool) -> str | None:
    """Wait until the mail of an attempt is there; its handle, or None when its time is over. Part of a workflow."""
    asked, began = 0, time.time_ns()
    while True:
        found = await find_mail(run_id, account, attempt, deadline, link, asked)
        if found["handle"] or found["expired"]:
            spans.past("mail.wait", began=began)
            return found["handle"]
        # Rows of an older version have no such word.
        if found.get("ask_again"):
            asked += 1
            await ask_again(run_id, account, attempt, deadline)
            continue
        # The message is a wake-up only; what counts is what lies in the mailbox.
        await DBOS.recv_async(topic=mail_topic(attempt), timeout_seconds=found["wait"])


@traced("mail.look")
async def arrived(run_id: str, account: str, attempt: int, *, link: bool) -> str | None:
    """The handle of the mail that an attempt waits for, if it is there."""
    app = runtime().application
    record = await app.accounts.get(account)
    attempts = {a.number: a for a in await app.attempts.all(run_id)}
    since = attempts[attempt].mail_since
    # Without a cursor nothing tells the answer from what lay in the mailbox before.
    if record.mailbox is None or since is None:
        return None
    look = app.mailboxes.has_link if link else app.mailboxes.has_code
    arrival = await look(record.mailbox, since=since, site=site_host(record))
    if arrival is None:
        return None
    await app.runs.event(run_id, "mail", f"A {'link' if link else 'code'} from {arrival.sender} arrived")
    return arrival.handle


@DBOS.step(**PATIENT)
async def find_mail(
    run_id: str, account: str, attempt: int, deadline: float, link: bool, asked: int = 0
) -> dict[str, Any]:
    """Look for the mail of this attempt: its handle, or how many seconds to wait before looking again.

    Args:
        asked: how often the page was looked at for a way to have the mail sent again.
    """
    app = runtime().application
    record = await app.accounts.get(account)
    if record.mailbox is None:
        return {"handle": None, "expired": True, "wait": 0.0}
    try:
        handle = await arrived(run_id, account, attempt, link=link)
        if handle is not None:
            return {"handle": handle, "expired": False, "wait": 0.0}
        # After the look, which is what the mail waits for; what is fetched from here on wakes the run.
        await runtime().followers.begin(record.mailbox)
    except MailboxUnknown:
        return {"handle": None, "expired": True, "wait": 0.0}
    this = next(a for a in await app.attempts.all(run_id) if a.number == attempt)
    if this.mail_since is None:
        return {"handle": None, "expired": True, "wait": 0.0}
    began, now = this.started_at.timestamp(), time.time()
    left = min(await deadline_of(run_id, deadline), began + app.settings.mail_timeout) - now
    wait = min(_LOOK_AGAIN, left)
    ask = False
    if not this.mail_asked_again:
        due = began + max(app.settings.mail_timeout / 3, _ASK_AGAIN) + asked * _ASK_AGAIN - now
        ask, wait = due <= 0 < left, min(wait, due)
    return {"handle": None, "expired": left <= 0, "wait": max(0.1, wait), "ask_again": ask}


@DBOS.step()
async def ask_again(run_id: str, account: str, attempt: int, deadline: float) -> None:
    """Nothing came: have the site send its mail once more, where its page offers that."""
    app = runtime().application
    record = await app.accounts.get(account)
    deadline = await deadline_of(run_id, deadline)
    await runtime().lives.ask_again(run_id, attempt, record, reporter(run_id), deadline=deadline)
