"""Pictures of the pages on which sign-ins came to a stop, encrypted."""

from dataclasses import dataclass, field
from datetime import datetime

from seezar.database import Database
from seezar.errors import InvalidInput
from seezar.vault import Cipher
from seezar.vault.columns import PICTURE


@dataclass(frozen=True)
class Picture:
    """A PNG of the page on which an attempt ended with `status`."""

    run_id: str
    attempt: int
    status: str
    taken_at: datetime
    image: bytes = field(repr=False)


class Pictures:
    """The pictures in `app.picture`."""

    def __init__(self, database: Database, cipher: Cipher) -> None:
        self._database = database
        self._cipher = cipher

    async def store(self, run_id: str, attempt: int, status: str, image: bytes) -> None:
        """Keep the picture of an attempt; a later one of the same attempt replaces it."""
        await self._database.run(
            "INSERT INTO app.picture (run_id, attempt, status, image) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT (run_id, attempt) DO UPDATE SET status = excluded.status, image = excluded.image,"
            " taken_at = now()",
            run_id,
            attempt,
            status,
            self._cipher.encrypt(image, context=PICTURE.context(run_id, attempt)),
        )

    async def attempts(self, run_id: str) -> list[int]:
        """The attempts of the run that have a picture, oldest first."""
        rows = await self._database.all("SELECT attempt FROM app.picture WHERE run_id = %s ORDER BY attempt", run_id)
        return [int(row["attempt"]) for row in rows]

    async def get(self, run_id: str, attempt: int | None = None) -> Picture:
        """The picture of an attempt, the last one that has a picture when None.

        Raises:
            InvalidInput: there is none.
            KeyUnusable: it does not open.
        """
        row = await self._database.one(
            "SELECT * FROM app.picture WHERE run_id = %s AND (%s::int IS NULL OR attempt = %s)"
            " ORDER BY attempt DESC LIMIT 1",
            run_id,
            attempt,
            attempt,
        )
        if row is None:
            raise InvalidInput(
                f"There is no picture of the run {run_id!r}.",
                next_step="One is taken only where a sign-in comes to a stop on a page.",
            )
        number = int(row["attempt"])
        image = self._cipher.decrypt(bytes(row["image"]), context=PICTURE.context(run_id, number))
        return Picture(run_id, number, row["status"], row["taken_at"], image)
