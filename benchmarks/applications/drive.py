"""Signs in to a served application through a whole seezar, in every way that its description names."""

import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final

from benchmarks.applications.application import (
    MAIL_DOMAIN,
    OTHER_TOTP_KEY,
    PASSWORD,
    TOTP_KEY,
    Application,
    Login,
)
from seezar.accounts import NewAccount
from workflows.client import Client

_TIMEOUT_S: Final = 240.0


@dataclass(frozen=True)
class Result:
    """How one sign-in ended.

    Attributes:
        case: what was tried: "right", "stored session", "code used before", "wrong password" or "wrong code".
        expected: the status that is right.
        seconds: from the request to the result.
        model_calls: requests to a language model.
        events: what the run's timeline says.
    """

    application: str
    login: str
    case: str
    expected: str
    status: str
    reason: str
    seconds: float
    model_calls: int
    events: list[str] = field(default_factory=list[str])

    @property
    def passed(self) -> bool:
        return self.status == self.expected and self.model_calls == 0


async def drive(client: Client, application: Application, base: str, *, only: str = "") -> AsyncIterator[Result]:
    """Every case of every login, one after another.

    Args:
        base: where the application is served.
        only: drive just the logins whose name holds this.
    """
    for login in application.logins:
        if only in login.name:
            async for result in _drive_login(client, application.name, login, base):
                yield result


async def _drive_login(client: Client, application: str, login: Login, base: str) -> AsyncIterator[Result]:
    name = re.sub(r"[^a-z0-9]+", "-", f"{application} {login.name}".lower())
    right = await _add(client, name, login, base)
    yield await _sign_in(client, right, application, login, "right", "signed_in")
    yield await _sign_in(client, right, application, login, "stored session", "signed_in")
    if login.factor == "totp":
        # Another account for the same user: what seezar remembers of codes it has typed does not help it here.
        again = await _add(client, f"{name}-again", login, base)
        yield await _sign_in(client, again, application, login, "code used before", "signed_in")
    elif login.factor != "none":
        yield await _sign_in(client, right, application, login, "fresh", "signed_in", fresh=True)
    if login.password and login.refused:
        wrong = await _add(client, f"{name}-password", login, base, password="not-this-one 17")
        yield await _sign_in(client, wrong, application, login, "wrong password", login.refused)
    if login.factor == "totp" and login.code_refused:
        wrong = await _add(client, f"{name}-code", login, base, totp=OTHER_TOTP_KEY)
        yield await _sign_in(client, wrong, application, login, "wrong code", login.code_refused)


async def _add(
    client: Client, name: str, login: Login, base: str, *, password: str = PASSWORD, totp: str = TOTP_KEY
) -> str:
    mailbox = login.username if login.username.endswith(f"@{MAIL_DOMAIN}") else None
    if mailbox:
        await client.application.mail.ensure(mailbox)
    account = NewAccount(
        name=name,
        url=base + login.url,
        verify_url=base + login.verify,
        username=login.username,
        password=password if login.password else None,
        totp=totp if login.factor == "totp" else None,
        mailbox=mailbox,
        second_factor=login.factor,
    )
    await client.application.accounts.add(account)
    return name


async def _sign_in(
    client: Client, account: str, application: str, login: Login, case: str, expected: str, *, fresh: bool = False
) -> Result:
    begun = time.monotonic()
    run_id = await client.sign_in(account, fresh=fresh)
    events = [f"{event.step}: {event.message}" async for event in client.follow(run_id, timeout=_TIMEOUT_S)]
    result = await client.result(run_id, timeout=_TIMEOUT_S)
    return Result(
        application,
        login.name,
        case,
        expected,
        status=result["status"],
        reason=result["reason"],
        seconds=round(time.monotonic() - begun, 1),
        model_calls=result.get("model_calls", 0),
        events=events,
    )
