"""The master key is exchanged while everything runs, wherever it is killed, and no encrypted column is forgotten."""

import asyncio
import base64
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from seezar.accounts import SessionState
from seezar.application import Application
from seezar.database import Database
from seezar.errors import KeyUnusable, RotationUnfinished
from seezar.settings import Settings
from seezar.vault import Cipher
from seezar.vault.cipher import Sealed
from seezar.vault.columns import COLUMNS, SESSION
from seezar.vault.keys import Keyring, MasterKey, key_file, load_keyring, read_key_file, write_key_file
from seezar.vault.proofs import stored_keys
from seezar.vault.rewrapping import key_uses
from seezar.vault.rotation import Rotation, drop_key
from tests.vault.filled import check, fill

# Columns of bytes that hold nothing encrypted.
PLAIN = {
    "app.secret.ciphertext",  # under the data key of wrapped_key
    "app.master_key.proof",  # one for each key
    "app.audit.mac",
    "app.signing_key.public_key",
    "app.refresh_token.digest",
    "app.mail_token.digest",
    "knowledge.document.digest",
    "app.extraction_page.digest",
    "app.extraction_page.content",
    "app.action_recipe.words",
    "app.action_recipe.element",
}


@pytest.fixture
async def application(settings: Settings, database_url: str) -> AsyncIterator[Application]:
    async with await Application.open(settings, database_url, application_name="seezar-test") as opened:
        yield opened


def rotation(application: Application, *, settle_s: float = 0.0) -> Rotation:
    return Rotation(application.settings, application.database, settle_s=settle_s)


async def reopened(application: Application) -> Application:
    """As another process would open it."""
    return await Application.open(application.settings, application.database.url, application_name="seezar-test")


async def test_every_encrypted_column_is_known_and_guarded(database: Database) -> None:
    rows = await database.all(
        "SELECT table_schema || '.' || table_name || '.' || column_name AS name FROM information_schema.columns"
        " WHERE data_type = 'bytea' AND table_schema NOT IN ('pg_catalog', 'information_schema')"
    )
    known = {f"{column.table}.{column.name}" for column in COLUMNS}
    assert {row["name"] for row in rows} - PLAIN == known
    guards = await database.all(
        "SELECT tgrelid::regclass::text AS name, tgargs AS of FROM pg_trigger WHERE tgname ~ '^key_stands'"
    )
    guarded = {f"{row['name']}.{bytes(row['of']).rstrip(b'\0').decode() or 'wrapped_key'}" for row in guards}
    assert guarded == known


async def test_everything_opens_under_the_new_key_alone(application: Application) -> None:
    filled = await fill(application)
    old = application.cipher.keyring.current
    uses = await key_uses(application.database, application.cipher)
    assert [(use.key_id, use.known, use.current, use.retired) for use in uses] == [(old.key_id, True, True, False)]
    assert set(uses[0].values) == {f"{column.table}.{column.name}" for column in COLUMNS}

    done = await rotation(application).rotate()
    assert (done.finished, done.retired) == (True, (old.key_id,))
    assert done.values == sum(uses[0].values.values())
    # A process that was open all along needs no restart.
    assert application.cipher.key_id == done.key_id != old.key_id
    await check(application, filled)
    drop_key(application.settings, await stored_keys(application.database), old.key_id)
    assert [key.key_id for key in read_key_file(key_file(application.settings))] == [done.key_id]
    assert key_file(application.settings).stat().st_mode & 0o777 == 0o600
    async with await reopened(application) as other:
        await check(other, filled)
        uses = await key_uses(other.database, other.cipher)
    assert [(use.key_id, use.known, use.retired, bool(use.values)) for use in uses] == [
        (done.key_id, True, False, True),
        (old.key_id, False, True, False),
    ]


async def test_values_of_an_older_version_are_taken_along(application: Application) -> None:
    await fill(application)
    key = application.cipher.keyring.current
    # As blobs were before they named their key.
    await application.database.run("UPDATE app.session SET state = '\\x01'::bytea || substring(state FROM 10)")
    before = await application.sessions.load("ops")
    uses = await key_uses(application.database, application.cipher)
    assert [use.values for use in uses if not use.key_id] == [{"app.session.state": 1}]
    await rotation(application).rotate()
    drop_key(application.settings, await stored_keys(application.database), key.key_id)
    assert await application.sessions.load("ops") == before


async def test_a_second_rotation_begins_anew(application: Application) -> None:
    filled = await fill(application)
    ids = {application.cipher.key_id}
    for _ in range(2):
        ids.add((await rotation(application).rotate()).key_id)
    assert len(ids) == 3
    await check(application, filled)
    assert list((await stored_keys(application.database)).values()) == [True, True, False]


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from seezar.database import Database
from seezar.settings import Settings
from seezar.vault.rotation import Rotation
home, url, kill_at = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
times = 0
def on_values(_):
    global times
    times += 1
    if times > kill_at:
        os.kill(os.getpid(), signal.SIGKILL)
