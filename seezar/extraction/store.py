"""The definitions that are stored, under their names."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.types.json import Jsonb

from seezar.audit import Audit
from seezar.database import Database, Row
from seezar.errors import AccountUnknown
from seezar.extraction import history
from seezar.extraction.definitions import Definition, ExtractionUnknown, Kept, definition_of

_LATEST = """
SELECT e.name, e.definition, e.version, e.changed_at, r.run_id, r.status, r.finished_at
FROM app.extraction e LEFT JOIN LATERAL (
    SELECT * FROM app.extraction_run r WHERE r.extraction = e.name AND r.finished_at IS NOT NULL
    ORDER BY r.finished_at DESC LIMIT 1) r ON true
"""


@dataclass(frozen=True)
class Stored:
    """A definition that is stored.

    Attributes:
        version: how often it was changed, from 1.
        changed_at: when it was stored as it is.
        last_run: id of the run that ended last; None before the first.
        last_status: how that ended.
        last_at: when.
    """

    definition: Definition
    version: int
    changed_at: datetime
    last_run: str | None = None
    last_status: str | None = None
    last_at: datetime | None = None


class Extractions:
    """The definitions in `app.extraction`, with their tables in schema `data`."""

    def __init__(self, database: Database, audit: Audit) -> None:
        self._database = database
        self._audit = audit

    async def save(self, definition: Definition) -> Kept:
        """Store a definition under its name; one that was there is changed, and its rows stay.

        Raises:
            AccountUnknown: one of its accounts is not here; nothing is stored.
            InvalidInput: a field has been of another type before; nothing is stored.
        """
        data = definition.as_data()
        async with self._database.connection() as connection:
            cursor = await connection.execute(
                "SELECT a FROM unnest(%s::text[]) a WHERE NOT EXISTS (SELECT 1 FROM app.account WHERE name = a)",
                (list(definition.accounts),),
            )
            if (missing := await cursor.fetchone()) is not None:
                raise AccountUnknown(missing["a"], [])
            cursor = await connection.execute(
                "SELECT definition FROM app.extraction WHERE name = %s FOR UPDATE", (definition.name,)
            )
            known = await cursor.fetchone()
            if known is not None and known["definition"] == data:
                return "unchanged"
            await connection.execute(
                "INSERT INTO app.extraction (name, definition) VALUES (%s, %s) ON CONFLICT (name) DO UPDATE SET"
                " definition = excluded.definition, version = app.extraction.version + 1, changed_at = now()",
                (definition.name, Jsonb(data)),
            )
            # What was learnt is of the fields that it had.
            await connection.execute("DELETE FROM app.extraction_recipe WHERE extraction = %s", (definition.name,))
            await history.prepare(connection, definition)
            await self._audit.append(connection, "extraction.save", None, extraction=definition.name)
        return "new" if known is None else "changed"

    async def get(self, name: str) -> Stored:
        """The definition of this name.

        Raises:
            ExtractionUnknown: there is none.
        """
        row = await self._database.one(f"{_LATEST} WHERE e.name = %s", name)
        if row is None:
            raise ExtractionUnknown(
                f"There is no extraction {name!r}.", next_step="See what there is: seezar extract list."
            )
        return _stored(row)

    async def list(self) -> Sequence[Stored]:
        """All of them, by name."""
        return [_stored(row) for row in await self._database.all(f"{_LATEST} ORDER BY e.name")]

    async def remove(self, name: str) -> None:
        """Delete a definition, its runs and all of its rows.

        Raises:
            ExtractionUnknown: there is none of this name.
        """
        async with self._database.connection() as connection:
            cursor = await connection.execute("DELETE FROM app.extraction WHERE name = %s", (name,))
            if not cursor.rowcount:
                raise ExtractionUnknown(
                    f"There is no extraction {name!r}.", next_step="See what there is: seezar extract list."
                )
            await history.drop(connection, name)
            await self._audit.append(connection, "extraction.remove", None, extraction=name)


def _stored(row: Row) -> Stored:
    return Stored(
        definition_of(row["definition"]),
        row["version"],
        row["changed_at"],
        row["run_id"],
        row["status"],
        row["finished_at"],
    )
