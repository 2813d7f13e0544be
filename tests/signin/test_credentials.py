"""What may be typed comes from the vault, for the origin in front of the driver, and a TOTP code only once."""

import asyncio
from dataclasses import replace

import pytest

from seezar.accounts import Account, Accounts, NewAccount
from seezar.accounts.attempts import Attempts
from seezar.accounts.totp import next_code
from seezar.audit import Audit
from seezar.database import Database
from seezar.errors import OriginNotAllowed, SecretMissing
from seezar.signin import credentials as module
from seezar.signin.credentials import AccountCredentials
from seezar.vault import Cipher, Vault

KEY = "JBSWY3DPEHPK3PXP"
ORIGIN = "https://site.example"
START = 1_700_000_010.0  # a multiple of 30


class Clock:
    """Time that passes only while somebody waits."""

    def __init__(self) -> None:
        self.now = START
        self.waits: list[float] = []

    def time(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds
        await asyncio.tasks.sleep(0)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(module, "asyncio", clock)
    return clock


@pytest.fixture
def vault(database: Database, cipher: Cipher) -> Vault:
    return Vault(database, cipher)


@pytest.fixture
async def account(database: Database, vault: Vault) -> Account:
    await vault.check_key()
    new = NewAccount(name="ops", url=ORIGIN, username="ops", password="geheim-4711", totp=KEY)
    return await Accounts(database, vault).add(new)


@pytest.fixture
def attempts(database: Database, cipher: Cipher) -> Attempts:
    return Attempts(database, cipher)


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def source(
    account: Account, vault: Vault, attempts: Attempts, told: list[str], database: Database
) -> AccountCredentials:
    async def report(step: str, message: str, **_detail: object) -> None:
        told.append(message)

    return AccountCredentials(account, vault, attempts, report, audit=Audit(database, vault.cipher), run_id="run")


async def test_the_password_for_its_origin_only(source: AccountCredentials, database: Database, vault: Vault) -> None:
    assert await source.password(ORIGIN) == "geheim-4711"
    opened, *_ = await Audit(database, vault.cipher).list()
    assert (opened.action, opened.subject, opened.detail["origin"]) == ("secret.open", "ops", ORIGIN)
    assert "geheim" not in str(opened)
    with pytest.raises(OriginNotAllowed):
        await source.password("https://evil.example")


async def test_no_code_for_another_origin_and_none_is_used_up(
    source: AccountCredentials, attempts: Attempts, clock: Clock
) -> None:
    with pytest.raises(OriginNotAllowed):
        await source.totp("https://evil.example")
    assert await attempts.last_totp_step("ops") is None


async def test_a_code_is_noted_and_the_next_one_waited_for(
    source: AccountCredentials, attempts: Attempts, clock: Clock, told: list[str]
) -> None:
    first = await source.totp(ORIGIN)
    assert first == next_code(KEY, now=START).code
    assert (clock.waits, await attempts.last_totp_step("ops")) == ([], int(START // 30))
    second = await source.totp(ORIGIN)
    assert clock.waits == [30.0]
    assert second == next_code(KEY, now=START + 30).code
    assert await attempts.last_totp_step("ops") == int(START // 30) + 1
    assert told == ["Waiting 30 s for the next authenticator code"]
    assert first not in "".join(told)


async def test_in_the_last_seconds_the_next_code_is_waited_for(source: AccountCredentials, clock: Clock) -> None:
    clock.now = START + 28
    assert await source.totp(ORIGIN) == next_code(KEY, now=START + 30).code
    assert clock.waits == [2.0]


async def test_the_clock_of_the_site_is_the_one_that_counts(source: AccountCredentials, clock: Clock) -> None:
    assert await source.totp(ORIGIN, clock_skew=95.0) == next_code(KEY, now=START + 95).code
    assert clock.waits == []


async def test_what_the_account_does_not_have(
    account: Account, vault: Vault, attempts: Attempts, source: AccountCredentials, database: Database
) -> None:
    async def report(step: str, message: str, **_detail: object) -> None: ...

    none = replace(account, password_ref=None, totp_ref=None)
    bare = AccountCredentials(none, vault, attempts, report, audit=Audit(database, vault.cipher), run_id="run")
    with pytest.raises(SecretMissing, match="--password-env"):
        await bare.password(ORIGIN)
    with pytest.raises(SecretMissing, match="--totp-env"):
        await bare.totp(ORIGIN)
