"""Requests that are repeated: the same key and the same request is the same run."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from seezar.database import Connection, Database, Row
from seezar.errors import IdempotencyConflict, InvalidInput

_LONGEST = 300
_SELECT = "SELECT digest, run_id FROM app.idempotency_key WHERE key = %s"


def digest_of(kind: str, account: str | None, arguments: Sequence[Any]) -> str:
    """What tells a request from another one."""
    text = json.dumps([kind, account, list(arguments)], sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def checked_key(key: str) -> str:
    """The key, as it is.

    Raises:
        InvalidInput: it is empty, too long, or not printable.
    """
    if not key.strip() or len(key) > _LONGEST or not key.isprintable():
        raise InvalidInput(
            "That cannot be the key of a request.",
            kept="Nothing was started.",
            next_step=f"Use 1 to {_LONGEST} printable characters, such as a UUID.",
        )
    return key


class IdempotencyKeys:
    """The keys in `app.idempotency_key`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run_of(self, key: str, digest: str) -> str | None:
        """The id of the run that this request has been given before; None when the key is new.

        Raises:
            IdempotencyConflict: the key was given with another request.
        """
        return _run_of(await self._database.one(_SELECT, key), key, digest)

    async def given(self, key: str) -> str | None:
        """The id of the run that was given with the key, whatever the request; None when the key is new."""
        row = await self._database.one(_SELECT, key)
        return None if row is None else str(row["run_id"])

    async def attach(self, key: str, digest: str, run_id: str) -> bool:
        """Give the request a run that is under way; False when the key or the run is not free for it any more."""
        changed = await self._database.run(
            "INSERT INTO app.idempotency_key (key, digest, run_id) SELECT %s, %s, id FROM app.run WHERE id = %s"
            " ON CONFLICT DO NOTHING",
            key,
            digest,
            run_id,
        )
        return changed == 1


async def claim(connection: Connection, key: str, digest: str, run_id: str) -> bool:
    """Give the request its new run, in the transaction that makes it; False when another caller was first."""
    cursor = await connection.execute(
        "INSERT INTO app.idempotency_key (key, digest, run_id) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
        (key, digest, run_id),
    )
    return cursor.rowcount == 1


async def claimed(connection: Connection, key: str, digest: str) -> bool:
    """Whether this request was given its run before, as the transaction of `connection` sees it.

    Raises:
        IdempotencyConflict: the key was given with another request.
    """
    row = await (await connection.execute(_SELECT, (key,))).fetchone()
    return _run_of(row, key, digest) is not None


def _run_of(row: Row | None, key: str, digest: str) -> str | None:
    if row is None:
        return None
    if row["digest"] != digest:
        raise IdempotencyConflict(
            f"The key {key!r} was used before, for another request: the run {row['run_id']}.",
            kept="That run was left as it is, and nothing was started.",
            next_step="Use a new key for a new request, or repeat the first one exactly.",
        )
    return str(row["run_id"])
