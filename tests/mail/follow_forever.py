"""A process that fetches what arrives in one mailbox until it is killed.

`python -m tests.mail.follow_forever DATABASE_URL KEY_HEX CONFIG ADDRESS`
"""

import asyncio
import sys
from pathlib import Path

from seezar.database import Database
from seezar.mail.service import Mail
from seezar.vault import Cipher, Vault
from seezar.vault.keys import MasterKey


async def follow(url: str, key: str, config: str, address: str) -> None:
    """Fetch for `address`."""
    async with await Database.open(url, application_name="seezar-test-follower") as database:
        vault = Vault(database, Cipher(MasterKey(bytes.fromhex(key))))
        async with Mail(database, vault, domains=["mail.seezar.test"], config=Path(config)) as mail:
            await mail.follow(await mail.address(address))


if __name__ == "__main__":
    asyncio.run(follow(*sys.argv[1:]))
