"""The rows of an extraction in its own table: `data.NAME_rows`, every reading of every row, with where it comes from.

The view `data.NAME` and the function `data.NAME_as_of(moment)` show the rows as they are, or were. With a key, that is
the last reading of each key; without one, all rows of the last run that read every page, one of each account.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

from psycopg import AsyncServerCursor, sql
from psycopg.rows import DictRow, dict_row

from seezar.database import Connection, Database
from seezar.errors import InvalidInput
from seezar.extraction.columns import Value
from seezar.extraction.definitions import Definition
from seezar.extraction.fields import Kind

SCHEMA = "data"
PROVENANCE = ("_run", "_account", "_page", "_position", "_read_at", "_url", "_item", "_source")
"""Columns of every table: the run, the account, page and row in the run, when it was read, the address without its
query, the text of the link that led there, and what it was read from."""
_TYPES: dict[Kind, LiteralString] = {
    "text": "text",
    "integer": "bigint",
    "number": "numeric",
    "boolean": "boolean",
    "date": "date",
    "datetime": "timestamptz",
    "duration": "interval",
    "link": "text",
}
# Columns that an index may have (PostgreSQL's INDEX_MAX_KEYS), and those that ours has beside the key.
_MOST_COLUMNS = 32
_ALWAYS = ("_account", "_item", "_read_at", "_run")
# Of a size that an index can carry.
_SMALL: frozenset[Kind] = frozenset({"integer", "number", "boolean", "date", "datetime", "duration"})
_TABLE = """
CREATE TABLE IF NOT EXISTS {table} (
    _run text NOT NULL, _account text NOT NULL, _page integer NOT NULL, _position integer NOT NULL,
    _read_at timestamptz NOT NULL, _url text NOT NULL, _item text NOT NULL, _source text NOT NULL,
    PRIMARY KEY (_run, _page, _position))
"""
_NEWEST_OF_KEY = """
SELECT DISTINCT ON (_account, _item{keys}) * FROM {table} WHERE {when}
ORDER BY _account, _item{keys}, _read_at DESC, _run DESC
"""
_NEWEST_RUN = """
SELECT t.* FROM {table} t JOIN (
    SELECT DISTINCT ON (account) run_id FROM data.runs
    WHERE extraction = {name} AND status IN ('extracted', 'partial') AND {when}
    ORDER BY account, finished_at DESC, run_id DESC) r ON r.run_id = t._run
