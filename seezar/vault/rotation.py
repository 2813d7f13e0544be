"""A new master key in the place of the old one, while everything runs.

Only the wrapped data keys are written again. The order makes every moment safe to be killed in: the new key is in the
key file before anything is encrypted under it, and the old one stays known until nothing is any more.
"""

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from seezar.database import Database
from seezar.errors import KeyUnusable, RotationUnfinished
from seezar.settings import Settings
from seezar.vault.cipher import Cipher
from seezar.vault.columns import COLUMNS, Column
from seezar.vault.keys import KEY_BYTES, MasterKey, key_file, load_keyring, read_key_file, write_key_file
from seezar.vault.proofs import add_proof, stored_keys
from seezar.vault.rewrapping import BATCH, batch_of, count_others, name_of, wrap_row

# The first half of the lock of a master key, as in 0021_vault.sql.
_KEY_LOCK = 7_003_000
_ROTATION_LOCK = 7_003_001
# What was encrypted just before the change has so long to be stored: as long as a process waits for a connection.
SETTLE_S = 10.0
_PAUSE_S = 0.2
# Rows that others have locked are left for the next round; after so long without one less, it is said.
_STUCK_S = 60.0


@dataclass(frozen=True)
class Rotated:
    """What a rotation did.

    Attributes:
        key_id: the current key.
        retired: ids of the keys that nothing is encrypted under any more.
        values: how many data keys were wrapped anew, this time.
        finished: False when it was told to stop before the old keys are retired.
    """

    key_id: str
    retired: tuple[str, ...]
    values: int
    finished: bool


