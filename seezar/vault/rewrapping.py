"""Finding the values that are not under a master key, and wrapping their data keys anew."""

from dataclasses import dataclass, field

from psycopg import sql

from seezar.database import Connection, Database, Row
from seezar.vault.cipher import HEAD, Cipher, key_mark
from seezar.vault.columns import COLUMNS, Column
from seezar.vault.keys import MasterKey
from seezar.vault.proofs import stored_keys

BATCH = 500


@dataclass(frozen=True)
class KeyUse:
    """A master key and what is encrypted under it.

    Attributes:
        key_id: "" for values that do not say which key it is: they are of an older version, and the next rotation
            names it.
        known: whether this process has it.
        current: whether new values are encrypted under it.
        retired: whether nothing may be encrypted under it any more.
        values: how many values there are, by table and column.
    """

    key_id: str
    known: bool
    current: bool
    retired: bool
    values: dict[str, int] = field(default_factory=dict[str, int])


async def key_uses(database: Database, cipher: Cipher) -> list[KeyUse]:
    """The master keys that this process or the database knows, and what is encrypted under each; the current one
    first.
    """
    stored = await stored_keys(database)
    values: dict[str, dict[str, int]] = {}
    for column in COLUMNS:
        query = sql.SQL("SELECT {marked} AS key_id, count(*) AS n FROM {table} WHERE {column} IS NOT NULL GROUP BY 1")
        composed = query.format(marked=_marked(column), table=_table(column), column=sql.Identifier(column.name))
        async with database.connection() as connection:
            for row in await (await connection.execute(composed)).fetchall():
                values.setdefault(row["key_id"], {})[f"{column.table}.{column.name}"] = row["n"]
    known = [key.key_id for key in cipher.keyring.keys]
    ids = dict.fromkeys([*known, *stored, *sorted(values)])
    return [
        KeyUse(key_id, key_id in known, key_id == known[0], stored.get(key_id, False), values.get(key_id, {}))
        for key_id in ids
    ]


async def batch_of(
    connection: Connection, column: Column, target: MasterKey, last: tuple[object, ...] | None
) -> list[Row]:
    """The next rows that are not under `target`, locked, as `wrap_row` takes them.

    Args:
        last: the keys of the last row of the batch before.
    """
    # Rows that others have locked are skipped, so that nothing waits for us in a circle; the next round finds them.
    marks = sql.SQL(", ").join([sql.Placeholder()] * len(column.keys))
    behind = sql.SQL(" AND ({}) > ({})").format(_keys(column), marks)
    more = (*((column.bound,) if column.bound else ()), *(("key_id",) if column.wrapped_apart else ()))
    composed = sql.SQL(
        "SELECT {named}, substring({column} FROM 1 FOR %s) AS head FROM {table}"
        " WHERE {column} IS NOT NULL AND {other}{behind} ORDER BY {keys} LIMIT %s FOR NO KEY UPDATE SKIP LOCKED"
    ).format(
        named=sql.SQL(", ").join(map(sql.Identifier, (*column.keys, *more))),
        column=sql.Identifier(column.name),
        table=_table(column),
        other=_other(column),
        behind=sql.SQL("") if last is None else behind,
        keys=_keys(column),
    )
    cursor = await connection.execute(composed, (HEAD, _mark(column, target), *(last or ()), BATCH))
    return await cursor.fetchall()


async def wrap_row(connection: Connection, cipher: Cipher, column: Column, row: Row) -> None:
    """Wrap the data key of a row by the current key of `cipher`.

    Raises:
        KeyUnusable: the value does not open.
    """
    where = sql.SQL(" AND ").join(sql.SQL("{} = %s").format(sql.Identifier(key)) for key in column.keys)
    values = [row[key] for key in column.keys]
    context = column.context(*_of(column, row))
    if column.wrapped_apart:
        sealed = cipher.rewrap(row["key_id"], bytes(row["head"]), context=context)
        change = sql.SQL("UPDATE {table} SET {column} = %s, key_id = %s WHERE {where}")
        new: tuple[object, ...] = (sealed.wrapped, sealed.key_id)
    else:
        length, head = cipher.rewrap_head(bytes(row["head"]), context=context)
        change = sql.SQL("UPDATE {table} SET {column} = %s || substring({column} FROM %s) WHERE {where}")
        new = (head, length + 1)
    composed = change.format(table=_table(column), column=sql.Identifier(column.name), where=where)
    await connection.execute(composed, (*new, *values))


def _of(column: Column, row: Row) -> list[object]:
    named = [] if column.only_row else [row[key] for key in column.keys]
    return [*named, *(sorted(row[column.bound]) if column.bound else [])]


async def count_others(connection: Connection, column: Column, target: MasterKey) -> int:
    """How many values are not under `target`."""
    composed = sql.SQL("SELECT count(*) AS n FROM {table} WHERE {column} IS NOT NULL AND {other}").format(
        table=_table(column), column=sql.Identifier(column.name), other=_other(column)
    )
    row = await (await connection.execute(composed, (_mark(column, target),))).fetchone()
    assert row is not None
    return int(row["n"])


def _marked(column: Column) -> sql.Composed:
    """The id of the key of a row; "" where it does not say."""
    if column.wrapped_apart:
        return sql.Composed([sql.Identifier("key_id")])
    return sql.SQL(
        "CASE WHEN substring({column} FROM 1 FOR 1) = '\\x02'"
        " THEN encode(substring({column} FROM 2 FOR 8), 'hex') ELSE '' END"
    ).format(column=sql.Identifier(column.name))


def _other(column: Column) -> sql.Composed:
    """The condition of rows that are not under the key of `_mark`."""
    if column.wrapped_apart:
        return sql.Composed([sql.SQL("key_id <> %s")])
    return sql.SQL("substring({} FROM 1 FOR 9) <> %s").format(sql.Identifier(column.name))


def _mark(column: Column, key: MasterKey) -> object:
    return key.key_id if column.wrapped_apart else key_mark(key.key_id)


def _table(column: Column) -> sql.Identifier:
    return sql.Identifier(*column.table.split("."))


def _keys(column: Column) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, column.keys))


def name_of(column: Column, row: Row) -> str:
    """What a message calls the value of a row."""
    return f"{column.table}.{column.name} of {', '.join(str(row[key]) for key in column.keys)}"