async def main():
    async with await Database.open(url, application_name="seezar-test") as database:
        settings = Settings(home=home, _env_file=None)
        await Rotation(settings, database, on_values=on_values, settle_s=0.0).rotate()
asyncio.run(main())
"""


@pytest.mark.parametrize("kill_at", [0, 1, 7, 9, 12])
async def test_killed_in_the_middle_it_goes_on(application: Application, kill_at: int) -> None:
    filled = await fill(application, messages=700)
    old = application.cipher.key_id
    command = [sys.executable, "-c", KILLED, str(application.settings.home), application.database.url, str(kill_at)]
    died = await asyncio.to_thread(subprocess.run, command, check=False)
    assert died.returncode == -signal.SIGKILL
    # Everything is readable, the new key is in the file, and the old one still counts.
    await check(application, filled)
    begun = [key_id for key_id in await stored_keys(application.database) if key_id != old]
    assert begun == [application.cipher.key_id]
    done = await rotation(application).rotate()
    assert [done.key_id] == begun
    assert done.retired == (old,)
    drop_key(application.settings, await stored_keys(application.database), old)
    async with await reopened(application) as other:
        await check(other, filled)


async def test_killed_before_the_new_key_was_used_it_is_not_made_again(application: Application) -> None:
    filled = await fill(application)
    old = application.cipher.key_id
    prepared = await rotation(application).prepare()
    assert [key.key_id for key in read_key_file(key_file(application.settings))] == [old, prepared]
    assert application.cipher.key_id == old
    assert await rotation(application).prepare() == prepared
    assert (await rotation(application).rotate()).key_id == prepared
    await check(application, filled)


async def test_stores_go_on_while_it_rotates(application: Application) -> None:
    await fill(application, messages=600)
    stop = asyncio.Event()
    stored = 0

    async def write() -> None:
        nonlocal stored
        async with await reopened(application) as other:
            while not stop.is_set():
                state = SessionState(storage={"cookies": []}, session_storage={}, user_agent=str(stored))
                await other.sessions.store("ops", state, run_id="run-1")
                assert (await other.sessions.load("ops")).user_agent == str(stored)
                stored += 1

    writer = asyncio.create_task(write())
    try:
        for _ in range(3):
            await rotation(application, settle_s=1.0).rotate()
    finally:
        stop.set()
    await writer
    assert stored > 3
    assert (await application.sessions.load("ops")).user_agent == str(stored - 1)


async def test_a_locked_row_is_waited_for(application: Application) -> None:
    filled = await fill(application)
    async with application.database.connection() as connection:
        await connection.execute("SELECT 1 FROM app.session FOR UPDATE")
        task = asyncio.create_task(rotation(application).rotate())
        done, _ = await asyncio.wait([task], timeout=1.0)
        assert not done
        uses = {use.current: use for use in await key_uses(application.database, application.cipher)}
        assert uses[False].values == {"app.session.state": 1}
    assert (await task).finished
    await check(application, filled)


async def test_what_was_stored_but_not_committed_is_waited_for(application: Application) -> None:
    await fill(application)
    old = Cipher(application.cipher.keyring.current)
    await rotation(application).rotate(keep_old=True)
    state = old.encrypt(b'{"storage": {}, "session_storage": {}}', context=SESSION.context("ops"))
    async with application.database.connection() as connection:
        await connection.execute("UPDATE app.session SET state = %s", (state,))
        task = asyncio.create_task(rotation(application).rotate())
        done, _ = await asyncio.wait([task], timeout=1.0)
        assert not done
    assert (await task).finished
    assert [use.values for use in await key_uses(application.database, application.cipher) if not use.current] == [{}]
    row = await application.database.one("SELECT state FROM app.session")
    assert row is not None
    assert application.cipher.decrypt(bytes(row["state"]), context=SESSION.context("ops")).startswith(b"{")


async def test_nothing_comes_back_under_a_retired_key(application: Application) -> None:
    await fill(application)
    old = Cipher(application.cipher.keyring.current)
    await rotation(application).rotate()
    state = old.encrypt(b"{}", context=SESSION.context("ops"))
    with pytest.raises(KeyUnusable, match=r"retired.*start it again"):
        await application.database.run("UPDATE app.session SET state = %s", state)
    sealed = old.seal(b"x", context="c")
    assert isinstance(sealed, Sealed)
    with pytest.raises(KeyUnusable, match="retired"):
        await application.database.run("UPDATE app.secret SET key_id = %s, wrapped_key = wrapped_key", sealed.key_id)


async def test_two_at_once_do_not_disturb_each_other(application: Application) -> None:
    await fill(application)
    results = await asyncio.gather(*(rotation(application).rotate() for _ in range(2)), return_exceptions=True)
    assert [type(result) for result in results].count(RotationUnfinished) == 1
    assert len(await stored_keys(application.database)) == 2


async def test_a_damaged_value_is_told_and_the_old_key_stays(application: Application) -> None:
    await fill(application)
    old = application.cipher.key_id
    await application.database.run("UPDATE app.page SET body = set_byte(body, 20, get_byte(body, 20) # 1)")
    with pytest.raises(RotationUnfinished, match=r"1 encrypted values do not open.*app\.page\.body"):
        await rotation(application).rotate()
    assert (await stored_keys(application.database))[old] is False
    await application.database.run("DELETE FROM app.page")
    assert (await rotation(application).rotate()).retired == (old,)


async def test_keys_of_variables_are_exchanged_in_three_steps(settings: Settings, database_url: str) -> None:
    old, new = (base64.b64encode(os.urandom(32)).decode() for _ in range(2))

    def given(current: str, other: str | None = None) -> Settings:
        others = None if other is None else SecretStr(other)
        return settings.model_copy(update={"master_key": SecretStr(current), "other_master_keys": others})

    async def opened(with_settings: Settings) -> Application:
        return await Application.open(with_settings, database_url, application_name="seezar-test")

    async with await opened(given(old)) as first:
        filled = await fill(first)
        with pytest.raises(KeyUnusable, match="SEEZAR_MASTER_KEY, which seezar cannot change"):
            await rotation(first).rotate()
    # Two processes during the change: one knows the new key already, one encrypts under it.
    async with await opened(given(old, new)) as before, await opened(given(new, old)) as after:
        await after.sessions.store("ops", SessionState({}, {}, user_agent="new"), run_id="run-1")
        assert (await before.sessions.load("ops")).user_agent == "new"
        await before.sessions.store("ops", (await before.sessions.load("ops")), run_id="run-1")
        assert (await after.sessions.load("ops")).user_agent == "new"
        # Who knows only the old one is not let in any more.
        with pytest.raises(KeyUnusable, match="not known here"):
            await opened(given(old))
        done = await rotation(after).rotate()
        assert done.finished
        assert not key_file(settings).exists()
    async with await opened(given(new)) as last:
        assert (await last.sessions.load("ops")).user_agent == "new"
        assert await last.attempts.load_checkpoint("run-1", 1) == {"cookies": ["one"]}
        assert (await last.pages.get(filled.page_id)).text == "the text"


async def test_a_key_that_is_missing_is_told_before_anything_changes(application: Application) -> None:
    await fill(application)
    old = read_key_file(key_file(application.settings))
    await rotation(application).rotate(keep_old=True)
    write_key_file(key_file(application.settings), read_key_file(key_file(application.settings))[:1])
    with pytest.raises(KeyUnusable, match=f"{old[0].key_id} is not known here"):
        await rotation(application).rotate()


async def test_a_new_key_that_was_given_is_taken_and_none_twice(application: Application) -> None:
    await fill(application)
    old, new = application.cipher.keyring.current, MasterKey(os.urandom(32))
    assert (await rotation(application).rotate(new)).key_id == new.key_id
    with pytest.raises(KeyUnusable, match="in use before"):
        await rotation(application).rotate(old)
    await rotation(application).prepare()
    with pytest.raises(RotationUnfinished, match="on its way"):
        await rotation(application).rotate(MasterKey(os.urandom(32)))


async def test_only_a_retired_key_is_dropped(application: Application) -> None:
    await fill(application)
    old = application.cipher.key_id
    await rotation(application).rotate(keep_old=True)
    stored = await stored_keys(application.database)
    for key_id in (old, application.cipher.key_id):
        with pytest.raises(KeyUnusable, match="not retired"):
            drop_key(application.settings, stored, key_id)
    with pytest.raises(KeyUnusable, match="holds no key"):
        drop_key(application.settings, stored, "00" * 8)


def test_a_running_process_reads_a_changed_file_again(settings: Settings) -> None:
    ring = load_keyring(settings)
    first, second = ring.current, MasterKey(os.urandom(32))
    path = key_file(settings)
    write_key_file(path, [second, first])
    assert ring.keys == (second, first)
    assert ring.find(first.key_id) == first
    # What cannot be read now is not forgotten.
    path.chmod(0o644)
    assert ring.keys == (second, first)
    path.unlink()
    assert ring.keys == (second, first)
    assert not path.exists()


def test_a_file_that_is_replaced_is_whole_or_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    keys = [MasterKey(os.urandom(32)) for _ in range(3)]
    write_key_file(path, keys[:1])
    write_key_file(path, [keys[1], keys[0], keys[1]])
    assert read_key_file(path) == [keys[1], keys[0]]
    assert [entry.name for entry in tmp_path.iterdir()] == ["master.key"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_root_changes_stays_readable_for_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    keys = [MasterKey(os.urandom(32)) for _ in range(2)]
    write_key_file(path, keys[:1])
    os.chown(path, 4711, 4712)
    write_key_file(path, keys)
    assert (path.stat().st_uid, path.stat().st_gid, path.stat().st_mode & 0o777) == (4711, 4712, 0o600)


def test_the_first_key_of_a_ring_is_the_current_one() -> None:
    keys = [MasterKey(os.urandom(32)) for _ in range(3)]
    assert Keyring(lambda: keys).current == keys[0]
