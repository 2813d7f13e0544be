"""Runs whose worker died: counted, told in the timeline, and put aside when they take one worker after another down."""

from dataclasses import dataclass

from psycopg.types.json import Jsonb

from seezar.accounts.runs import CHANNEL
from seezar.database import Database

PARKED = "parked"

_COUNT = """
WITH counted AS (
    UPDATE app.run SET adoptions = adoptions + 1 WHERE workflow_id = %(workflow)s AND finished_at IS NULL
    RETURNING id, adoptions, attempts),
told AS (
    INSERT INTO app.run_event (run_id, step, message, detail, attempt, worker)
    SELECT id, 'adopted', %(message)s, %(detail)s || jsonb_build_object('adoptions', adoptions), nullif(attempts, 0),
           %(by)s
    FROM counted WHERE adoptions <= %(most)s RETURNING run_id)
SELECT c.id AS run_id, c.adoptions, pg_notify(%(channel)s, c.id) FROM counted c LEFT JOIN told t ON t.run_id = c.id
"""


@dataclass(frozen=True)
class Adoption:
    """A run that was found without its worker. `adoptions` counts this time as well."""

    run_id: str
    adoptions: int


class Adoptions:
    """The adoptions in `app.run`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def count(self, workflow_id: str, *, died: str, by: str, most: int) -> Adoption | None:
        """Count that the run of a workflow is taken up after its worker died, and say so in its timeline.

        Args:
            died: the name of the worker that died.
            by: that of the worker that takes it up.
            most: above so many, nothing is told: the run is not taken up again.

        Returns:
            None when the workflow works on no run that is still open.
        """
        values = {
            "workflow": workflow_id,
            "message": f"{died} died here; {'started anew, it' if by == died else by} took the run up",
            "detail": Jsonb({"died": died, "by": by}),
            "by": by,
            "most": most,
            "channel": CHANNEL,
        }
        async with self._database.connection() as connection:
            row = await (await connection.execute(_COUNT, values)).fetchone()
        return None if row is None else Adoption(row["run_id"], row["adoptions"])

    async def is_parked(self, workflow_id: str) -> bool:
        """Whether the run of a workflow has ended because it took its workers down."""
        row = await self._database.one(
            "SELECT 1 FROM app.run WHERE workflow_id = %s AND status = %s AND finished_at IS NOT NULL",
            workflow_id,
            PARKED,
        )
        return row is not None
