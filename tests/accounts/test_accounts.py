"""Accounts: stored whole or not at all, refused when they cannot be right, removed with their secrets."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from seezar.accounts import Accounts, NewAccount, Runs, Sessions, SessionState
from seezar.database import Database
from seezar.errors import AccountExists, AccountUnknown, InvalidInput, SecretMissing
from seezar.vault import Vault

TOTP = "JBSWY3DPEHPK3PXP"
NEW = NewAccount(
    name="ops",
    url="https://admin.example/login",
    username="Ops@Example",
    password="geheim-4711",
    totp=TOTP,
    mailbox="Ops@mail.seezar.test",
    verify_url="https://app.example/",
    origins=("https://sso.example", "https://app.example"),
)
ORIGINS = ("https://admin.example", "https://app.example", "https://sso.example")


async def rows(database: Database) -> dict[str, int]:
    """How many rows the tables of accounts hold."""
    tables = ("account", "site", "secret", "session")
    counts = [await database.one(f"SELECT count(*) AS n FROM app.{table}") for table in tables]  # noqa: S608
    return {table: count["n"] for table, count in zip(tables, counts, strict=True) if count}


async def test_add_get_list(accounts: Accounts, vault: Vault) -> None:
    added = await accounts.add(NEW)
    assert (added.name, added.start_url, added.verify_url) == ("ops", NEW.url, NEW.verify_url)
    assert added.origins == ORIGINS
    assert (added.username, added.second_factor, added.mailbox) == ("Ops@Example", "totp", "ops@mail.seezar.test")
    assert await accounts.get("ops") == added
    second = await accounts.add(NewAccount(name="a", url="http://127.0.0.1:1/", username="a"))
    assert (second.verify_url, second.second_factor) == ("http://127.0.0.1:1/", "none")
    assert (second.password_ref, second.totp_ref) == (None, None)
    assert await accounts.list() == [second, added]
    assert added.password_ref is not None
    assert added.totp_ref is not None
    for origin in ORIGINS:
        assert await vault.open(added.password_ref, origin=origin) == "geheim-4711"
        assert await vault.open(added.totp_ref, origin=origin) == TOTP


@pytest.mark.parametrize(
    ("given", "factor"),
    [
        ({"totp": None}, "email"),
        ({"totp": None, "mailbox": None}, "none"),
        ({"second_factor": "email"}, "email"),
        ({"second_factor": "link"}, "link"),
        ({"second_factor": "none"}, "none"),
    ],
)
async def test_the_second_factor_follows_from_what_is_given(accounts: Accounts, given: Any, factor: str) -> None:
    assert (await accounts.add(replace(NEW, **given))).second_factor == factor


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"name": ""}, "account name"),
        ({"name": "Ops"}, "account name"),
        ({"name": "-ops"}, "account name"),
        ({"name": "a b"}, "account name"),
        ({"name": "a" * 64}, "account name"),
        ({"name": "ops\n"}, "account name"),
        ({"username": "  "}, "user name is empty"),
        ({"username": "a\0b"}, "user name is not UTF-8"),
        ({"username": "a\udcff"}, "user name is not UTF-8"),
        ({"password": "a\udcff"}, "password is not UTF-8"),
        ({"url": "admin.example"}, "not a web address"),
        ({"url": "https://me:pw@admin.example"}, "must not carry"),
        ({"url": "http://admin.example/login"}, "not encrypted"),
        ({"url": "https://admin.example/\udcff"}, "address is not UTF-8"),
        ({"verify_url": "/dashboard"}, "not a web address"),
        ({"verify_url": "http://app.example/"}, "not encrypted"),
        ({"origins": ("https://ok.example", "http://plain.example")}, "not encrypted"),
        ({"origins": ("javascript:alert(1)",)}, "not a web address"),
        ({"mailbox": "nobody"}, "not a mail address"),
        ({"mailbox": "two words@mail.seezar.test"}, "not a mail address"),
        ({"totp": "not base32!"}, "TOTP key"),
        ({"totp": "otpauth://hotp/x?secret=JBSWY3DPEHPK3PXP&counter=1"}, "TOTP key"),
        ({"totp": None, "second_factor": "totp"}, "needs its key"),
        ({"mailbox": None, "second_factor": "email"}, "needs a mailbox"),
        ({"mailbox": None, "second_factor": "link"}, "needs a mailbox"),
        ({"keep_alive_s": 0}, "keep-alive"),
    ],
)
async def test_what_cannot_be_right_is_refused(accounts: Accounts, database: Database, given: Any, told: str) -> None:
    with pytest.raises(InvalidInput, match=told) as refused:
        await accounts.add(replace(NEW, **given))
    assert not set(await rows(database)) - {"account", "site", "secret", "session"}
    assert set((await rows(database)).values()) == {0}
    for secret in ("geheim", "pw@", TOTP):
        assert secret not in str(refused.value)


async def test_a_taken_name_changes_nothing(accounts: Accounts, vault: Vault, database: Database) -> None:
    first = await accounts.add(NEW)
    before = await rows(database)
    with pytest.raises(AccountExists, match="left as it is"):
        await accounts.add(replace(NEW, url="https://other.example", password="other", totp=None))
    assert await accounts.list() == [first]
    assert await rows(database) == before
    assert await vault.open_local("account/ops/password") == "geheim-4711"


async def test_a_failure_after_the_secrets_leaves_nothing(accounts: Accounts, database: Database) -> None:
    await database.run("ALTER TABLE app.account ADD CHECK (username <> 'Ops@Example')")
    with pytest.raises(Exception, match="violates check constraint"):
        await accounts.add(NEW)
    assert set((await rows(database)).values()) == {0}


async def test_of_two_at_once_one_is_added(accounts: Accounts, vault: Vault) -> None:
    added = [replace(NEW, password=f"password-{n}") for n in range(4)]
    results = await asyncio.gather(*(accounts.add(new) for new in added), return_exceptions=True)
    winners = [n for n, result in enumerate(results) if not isinstance(result, BaseException)]
    assert len(winners) == 1
    assert sum(isinstance(result, AccountExists) for result in results) == 3
    assert await vault.open_local("account/ops/password") == f"password-{winners[0]}"


async def test_unknown_names_are_told_with_the_known_ones(accounts: Accounts) -> None:
    with pytest.raises(AccountUnknown, match="seezar account add"):
        await accounts.get("ops")
    await accounts.add(NEW)
    with pytest.raises(AccountUnknown, match="Known accounts: ops"):
        await accounts.get("opps")
    with pytest.raises(AccountUnknown):
        await accounts.remove("opps")


async def test_removed_with_secrets_session_and_site(
    accounts: Accounts, sessions: Sessions, vault: Vault, database: Database
) -> None:
    await accounts.add(NEW)
    await accounts.add(replace(NEW, name="second"))
    await accounts.add(replace(NEW, name="third", url="https://third.example"))
    await sessions.store("ops", SessionState({}, {}), run_id="r")
    await accounts.remove("ops")
    with pytest.raises(AccountUnknown):
        await accounts.get("ops")
    with pytest.raises(SecretMissing):
        await vault.open_local("account/ops/password")
    assert await vault.open_local("account/second/totp") == TOTP
    assert await rows(database) == {"account": 2, "site": 2, "secret": 4, "session": 0}
    await accounts.remove("second")
    await accounts.remove("third")
    assert set((await rows(database)).values()) == {0}


async def test_adding_to_a_site_while_its_last_account_is_removed(accounts: Accounts, database: Database) -> None:
    """Whatever comes first: nothing fails, and the account that was added has its site."""
    for _ in range(10):
        await accounts.add(NEW)
        await asyncio.gather(accounts.remove("ops"), accounts.add(replace(NEW, name="second")))
        assert (await accounts.get("second")).origins == ORIGINS
        await accounts.remove("second")
    assert set((await rows(database)).values()) == {0}


async def test_no_record_shows_a_secret(accounts: Accounts) -> None:
    account = await accounts.add(NEW)
    state = SessionState({"cookies": [{"value": "geheim"}]}, {"https://a": {"token": "geheim"}}, "agent")
    for record in (NEW, account, state):
        assert "geheim" not in repr(record)
        assert TOTP not in repr(record)


async def test_a_run_that_waits_ends_with_its_account(accounts: Accounts, runs: Runs, database: Database) -> None:
    await accounts.add(NewAccount(name="a", url="https://a.example", username="a"))
    await runs.create("r1", kind="sign_in", account="a")
    await database.run("UPDATE app.run SET question = 'code', status = 'needs_person', asked_at = now()")
    await accounts.remove("a")
    run = await runs.get("r1")
    assert (run.finished, run.status) == (True, "unknown_account")
    assert await runs.open_sign_in("a") is None
