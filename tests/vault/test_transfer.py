"""Accounts as an encrypted file: what comes out goes in, all of it or nothing, and nothing without the passphrase."""

import json
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pyrage
import pytest

from seezar.accounts import NewAccount, SessionState
from seezar.accounts.transfer import Bundle, Transfer, seal, unseal
from seezar.application import Application
from seezar.audit.verifying import verify
from seezar.errors import AccountUnknown, InvalidInput, PassphraseWrong, TransferUnusable
from seezar.settings import Settings

WORDS = "correct horse battery"
OPS = NewAccount(
    name="ops",
    url="https://a.example/login",
    username="ops@a.example",
    password="geheim-4711",
    totp="JBSWY3DPEHPK3PXP",
    verify_url="https://a.example/home",
    origins=("https://login.a.example",),
    second_factor="totp",
    keep_alive_s=900,
    hosts=("cdn.example.net",),
)
ELSEWHERE = NewAccount(
    name="far", url="https://b.example", username="far", password_source="vault:secret/data/far#password",
    mailbox="far@mail.seezar.test",
)  # fmt: skip
STATE = SessionState({"cookies": [{"name": "sid", "value": "kuchen-0815"}]}, {"https://a.example": {"k": "v"}})


@pytest.fixture
async def application(settings: Settings, database_url: str) -> AsyncIterator[Application]:
    async with await Application.open(settings, database_url, application_name="seezar-test") as opened:
        await opened.accounts.add(OPS)
        await opened.accounts.add(ELSEWHERE)
        await opened.sessions.store("ops", STATE, run_id="run-1")
        yield opened


def transfer(app: Application) -> Transfer:
    return Transfer(app.database, app.vault, app.accounts, app.sessions, app.audit)


async def everything(app: Application) -> list[Any]:
    accounts = await app.accounts.list()
    stored = [
        (await app.vault.stored(reference)).__dict__
        for account in accounts
        for reference in (account.password_ref, account.totp_ref)
        if reference
    ]
    sessions = [(await app.sessions.load(info.account)).to_json() for info in await app.sessions.list()]
    return [*(replace(account, created_at=accounts[0].created_at) for account in accounts), *stored, *sessions]


async def test_what_comes_out_goes_in_again(application: Application) -> None:
    before = await everything(application)
    blob = seal(await transfer(application).collect(sessions=True), WORDS)
    for word in (b"geheim", b"kuchen", b"a.example", b"JBSWY3DP"):
        assert word not in blob
    for name in ("ops", "far"):
        await application.accounts.remove(name)
    done = await transfer(application).bring_in(unseal(blob, WORDS), replace=False)
    assert (done.added, done.replaced, done.left, done.sessions) == (("far", "ops"), (), (), ("ops",))
    after = await everything(application)
    assert [replace(a, created_at=before[0].created_at) for a in after[:2]] + after[2:] == before
    assert await application.vault.open("account/ops/password", origin="https://login.a.example") == "geheim-4711"
    verdict = await verify(application.audit)
    assert verdict.intact
    written = [(entry.action, entry.subject) for entry in await application.audit.list(limit=5)]
    assert written == [
        ("vault.import", None),
        ("session.store", "ops"),
        ("account.add", "ops"),
        ("account.add", "far"),
        ("account.remove", "far"),
    ]
    rows = await application.database.all("SELECT detail::text AS detail FROM app.audit")
    assert not any(word in row["detail"] for row in rows for word in ("geheim", "kuchen", "JBSWY3DP"))


async def test_only_what_was_named_and_no_sessions_unasked(application: Application) -> None:
    bundle = unseal(seal(await transfer(application).collect(["ops"]), WORDS), WORDS)
    assert [account.name for account in bundle.accounts] == ["ops"]
    assert bundle.sessions == {}
    assert bundle.accounts[0].password == "geheim-4711"
    with pytest.raises(AccountUnknown, match="nobody"):
        await transfer(application).collect(["ops", "nobody"])


