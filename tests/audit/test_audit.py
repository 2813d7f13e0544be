"""The log is only added to, and tells where somebody did otherwise."""

import asyncio
from pathlib import Path

import psycopg
import pytest

from seezar.audit import Audit, acting_as, actor, set_process_actor
from seezar.audit.actor import _process
from seezar.audit.verifying import Head, note_head, noted_heads, verify
from seezar.database import Database
from seezar.vault import Cipher


@pytest.fixture
def audit(database: Database, cipher: Cipher) -> Audit:
    return Audit(database, cipher)


async def _three(audit: Audit) -> None:
    for name in ("ops", "staging", "ops"):
        await audit.note("account.add", name, origins=["https://a.example"], number=3)


async def test_rows_say_who_did_what_to_whom(audit: Audit, database: Database) -> None:
    with acting_as("client:client-1"):
        await audit.note("session.export", "ops", format="storage_state")
    await audit.note("account.remove", "ops")
    newest, first = await audit.list()
    assert (first.number, first.actor, first.action, first.subject) == (1, "client:client-1", "session.export", "ops")
    assert first.detail == {"format": "storage_state"}
    assert newest.actor.startswith("local:")
    assert [entry.number for entry in await audit.list(subject="ops", before=2)] == [1]
    verdict = await verify(audit)
    assert (verdict.intact, verdict.rows) == (True, 2)


async def test_an_empty_log_is_intact(audit: Audit, database: Database) -> None:
    verdict = await verify(audit)
    assert (verdict.intact, verdict.rows, verdict.head) == (True, 0, None)


def test_a_process_and_a_task_have_their_actors() -> None:
    try:
        set_process_actor("worker:worker-2")
        assert actor() == "worker:worker-2"
        with acting_as("agent:a\nb"):
            assert actor() == "agent:a?b"
        assert actor() == "worker:worker-2"
    finally:
        _process.clear()


@pytest.mark.parametrize(
    "statement", ["UPDATE app.audit SET actor = 'nobody'", "DELETE FROM app.audit", "TRUNCATE app.audit"]
)
async def test_the_database_refuses_everything_but_adding(audit: Audit, database: Database, statement: str) -> None:
    await _three(audit)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await database.run(statement)


async def _behind_its_back(database: Database, *statements: str) -> None:
    """What somebody who owns the database can do."""
    await database.run("ALTER TABLE app.audit DISABLE TRIGGER audit_stands")
    for statement in statements:
        await database.run(statement)


@pytest.mark.parametrize(
    ("statements", "broken_at"),
    [
        (["UPDATE app.audit SET actor = 'somebody' WHERE number = 2"], 2),
        (["UPDATE app.audit SET action = 'account.remove' WHERE number = 1"], 1),
        (["UPDATE app.audit SET at = at + interval '1 microsecond' WHERE number = 3"], 3),
        (["UPDATE app.audit SET subject = NULL WHERE number = 3"], 3),
        (["""UPDATE app.audit SET detail = '{"number": 4}' WHERE number = 2"""], 2),
        (["DELETE FROM app.audit WHERE number = 2"], 2),
        (["DELETE FROM app.audit WHERE number = 1"], 1),
        (["DELETE FROM app.audit WHERE number = 2", "UPDATE app.audit SET number = 2 WHERE number = 3"], 2),
        (
            ["INSERT INTO app.audit SELECT 4, at, actor, action, subject, detail, mac FROM app.audit WHERE number = 3"],
            4,
        ),
        (
            ["UPDATE app.audit SET number = number + 10", "UPDATE app.audit SET number = number - 9 WHERE number < 13"],
            1,
        ),
    ],
)
async def test_what_was_changed_is_found(
    audit: Audit, database: Database, statements: list[str], broken_at: int
) -> None:
    await _three(audit)
    await _behind_its_back(database, *statements)
    verdict = await verify(audit)
    assert verdict.broken_at == broken_at
    assert verdict.problem


async def test_a_log_that_was_cut_off_is_found_by_a_head_that_was_noted(
    audit: Audit, database: Database, tmp_path: Path
) -> None:
    await _three(audit)
    noted = await note_head(database, tmp_path)
    assert noted is not None
    assert noted_heads(tmp_path) == [noted]
    await note_head(database, tmp_path)
    assert noted_heads(tmp_path) == [noted]
    assert (tmp_path / "audit.heads").stat().st_mode & 0o777 == 0o600
    await _behind_its_back(database, "DELETE FROM app.audit WHERE number = 3")
    assert (await verify(audit)).intact
    assert (await verify(audit, heads=noted_heads(tmp_path))).broken_at == 3
    # Another row in its place is not the one that was noted.
    await audit.note("account.add", "other")
    assert (await verify(audit)).intact
    assert (await verify(audit, heads=noted_heads(tmp_path))).broken_at == 3


async def test_a_head_of_nowhere_is_found(audit: Audit, database: Database) -> None:
    await _three(audit)
    assert (await verify(audit, heads=[Head(2, "00" * 32)])).broken_at == 2


async def test_without_the_master_key_no_row_can_be_made(audit: Audit, database: Database, cipher: Cipher) -> None:
    await _three(audit)
    await _behind_its_back(database, "UPDATE app.audit SET subject = 'x' WHERE number = 1")
    # A chain of plain hashes could be computed anew by whoever has the table.
    assert (await verify(Audit(database, cipher))).broken_at == 1


async def test_many_at_once_make_one_chain(audit: Audit, database: Database, cipher: Cipher) -> None:
    others = [Audit(database, cipher) for _ in range(3)]
    await asyncio.gather(*(others[number % 3].note("account.add", str(number)) for number in range(40)))
    verdict = await verify(audit)
    assert (verdict.intact, verdict.rows) == (True, 40)


async def test_what_is_rolled_back_was_not_done_and_is_not_told(
    audit: Audit, database: Database, cipher: Cipher
) -> None:
    async def undone() -> None:
        async with database.connection() as connection:
            await audit.append(connection, "account.add", "ops")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await undone()
    # The key that it had made is gone with it.
    assert await audit.list() == []
    await audit.note("account.add", "ops")
    assert (await verify(Audit(database, cipher))).intact