"""
# Rows are read in portions of so many.
_PORTION = 2_000


@dataclass(frozen=True, slots=True)
class Place:
    """Where the rows of a page come from; see `PROVENANCE`."""

    run: str
    account: str
    page: int
    read_at: datetime
    url: str
    item: str
    source: str


async def prepare(connection: Connection, definition: Definition) -> None:
    """Make table, view and function of an extraction, or bring them up to its definition. What is stored stays.

    Raises:
        InvalidInput: a field has been of another type before.
    """
    table = _table(definition.name)
    await connection.execute(sql.SQL(_TABLE).format(table=table))
    cursor = await connection.execute(
        "SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type FROM pg_attribute a"
        " WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped",
        (f'{SCHEMA}."{definition.name}_rows"',),
    )
    there = {row["name"]: row["type"] for row in await cursor.fetchall()}
    for field in definition.fields:
        wanted = _TYPES[field.kind]
        known = there.get(field.name)
        if known is None:
            add = sql.SQL("ALTER TABLE {} ADD COLUMN {} {}")
            await connection.execute(add.format(table, sql.Identifier(field.name), sql.SQL(wanted)))
        elif known != wanted.replace("timestamptz", "timestamp with time zone"):
            raise InvalidInput(
                f"The field {field.name!r} of the extraction {definition.name!r} was of type {known} before.",
                kept="Definition and rows are as they were.",
                next_step="Give the new field another name, or remove the extraction with its rows and store it anew.",
            )
    await _show(connection, definition)


async def _show(connection: Connection, definition: Definition) -> None:
    name, table = definition.name, _table(definition.name)
    keys = sql.SQL("").join(sql.SQL(", {}").format(sql.Identifier(each)) for each in definition.key)
    query = sql.SQL(_NEWEST_OF_KEY if definition.key else _NEWEST_RUN)
    values = {"table": table, "keys": keys, "name": sql.Literal(name)}
    await connection.execute(
        sql.SQL("CREATE OR REPLACE VIEW {} AS {}").format(
            sql.Identifier(SCHEMA, name), query.format(**values, when=sql.SQL("true"))
        )
    )
    when = sql.SQL("_read_at <= moment" if definition.key else "finished_at <= moment")
    await connection.execute(
        sql.SQL("CREATE OR REPLACE FUNCTION {}(moment timestamptz) RETURNS SETOF {} LANGUAGE sql STABLE AS {}").format(
            sql.Identifier(SCHEMA, f"{name}_as_of"), table, sql.Literal(_text(query.format(**values, when=when)))
        )
    )
    # The key may have changed. In the order of the view, with the numbers: sums, as of reports, are made of the index
    # alone, which takes a third of the time once there are many readings.
    index = f"{name}_newest"
    numbers = [each.name for each in definition.fields if each.kind in _SMALL and each.name not in definition.key]
    numbers = numbers[: max(0, _MOST_COLUMNS - len(_ALWAYS) - len(definition.key))]
    carried = sql.SQL(", ").join(map(sql.Identifier, numbers))
    await connection.execute(sql.SQL("DROP INDEX IF EXISTS {}").format(sql.Identifier(SCHEMA, index)))
    create = sql.SQL("CREATE INDEX {} ON {} (_account, _item{}, _read_at DESC, _run DESC){}")
    include = sql.SQL(" INCLUDE ({})").format(carried) if numbers else sql.SQL("")
    await connection.execute(create.format(sql.Identifier(index), table, keys, include))


async def drop(connection: Connection, name: str) -> None:
    """Delete the rows of an extraction with their table."""
    await connection.execute(sql.SQL("DROP FUNCTION IF EXISTS {}").format(sql.Identifier(SCHEMA, f"{name}_as_of")))
    await connection.execute(sql.SQL("DROP VIEW IF EXISTS {}").format(sql.Identifier(SCHEMA, name)))
    await connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(_table(name)))


async def insert(
    connection: Connection, definition: Definition, place: Place, rows: Sequence[tuple[int, dict[str, Value]]]
) -> None:
    """Store the rows of a page; each with its position in it."""
    names = [field.name for field in definition.fields]
    columns = sql.SQL(", ").join(map(sql.Identifier, (*PROVENANCE, *names)))
    copy = sql.SQL("COPY {} ({}) FROM STDIN").format(_table(definition.name), columns)
    of_page = (place.read_at, place.url, place.item, place.source)
    async with connection.cursor() as cursor, cursor.copy(copy) as copying:
        for position, values in rows:
            found = [values.get(name) for name in names]
            await copying.write_row((place.run, place.account, place.page, position, *of_page, *found))


class History:
    """Reading what was stored."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def rows(
        self,
        definition: Definition,
        *,
        as_of: datetime | None = None,
        run: str | None = None,
        account: str | None = None,
        everything: bool = False,
    ) -> AsyncGenerator["Reader"]:
        """The rows, in portions, without holding them all in memory.

        Args:
            as_of: as they were then; as they are when None.
            run: those that this run has read, instead.
            account: only its rows.
            everything: every reading of every row.
        """
        if run is not None or everything:
            source: sql.Composable = _table(definition.name)
        else:
            source = _rows_of(definition, as_of)
        names = (*PROVENANCE, *(field.name for field in definition.fields))
        keys = definition.key
        query = sql.SQL(
            "SELECT {} FROM {} WHERE ({run}::text IS NULL OR _run = {run})"
            " AND ({account}::text IS NULL OR _account = {account}) ORDER BY {}"
        ).format(
            sql.SQL(", ").join(map(sql.Identifier, names)),
            source,
            sql.SQL(", ").join(map(sql.Identifier, ("_account", "_item", *keys, "_run", "_page", "_position"))),
            run=sql.Literal(run),
            account=sql.Literal(account),
        )
        async with self._database.connection() as connection:
            cursor = AsyncServerCursor(connection, "rows", row_factory=dict_row)
            async with cursor:
                await cursor.execute(query)
                yield Reader(names, cursor)

    async def sums(
        self, definition: Definition, by: Sequence[str], amount: str, *, as_of: datetime | None = None
    ) -> list[tuple[Any, ...]]:
        """The sum of `amount` for each combination of the columns `by`, in their order; None where nothing stood.

        Args:
            by: names of columns.
            amount: name of a field that is a number.
            as_of: of the rows as they were then; as they are when None.
        """
        columns = sql.SQL(", ").join(map(sql.Identifier, by))
        query = sql.SQL("SELECT {}, sum({}) AS _sum FROM {} GROUP BY {} ORDER BY {}").format(
            columns, sql.Identifier(amount), _rows_of(definition, as_of), columns, columns
        )
        async with self._database.connection() as connection:
            rows = await (await connection.execute(query)).fetchall()
        return [tuple(row.values()) for row in rows]

    async def places(self, definition: Definition, column: str) -> dict[str, Place]:
        """Where the values of a text column were read last, by value; rows without one are left out."""
        query = sql.SQL(
            "SELECT DISTINCT ON ({column}) {column} AS _value, _run, _account, _page, _read_at, _url, _item, _source"
            " FROM {} WHERE {column} IS NOT NULL ORDER BY {column}, _read_at DESC, _run DESC"
        ).format(_rows_of(definition, None), column=sql.Identifier(column))
        async with self._database.connection() as connection:
            rows = await (await connection.execute(query)).fetchall()
        names = {"run": "_run", "account": "_account", "page": "_page", "read_at": "_read_at", "url": "_url"}
        names |= {"item": "_item", "source": "_source"}
        return {row["_value"]: Place(**{name: row[key] for name, key in names.items()}) for row in rows}

    async def newest(self, definition: Definition) -> dict[str, datetime]:
        """When each account's rows were last read as a whole, or nearly so."""
        rows = await self._database.all(
            "SELECT account, max(finished_at) AS at FROM app.extraction_run"
            " WHERE extraction = %s AND status IN ('extracted', 'partial') GROUP BY account",
            definition.name,
        )
        return {row["account"]: row["at"] for row in rows}

    async def count(self, name: str) -> int:
        """How many readings of rows are stored."""
        query = sql.SQL("SELECT count(*) AS n FROM {}").format(_table(name))
        async with self._database.connection() as connection:
            row = await (await connection.execute(query)).fetchone()
        assert row is not None
        return int(row["n"])


class Reader:
    """Rows that are read one portion after the other.

    Attributes:
        names: of the columns, in order.
    """

    def __init__(self, names: tuple[str, ...], cursor: AsyncServerCursor[DictRow]) -> None:
        self.names = names
        self._cursor = cursor

    async def portions(self) -> AsyncGenerator[list[dict[str, Any]]]:
        """The rows, by column, up to some thousands at a time."""
        while portion := await self._cursor.fetchmany(_PORTION):
            yield portion


def _rows_of(definition: Definition, as_of: datetime | None) -> sql.Composable:
    if as_of is None:
        return sql.Identifier(SCHEMA, definition.name)
    return sql.SQL("{}({})").format(sql.Identifier(SCHEMA, f"{definition.name}_as_of"), sql.Literal(as_of))


def _table(name: str) -> sql.Identifier:
    return sql.Identifier(SCHEMA, f"{name}_rows")


def _text(query: sql.Composed) -> str:
    return query.as_string()