async def test_names_that_are_taken_are_left_or_replaced(application: Application) -> None:
    newer = replace(OPS, username="newer", password="anders", second_factor="none", totp=None)
    bundle = Bundle(unseal(seal(await transfer(application).collect(), WORDS), WORDS).taken_at, (newer,), {})
    before = await everything(application)
    done = await transfer(application).bring_in(bundle, replace=False)
    assert (done.added, done.left) == ((), ("ops",))
    assert await everything(application) == before

    looked = await transfer(application).bring_in(bundle, replace=True, dry_run=True)
    assert (looked.added, looked.replaced, looked.left) == ((), ("ops",), ())
    assert await everything(application) == before
    assert not any(entry.action == "account.add" for entry in await application.audit.list(limit=2))

    assert await transfer(application).bring_in(bundle, replace=True) == looked
    account = await application.accounts.get("ops")
    assert (account.username, account.totp_ref) == ("newer", None)
    assert await application.vault.open_local("account/ops/password") == "anders"
    # It belonged to the account that was.
    assert await application.sessions.info("ops") is None


async def test_all_or_nothing(application: Application) -> None:
    taken = unseal(seal(await transfer(application).collect(), WORDS), WORDS)
    bad = replace(OPS, name="zuletzt", totp="not base32!")
    before = await everything(application)
    for replacing in (False, True):
        with pytest.raises(InvalidInput, match="TOTP"):
            await transfer(application).bring_in(
                replace(taken, accounts=(replace(OPS, name="another"), replace(OPS, username="x"), bad)),
                replace=replacing,
            )
    assert await everything(application) == before


async def test_without_the_passphrase_there_is_nothing(application: Application) -> None:
    blob = seal(await transfer(application).collect(), WORDS)
    for wrong in ("", "correct horse batterx", WORDS + " "):
        with pytest.raises(PassphraseWrong, match="not the one"):
            unseal(blob, wrong)
    assert PassphraseWrong.status == "passphrase_wrong"


async def test_a_file_that_is_cut_off_or_changed(application: Application) -> None:
    blob = seal(await transfer(application).collect(), WORDS)
    for damaged in (b"", b"hello", blob[:20], blob[:60], blob[:-1], blob + b"x", blob[:-1] + bytes([blob[-1] ^ 1])):
        with pytest.raises(TransferUnusable) as told:
            unseal(damaged, WORDS)
        assert not isinstance(told.value, PassphraseWrong)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": 2}, "format 2"),
        ({"kind": "other"}, "something else"),
        ({"accounts": None}, "damaged"),
        ({"accounts": [{}]}, "damaged"),
        ({"accounts": [{"name": "x"}]}, "damaged"),
        ({"sessions": []}, "damaged"),
        ({"sessions": {"ops": {}}}, "damaged"),
        ({"taken_at": "yesterday"}, "damaged"),
    ],
)
async def test_another_version_and_other_content(application: Application, change: dict[str, Any], said: str) -> None:
    age: Any = pyrage
    content = json.loads(age.passphrase.decrypt(seal(await transfer(application).collect(), WORDS), WORDS))
    with pytest.raises(TransferUnusable, match=said) as told:
        unseal(age.passphrase.encrypt(json.dumps(content | change).encode(), WORDS), WORDS)
    assert "geheim" not in str(told.value)


def test_what_something_else_has_encrypted() -> None:
    age: Any = pyrage
    for content in (b"\xff\xfe", b"[]", b"{}", b"1", os.urandom(100)):
        with pytest.raises(TransferUnusable):
            unseal(age.passphrase.encrypt(content, WORDS), WORDS)


@pytest.mark.timeout(30)
def test_a_file_cannot_make_us_count_for_hours() -> None:
    age: Any = pyrage
    blob = age.passphrase.encrypt(b"{}", WORDS)
    head, _, rest = blob.partition(b"\n-> scrypt ")
    salt, _, rest = rest.partition(b" ")
    _, _, rest = rest.partition(b"\n")
    with pytest.raises(TransferUnusable):
        unseal(head + b"\n-> scrypt " + salt + b" 40\n" + rest, WORDS)


@pytest.mark.parametrize("weak", ["", "short", "aaaaaaaaaaaaaaaaaa", "121212121212", "elevensigns"])
async def test_a_weak_passphrase_is_refused(application: Application, weak: str) -> None:
    with pytest.raises(InvalidInput, match="too weak"):
        seal(await transfer(application).collect(), weak)