class Rotation:
    """Exchanges the master key of a database.

    Args:
        on_values: told, as it goes on, how many data keys were wrapped anew.
        settle_s: see `SETTLE_S`.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        *,
        on_values: Callable[[int], None] = lambda _: None,
        settle_s: float = SETTLE_S,
    ) -> None:
        self._settings = settings
        self._database = database
        self._on_values = on_values
        self._settle_s = settle_s
        self._values = 0

    async def prepare(self, new: MasterKey | None = None) -> str:
        """Put a new key into the key file beside the current one, so that it is known wherever that file is copied to;
        nothing is encrypted under it yet. Returns its id.

        Raises:
            KeyUnusable: the keys are not in a file of this home, or `new` was in use before.
            RotationUnfinished: another rotation has not come to its end.
        """
        async with self._alone():
            return (await asyncio.to_thread(self._prepared, await stored_keys(self._database), new)).key_id

    async def rotate(self, new: MasterKey | None = None, *, keep_old: bool = False) -> Rotated:
        """Exchange the key; a rotation that was killed, or stopped by `keep_old`, is carried on.

        Args:
            new: the new key; None = a random one, or that of `prepare`.
            keep_old: stop before the old keys are retired, for processes that have not heard of the new one.

        Raises:
            KeyUnusable: a key that is needed is not known here.
            RotationUnfinished: another process is at it, or some values could not be wrapped anew; the old key stays.
        """
        async with self._alone():
            target = await self._target(new)
            cipher = Cipher(load_keyring(self._settings))
            await self._switch(cipher, target)
            switched = time.monotonic()
            await self._wrap_all(cipher, target)
            if keep_old:
                return Rotated(target.key_id, (), self._values, finished=False)
            await asyncio.sleep(max(0.0, switched + self._settle_s - time.monotonic()))
            retired = await self._retire(cipher, target)
        return Rotated(target.key_id, retired, self._values, finished=True)

    @asynccontextmanager
    async def _alone(self) -> AsyncGenerator[None]:
        async with self._database.connection() as connection:
            cursor = await connection.execute("SELECT pg_try_advisory_xact_lock(%s, 0) AS got", (_ROTATION_LOCK,))
            row = await cursor.fetchone()
            if row is None or not row["got"]:
                raise RotationUnfinished(
                    "Another process exchanges the master key at this moment.",
                    kept="It was not disturbed.",
                    next_step="Wait for its end; seezar vault status shows how far it is.",
                )
            yield

    # --- which key

    async def _target(self, new: MasterKey | None) -> MasterKey:
        """The key that everything is to be under."""
        stored = await stored_keys(self._database)
        if self._settings.master_key is None:
            return await asyncio.to_thread(self._prepared, stored, new)
        ring = load_keyring(self._settings)
        standing = [key_id for key_id, retired in stored.items() if not retired]
        if new is not None or standing == [ring.current.key_id]:
            raise KeyUnusable(
                "The master key is given by SEEZAR_MASTER_KEY, which seezar cannot change.",
                kept="Nothing was changed.",
                next_step="Put the new key into it and the old one into SEEZAR_OTHER_MASTER_KEYS, wherever seezar runs "
                "(docs/vault.md says in which order), and rotate again.",
            )
        return ring.current

    def _prepared(self, stored: dict[str, bool], new: MasterKey | None) -> MasterKey:
        """The key of the file that everything is to be under, which is made unless a rotation is under way."""
        if self._settings.master_key is not None:
            raise KeyUnusable(
                "The master key is given by SEEZAR_MASTER_KEY: there is no key file to prepare.",
                kept="Nothing was changed.",
                next_step="Give the new key with SEEZAR_OTHER_MASTER_KEYS, wherever seezar runs; see docs/vault.md.",
            )
        path = key_file(self._settings)
        keys = read_key_file(path)
        standing = [key_id for key_id, retired in stored.items() if not retired]
        # Two that stand are an exchange that did not come to its end: the newer one is the last that was added.
        begun = next((key for key in keys if key.key_id not in stored), None)
        if begun is None and len(standing) > 1:
            begun = next((key for key in keys if key.key_id == standing[-1]), None)
        if new is not None and begun not in (None, new):
            raise RotationUnfinished(
                "Another new key is on its way.",
                kept="Nothing was changed.",
                next_step="Finish that first: seezar vault rotate, without a key.",
            )
        if begun is not None:
            return begun
        if new is not None and new.key_id in stored:
            raise KeyUnusable(
                "That key was in use before.", kept="Nothing was changed.", next_step="Make a new one, or name none."
            )
        fresh = new or MasterKey(os.urandom(KEY_BYTES))
        write_key_file(path, [*keys, fresh])
        return fresh

    async def _switch(self, cipher: Cipher, target: MasterKey) -> None:
        """From here on, new values are encrypted under `target`."""
        missing = [
            key_id
            for key_id, retired in (await stored_keys(self._database)).items()
            if not retired and cipher.keyring.find(key_id) is None
        ]
        if missing:
            raise KeyUnusable(
                f"The master key {missing[0]} is not known here, and values are encrypted under it.",
                kept="Nothing was changed.",
                next_step="Put it into the key file or SEEZAR_OTHER_MASTER_KEYS, and rotate again.",
            )
        # Before the file: what is stored under a key refers to this row.
        async with self._database.connection() as connection:
            await add_proof(connection, target)
        if self._settings.master_key is None:
            path = key_file(self._settings)
            await asyncio.to_thread(write_key_file, path, [target, *read_key_file(path)])
        assert cipher.key_id == target.key_id

    # --- wrapping anew

    async def _wrap_all(self, cipher: Cipher, target: MasterKey) -> None:
        since, least = time.monotonic(), None
        while True:
            damaged = [found for column in COLUMNS for found in await self._wrap_column(cipher, target, column)]
            left = await self._left(target)
            if left == 0:
                return
            if damaged and left <= len(damaged):
                raise RotationUnfinished(
                    f"{len(damaged)} encrypted values do not open under any key, the first is {damaged[0]}.",
                    kept="All others are under the new key. The old one stays, and nothing was deleted.",
                    next_step="Delete what they belong to or restore it, and rotate again.",
                )
            if least is None or left < least:
                since, least = time.monotonic(), left
            if time.monotonic() - since > _STUCK_S:
                raise RotationUnfinished(
                    f"{left} encrypted values are locked by other programs, or still written under the old key.",
                    kept="All others are under the new key. The old one stays.",
                    next_step="Look for programs that have not heard of the new key (seezar status), and rotate again.",
                )
            await asyncio.sleep(_PAUSE_S)

    async def _wrap_column(self, cipher: Cipher, target: MasterKey, column: Column) -> list[str]:
        """Wrap what is not under `target`; returns what does not open."""
        damaged: list[str] = []
        last: tuple[object, ...] | None = None
        while True:
            async with self._database.connection() as connection:
                rows = await batch_of(connection, column, target, last)
                for row in rows:
                    try:
                        await wrap_row(connection, cipher, column, row)
                    except KeyUnusable:
                        damaged.append(name_of(column, row))
                        continue
                    self._values += 1
            self._on_values(self._values)
            if len(rows) < BATCH:
                return damaged
            last = tuple(rows[-1][key] for key in column.keys)

    async def _left(self, target: MasterKey) -> int:
        async with self._database.connection() as connection:
            return sum([await count_others(connection, column, target) for column in COLUMNS])

    async def _retire(self, cipher: Cipher, target: MasterKey) -> tuple[str, ...]:
        standing = [
            key_id
            for key_id, retired in (await stored_keys(self._database)).items()
            if not retired and key_id != target.key_id
        ]
        while standing:
            await self._wrap_all(cipher, target)
            async with self._database.connection() as connection:
                for key_id in standing:
                    # Waits for transactions that have stored something under it.
                    await connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (_KEY_LOCK, key_id))
                if sum([await count_others(connection, column, target) for column in COLUMNS]) == 0:
                    await connection.execute(
                        "UPDATE app.master_key SET retired_at = now() WHERE key_id = ANY(%s)", (standing,)
                    )
                    break
        return tuple(standing)


def drop_key(settings: Settings, stored: dict[str, bool], key_id: str) -> None:
    """Take a retired key out of the key file.

    Args:
        stored: of `stored_keys`.

    Raises:
        KeyUnusable: it is not in the file, or is still needed.
    """
    path = key_file(settings)
    keys = [] if settings.master_key is not None else read_key_file(path)
    if key_id not in [key.key_id for key in keys]:
        raise KeyUnusable(
            f"The key file of this home holds no key {key_id}.",
            kept="Nothing was changed.",
            next_step="seezar vault status lists the keys; those of a variable are taken out there.",
        )
    if keys[0].key_id == key_id or not stored.get(key_id, False):
        raise KeyUnusable(
            f"The key {key_id} is not retired.", kept="Nothing was changed.", next_step="First: seezar vault rotate."
        )
    write_key_file(path, [key for key in keys if key.key_id != key_id])
