"""Processes of the delivery test, made to be killed: one that serves SMTP, and those that use what it stored.

Both are forked from a server process that has imported everything, so that one is there again in a moment.
"""

import asyncio
import multiprocessing
from contextlib import asynccontextmanager
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from seezar.database import Database
from seezar.mail.service import Mail
from seezar.mail.smtp import SmtpServer
from seezar.vault import Cipher, Vault
from seezar.vault.keys import MasterKey

DOMAIN = "mail.seezar.test"
# Who used a message, as the users themselves tell it: written after the claim, so that a kill may come in between.
USED = "CREATE TABLE app.used (message bigint, run text, PRIMARY KEY (message, run))"

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["tests.delivery"])


@asynccontextmanager
async def opened_mail(url: str, key: bytes, folder: Path):
    """Database and mail of one process."""
    async with await Database.open(url, application_name="seezar-test") as database:
        vault = Vault(database, Cipher(MasterKey(key)))
        async with Mail(database, vault, domains=[DOMAIN], config=folder / "mail.toml") as mail:
            yield database, mail


def serving(url: str, key: bytes, folder: Path, port: int) -> ForkServerProcess:
    """A started process that serves SMTP at `port`."""
    return _started(_serve, url, key, folder, port)


def using(url: str, key: bytes, folder: Path, addresses: list[str], run: str) -> ForkServerProcess:
    """A started process that claims for `run` whatever comes, and writes down what it got."""
    return _started(_use, url, key, folder, addresses, run)


def _started(target: object, *arguments: object) -> ForkServerProcess:
    process = _context.Process(target=target, args=arguments, daemon=True)  # pyright: ignore[reportArgumentType]
    process.start()
    return process


def _serve(url: str, key: bytes, folder: Path, port: int) -> None:
    async def serve() -> None:
        async with opened_mail(url, key, folder) as (_, mail):
            await SmtpServer(mail.local, port=port).start()
            await asyncio.Event().wait()

    asyncio.run(serve())


def _use(url: str, key: bytes, folder: Path, addresses: list[str], run: str) -> None:
    async def use() -> None:
        async with opened_mail(url, key, folder) as (database, mail):
            # What was claimed before a kill and not written down is claimed again: from the beginning, therefore.
            noted = {row["message"] for row in await database.all("SELECT message FROM app.used")}
            boxes = {await mail.address(address): "0" for address in addresses}
            while True:
                for box, cursor in boxes.items():
                    refs, boxes[box] = await mail.list_since(box, cursor)
                    for ref in refs:
                        if int(ref.id) not in noted and await mail.claim(ref.id, run):
                            await database.run(
                                "INSERT INTO app.used VALUES (%s, %s) ON CONFLICT DO NOTHING", int(ref.id), run
                            )
                first = next(iter(boxes))
                await mail.store.wait(first.address, boxes[first], 0.05)

    asyncio.run(use())
