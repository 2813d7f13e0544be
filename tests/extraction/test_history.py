"""The tables of extractions: what a changed definition does to them, and who may read them."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
import pytest_asyncio

from seezar.accounts import NewAccount
from seezar.application import Application
from seezar.errors import AccountUnknown, InvalidInput
from seezar.extraction.checkpoints import Lead, PageDone
from seezar.extraction.definitions import Definition, ExtractionUnknown, definition_of
from seezar.extraction.exporting import export
from seezar.settings import Settings

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)


@pytest_asyncio.fixture
async def app(settings: Settings, database_url: str) -> AsyncIterator[Application]:
    async with await Application.open(settings, database_url, application_name="test") as application:
        await application.accounts.add(
            NewAccount(name="ops", url="https://a.example", username="u", password="p-4711-p")
        )
        yield application


def orders(**more: Any) -> Definition:
    properties = {"name": {"type": "string"}, "price": {"type": "number"}} | more.pop("properties", {})
    schema = {"type": "object", "required": ["name"], "properties": properties}
    return definition_of({"name": "orders", "accounts": ["ops"], "schema": schema, **more})


async def read(app: Application, definition: Definition, run: str, *rows: dict[str, Any]) -> None:
    """Store what a run has read of one page."""
    await app.checkpoints.begin(run, definition.name, "ops", [Lead("https://a.example/orders", "rows")])
    [waiting] = await app.checkpoints.waiting(run, limit=1)
    page = PageDone("https://a.example/orders", "table", NOW, rows=list(enumerate(rows)))
    assert await app.checkpoints.done(run, "ops", waiting, page, definition)
    # Another worker has read it, too, and is too late.
    assert not await app.checkpoints.done(run, "ops", waiting, page, definition)
    await app.checkpoints.finish(run, "extracted")


async def names(app: Application, definition: Definition, **of: Any) -> list[str]:
    async with app.history.rows(definition, **of) as reader:
        return [row["name"] for portion in [p async for p in reader.portions()] for row in portion]


async def test_with_a_key_the_last_reading_of_each_row_counts(app: Application) -> None:
    definition = orders(key=["name"])
    assert await app.extractions.save(definition) == "new"
    await read(app, definition, "run-1", {"name": "a", "price": Decimal(1)}, {"name": "b", "price": None})
    await read(app, definition, "run-2", {"name": "b", "price": Decimal(2)})
    assert await names(app, definition) == ["a", "b"]
    assert await names(app, definition, everything=True) == ["a", "b", "b"]
    assert await app.history.sums(definition, ["name"], "price") == [("a", Decimal(1)), ("b", Decimal(2))]


async def test_there_may_be_more_numbers_than_an_index_can_carry(app: Application) -> None:
    numbers = {f"n{number}": {"type": "integer"} for number in range(58)}
    definition = orders(key=["name"], properties=numbers)
    assert await app.extractions.save(definition) == "new"
    await read(app, definition, "run-1", {"name": "a", "n0": 1, "n57": 2})
    assert await app.history.sums(definition, ["name"], "n57") == [("a", Decimal(2))]


async def test_without_a_key_the_last_run_counts(app: Application) -> None:
    definition = orders()
    await app.extractions.save(definition)
    await read(app, definition, "run-1", {"name": "a"}, {"name": "b"})
    await read(app, definition, "run-2", {"name": "b"})
    assert await names(app, definition) == ["b"]
    assert await names(app, definition, run="run-1") == ["a", "b"]


async def test_fields_are_added_and_rows_stay(app: Application) -> None:
    definition = orders(key=["name"])
    await app.extractions.save(definition)
    await read(app, definition, "run-1", {"name": "a"})
    wider = orders(key=["name"], properties={"since": {"type": "string", "format": "date"}})
    assert await app.extractions.save(wider) == "changed"
    assert await app.extractions.save(wider) == "unchanged"
    assert await names(app, wider) == ["a"]
    assert (await app.extractions.get("orders")).version == 2


async def test_a_field_keeps_its_type(app: Application) -> None:
    await app.extractions.save(orders())
    with pytest.raises(InvalidInput, match="was of type numeric before"):
        await app.extractions.save(orders(properties={"price": {"type": "string"}}))
    assert (await app.extractions.get("orders")).definition == orders()


async def test_accounts_have_to_be_there_and_what_is_removed_is_gone(app: Application) -> None:
    with pytest.raises(AccountUnknown):
        await app.extractions.save(orders(accounts=["nobody"]))
    await app.extractions.save(orders())
    await read(app, orders(), "run-1", {"name": "a"})
    await app.extractions.remove("orders")
    with pytest.raises(ExtractionUnknown):
        await app.extractions.get("orders")
    assert await app.extractions.save(orders(properties={"price": {"type": "string"}})) == "new"
    assert await app.history.count("orders") == 0


async def test_readers_see_the_rows_and_nothing_else(app: Application, database_url: str) -> None:
    definition = orders(key=["name"])
    await app.extractions.save(definition)
    await read(app, definition, "run-1", {"name": "a"})
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("SET ROLE seezar_reader")
        assert connection.execute("SELECT name FROM data.orders").fetchall() == [("a",)]
        assert connection.execute("SELECT name FROM data.orders_as_of(now())").fetchall() == [("a",)]
        assert connection.execute("SELECT status FROM data.runs").fetchall() == [("extracted",)]
        for forbidden in ("SELECT * FROM app.account", "DELETE FROM data.orders_rows", "SELECT * FROM app.run"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(forbidden.encode())


@pytest.mark.parametrize("kind", ["csv", "json", "parquet"])
async def test_exports_keep_every_digit(app: Application, tmp_path: Path, kind: str) -> None:
    definition = orders(key=["name"])
    await app.extractions.save(definition)
    await read(app, definition, "run-1", {"name": 'a "b", c', "price": Decimal("1204.1000000001")})
    path = tmp_path / f"orders.{kind}"
    async with app.history.rows(definition) as reader:
        assert await export(reader, definition, path, kind) == 1  # pyright: ignore[reportArgumentType] - each of its kinds
    if kind == "parquet":
        from pyarrow import parquet

        [row] = parquet.read_table(path).to_pylist()
        assert row["price"] == Decimal("1204.100000000100")
        assert row["_read_at"] == NOW
    else:
        assert "1204.1000000001" in path.read_text()


async def test_a_number_that_parquet_cannot_hold_is_said(app: Application, tmp_path: Path) -> None:
    definition = orders(key=["name"])
    await app.extractions.save(definition)
    await read(app, definition, "run-1", {"name": "a", "price": Decimal("0.12345678901234567")})
    path = tmp_path / "orders.parquet"
    with pytest.raises(InvalidInput, match="does not fit into Parquet"):
        async with app.history.rows(definition) as reader:
            await export(reader, definition, path, "parquet")
    assert not path.exists()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"name": "No Name"}, "name"),
        ({"accounts": []}, "accounts"),
        ({"key": ["nothing"]}, "no property"),
        ({"key": ["price"]}, "has to be required"),
        ({"timezone": "Mars"}, "time zone"),
        ({"locale": "qq-QQ"}, "locale"),
        ({"tabs": 0}, "tabs"),
        ({"nonsense": 1}, "nonsense"),
        ({"download": "#csv", "rows": "tr"}, "file has no elements"),
    ],
)
def test_definitions_that_cannot_be(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        orders(**wrong)
