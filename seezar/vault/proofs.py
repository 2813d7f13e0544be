"""Which master keys the data of a database are encrypted under: `app.master_key`, with a proof for each."""

from seezar.database import Connection, Database, Row
from seezar.errors import KeyUnusable
from seezar.vault.cipher import Cipher
from seezar.vault.keys import Keyring, MasterKey

_PROOF = b"seezar"
_CONTEXT = "proof"
# seezar doctor looks at databases that were not migrated yet, in which the column is missing.
_READ = (
    "SELECT key_id, proof, to_jsonb(k) ->> 'retired_at' AS retired_at FROM app.master_key k ORDER BY created_at, key_id"
)
_KEPT = "Nothing was changed; the secrets are still there under the old key."


async def stored_keys(database: Database) -> dict[str, bool]:
    """The ids of the keys, the oldest first, and whether each was retired."""
    rows = await database.all("SELECT key_id, retired_at FROM app.master_key ORDER BY created_at, key_id")
    return {row["key_id"]: row["retired_at"] is not None for row in rows}


async def add_proof(connection: Connection, key: MasterKey) -> None:
    """Note, in the caller's transaction, that values may be encrypted under `key`; noted already is fine."""
    await connection.execute(
        "INSERT INTO app.master_key (key_id, proof, created_at) VALUES (%s, %s, clock_timestamp())"
        " ON CONFLICT (key_id) DO NOTHING",
        (key.key_id, Cipher(key).encrypt(_PROOF, context=_CONTEXT)),
    )


async def check_keys(database: Database, keyring: Keyring) -> None:
    """Make sure that the master keys are those that the data were encrypted with.

    The first key is remembered, and so is a current one that stands beside one of them.

    Raises:
        KeyUnusable: one is missing, or all are others, or the current one was retired.
    """
    rows = await database.all(_READ)
    current = keyring.current
    if current.key_id not in [row["key_id"] for row in rows]:
        async with database.connection() as connection:
            # Of two processes with two keys, one is the first.
            await connection.execute("LOCK TABLE app.master_key IN SHARE ROW EXCLUSIVE MODE")
            rows = await (await connection.execute(_READ)).fetchall()
            if not rows or any(_proves(row, keyring) for row in rows):
                await add_proof(connection, current)
                rows = await (await connection.execute(_READ)).fetchall()
    by_id = {row["key_id"]: row for row in rows}
    if current.key_id not in by_id or not _proves(by_id[current.key_id], keyring):
        raise KeyUnusable(
            "The master key is not the one that this database was encrypted with.",
            kept=_KEPT,
            next_step="Put the old key back (SEEZAR_MASTER_KEY or the key file), or use another SEEZAR_HOME.",
        )
    if by_id[current.key_id]["retired_at"] is not None:
        raise KeyUnusable(
            f"The master key {current.key_id} was retired.",
            kept=_KEPT,
            next_step="Take the key that came after it (the key file, or SEEZAR_MASTER_KEY).",
        )
    for key_id, row in by_id.items():
        if row["retired_at"] is None and not _proves(row, keyring):
            raise KeyUnusable(
                f"The master key {key_id} is not known here, and values are encrypted under it.",
                kept=_KEPT,
                next_step="Put it into the key file or SEEZAR_OTHER_MASTER_KEYS as well; see docs/vault.md.",
            )


def _proves(row: Row, keyring: Keyring) -> bool:
    """Whether the keyring has the key of a row, and it is the very key."""
    key = keyring.find(row["key_id"])
    try:
        return key is not None and Cipher(key).decrypt(bytes(row["proof"]), context=_CONTEXT) == _PROOF
    except KeyUnusable:
        return False
