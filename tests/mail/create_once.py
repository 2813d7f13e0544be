"""A process that makes one random mailbox, to be killed meanwhile.

`python -m tests.mail.create_once DATABASE_URL KEY_HEX CONFIG PROVIDER`
"""

import asyncio
import sys
from pathlib import Path

from seezar.database import Database
from seezar.mail.service import Mail
from seezar.vault import Cipher, Vault
from seezar.vault.keys import MasterKey


async def create(url: str, key: str, config: str, provider: str) -> None:
    """Make a mailbox at `provider`."""
    async with await Database.open(url, application_name="seezar-test-maker") as database:
        vault = Vault(database, Cipher(MasterKey(bytes.fromhex(key))))
        async with Mail(database, vault, domains=["mail.seezar.test"], config=Path(config)) as mail:
            await mail.create(provider=provider)


if __name__ == "__main__":
    asyncio.run(create(*sys.argv[1:]))
