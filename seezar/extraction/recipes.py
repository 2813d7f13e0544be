"""Where the rows of an extraction stand on pages of a site: what was learnt when a model had pointed at them."""

from psycopg.types.json import Jsonb

from seezar.database import Database
from seezar.extraction.learning import Selectors


class ExtractionRecipes:
    """The rows of `app.extraction_recipe`; `path` is the template of a page's address."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, extraction: str, path: str) -> Selectors | None:
        """What was learnt on pages like this one."""
        row = await self._database.one(
            "SELECT rows, fields FROM app.extraction_recipe WHERE extraction = %s AND path = %s", extraction, path
        )
        return None if row is None else Selectors(row["rows"], row["fields"])

    async def learn(self, extraction: str, path: str, selectors: Selectors) -> None:
        """Keep what has just worked."""
        await self._database.run(
            "INSERT INTO app.extraction_recipe (extraction, path, rows, fields) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT (extraction, path) DO UPDATE SET rows = excluded.rows, fields = excluded.fields,"
            " learned_at = now()",
            extraction,
            path,
            selectors.rows,
            Jsonb(dict(selectors.fields)),
        )

    async def drop(self, extraction: str, path: str) -> None:
        """Forget what does not hold any more."""
        await self._database.run(
            "DELETE FROM app.extraction_recipe WHERE extraction = %s AND path = %s", extraction, path
        )
