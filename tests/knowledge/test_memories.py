"""What was said is found again by the one who said it, and the server itself shows it to nobody else."""

from datetime import UTC, datetime, timedelta

import pytest

from seezar.database import Database
from seezar.knowledge.memories import Memories, Said, Whose

ANN = Whose("coordinator", "ann")
BOB = Whose("coordinator", "bob")
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def said(number: int, text: str, author: str = "user") -> Said:
    return Said(f"event-{number}", author, text, NOON + timedelta(minutes=number))


@pytest.fixture
async def memories(database: Database) -> Memories:
    store = Memories(database)
    await store.keep(
        ANN, "s1", [said(1, "Why are refunds of Northwind so many?"), said(2, "A coupon failed.", "agent")]
    )
    await store.keep(ANN, "s2", [said(3, "Which port has the most delayed ships?")])
    await store.keep(BOB, "s9", [said(4, "Refunds of Lakeside are mine alone.")])
    return store


async def test_it_is_found_by_word_and_by_meaning(memories: Memories) -> None:
    assert (await memories.find(ANN, "refunds"))[0].text.startswith("Why are refunds")
    assert (await memories.find(ANN, "vessels in the harbour"))[0].session_id == "s2"
    assert await memories.find(ANN, "quantum chromodynamics") == []


async def test_without_words_the_newest_come_first(memories: Memories) -> None:
    assert [memory.session_id for memory in await memories.find(ANN, " ")] == ["s2", "s1", "s1"]


async def test_nobody_finds_what_somebody_else_said(memories: Memories) -> None:
    assert {memory.session_id for memory in await memories.find(ANN, "refunds")} == {"s1"}
    assert {memory.session_id for memory in await memories.find(BOB, "refunds")} == {"s9"}
    assert await memories.find(Whose("research", "ann"), "refunds") == []


async def test_the_server_keeps_them_apart_whatever_the_statement_says(memories: Memories, database: Database) -> None:
    async with database.connection() as connection:
        await connection.execute("SET LOCAL ROLE seezar_memory")
        # Without a name nothing is seen, by a statement without any condition.
        assert await (await connection.execute("SELECT * FROM knowledge.memory")).fetchall() == []
        await connection.execute(
            "SELECT set_config('seezar.memory_app', 'coordinator', true), set_config('seezar.memory_user', 'bob', true)"
        )
        rows = await (await connection.execute("SELECT user_id FROM knowledge.memory")).fetchall()
        assert [row["user_id"] for row in rows] == ["bob"]
        assert (await connection.execute("DELETE FROM knowledge.memory WHERE user_id = 'ann'")).rowcount == 0
    assert len(await memories.find(ANN, "")) == 3


async def test_nothing_can_be_said_in_the_name_of_another(memories: Memories, database: Database) -> None:
    async with database.connection() as connection:
        await connection.execute("SET LOCAL ROLE seezar_memory")
        await connection.execute(
            "SELECT set_config('seezar.memory_app', 'coordinator', true), set_config('seezar.memory_user', 'bob', true)"
        )
        with pytest.raises(Exception, match="row-level security"):
            await connection.execute(
                "INSERT INTO knowledge.memory (app, user_id, session_id, event_id, author, text, embedding, said_at)"
                " SELECT 'coordinator', 'ann', 's', 'e', 'user', 'x', array_fill(0, ARRAY[256])::vector, now()"
            )
        await connection.execute("ROLLBACK")


async def test_the_connection_is_its_owners_again_afterwards(memories: Memories, database: Database) -> None:
    await memories.find(ANN, "refunds")
    row = await database.one(
        "SELECT current_user = session_user AS same, current_setting('seezar.memory_user', true) AS who"
    )
    assert row is not None
    assert row["same"]
    assert not row["who"]


async def test_the_same_is_kept_once(memories: Memories) -> None:
    again = [said(1, "Why are refunds of Northwind so many?"), said(5, "And today?")]
    assert await memories.keep(ANN, "s1", again) == 1


async def test_forgetting_forgets(memories: Memories) -> None:
    assert await memories.forget(BOB, session_id="s1") == 0
    (one,) = [memory for memory in await memories.find(ANN, "") if memory.session_id == "s2"]
    assert await memories.forget(ANN, memory_id=one.id) == 1
    assert await memories.forget(ANN, session_id="s1") == 2
    assert await memories.find(ANN, "") == []
    assert len(await memories.find(BOB, "")) == 1


async def test_empty_and_huge_texts(memories: Memories) -> None:
    assert await memories.keep(ANN, "s3", [said(6, "   "), said(7, "long " * 10_000), said(8, "nul \0 byte")]) == 2
    assert max(len(memory.text) for memory in await memories.find(ANN, "")) == 8_000
