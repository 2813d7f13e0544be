"""Pictures of runs that came to a stop: encrypted, bound to their run and attempt, gone with their run."""

import pytest

from seezar.accounts.pictures import Pictures
from seezar.accounts.runs import Runs
from seezar.database import Database
from seezar.errors import InvalidInput, KeyUnusable
from seezar.vault import Cipher


@pytest.fixture
async def pictures(database: Database, cipher: Cipher) -> Pictures:
    for run_id in ("r", "other"):
        await Runs(database).create(run_id, kind="sign_in", account=run_id)
    return Pictures(database, cipher)


async def test_the_last_one_or_that_of_an_attempt(pictures: Pictures) -> None:
    await pictures.store("r", 1, "browser_lost", b"first")
    await pictures.store("r", 2, "needs_person", b"second")
    await pictures.store("r", 2, "bad_code", b"again")
    assert await pictures.attempts("r") == [1, 2]
    last = await pictures.get("r")
    assert (last.attempt, last.status, last.image) == (2, "bad_code", b"again")
    assert (await pictures.get("r", 1)).image == b"first"


@pytest.mark.parametrize(("run_id", "attempt"), [("r", 3), ("other", None), ("nobody", None)])
async def test_there_is_none(pictures: Pictures, run_id: str, attempt: int | None) -> None:
    await pictures.store("r", 1, "locked", b"x")
    with pytest.raises(InvalidInput, match="no picture"):
        await pictures.get(run_id, attempt)


async def test_encrypted_and_bound_to_its_run(pictures: Pictures, database: Database) -> None:
    await pictures.store("r", 1, "locked", b"PNG geheim")
    row = await database.one("SELECT image FROM app.picture")
    assert row is not None
    assert b"geheim" not in bytes(row["image"])
    await database.run("UPDATE app.picture SET run_id = 'other'")
    with pytest.raises(KeyUnusable):
        await pictures.get("other")


async def test_gone_with_its_run(pictures: Pictures, database: Database) -> None:
    await pictures.store("r", 1, "locked", b"x")
    await database.run("DELETE FROM app.run WHERE id = 'r'")
    assert await pictures.attempts("r") == []
