"""Nothing that was answered 250 is lost, and nothing is used twice, whoever is killed in the middle."""

import asyncio
import os
import random
import smtplib
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest

from seezar.database import Database
from seezar.mail.provider import Address
from seezar.mail.service import Mail
from seezar.mail.smtp import MAX_LINE, MAX_MESSAGE, SmtpServer
from seezar.vault import Cipher, Vault
from seezar.vault.keys import MasterKey
from tests.delivery import DOMAIN, USED, serving, using
from tests.world import free_port

type Send = Callable[..., Awaitable[None]]

_DELIVERIES = 1000
_SERVER_KILLS = 20
_USER_KILLS = 12
_SENDERS = 4
_USERS = 3
_BOXES = 5
# Of the whole of it on a loaded machine; on a quiet one it takes a quarter.
_DEADLINE_S = 170
# A sender that was not answered tries again; real ones wait for minutes.
_RETRY_S = 0.02


class Sender(threading.Thread):
    """Delivers its mails one after the other, each until it is answered 250, as an SMTP client does.

    Attributes:
        unanswered: how often a delivery broke off and was begun again.
    """

    def __init__(self, port: int, mails: list[tuple[list[str], bytes]], accepted: Callable[[], None]) -> None:
        super().__init__(daemon=True)
        self._port = port
        self._mails = mails
        self._accepted = accepted
        self.unanswered = 0

    def run(self) -> None:
        """Deliver."""
        deadline = time.monotonic() + _DEADLINE_S
        client: smtplib.SMTP | None = None
        for to, raw in self._mails:
            while time.monotonic() < deadline:
                try:
                    client = client or smtplib.SMTP("127.0.0.1", self._port, local_hostname="localhost", timeout=10)
                    assert client.sendmail("no-reply@site.test", to, raw) == {}
                    self._accepted()
                    break
                except (OSError, smtplib.SMTPException):
                    if client is not None:
                        self.unanswered += 1
                        client.close()
                        client = None
                    time.sleep(_RETRY_S)


class Killer:
    """Kills processes when so many deliveries were answered, and starts them again.

    Args:
        chance: where the moments come from.
        kinds: of each process how to start it, and how often it is killed.
    """

    def __init__(self, chance: random.Random, kinds: list[tuple[Callable[[], ForkServerProcess], int]]) -> None:
        self._chance = chance
        self._start = [start for start, _ in kinds]
        self._running = [start() for start in self._start]
        self._moments = sorted(
            (chance.randrange(1, _DELIVERIES - 10), number) for number, (_, n) in enumerate(kinds) for _ in range(n)
        )
        self.kills = Counter[int]()

    async def keep_killing(self, answered: Callable[[], int]) -> None:
        """Until all kills are done."""
        for moment, number in self._moments:
            while answered() < moment:  # noqa: ASYNC110 - counted by threads
                await asyncio.sleep(0.002)
            # Somewhere within a delivery.
            await asyncio.sleep(self._chance.uniform(0, 0.02))
            process = self._running[number]
            assert process.is_alive(), "it ended by itself"
            process.kill()
            await asyncio.to_thread(process.join, 10)
            self._running[number] = self._start[number]()
            self.kills[number] += 1

    def stop(self) -> None:
        """Kill them all."""
        for process in self._running:
            process.kill()
            process.join(10)


async def test_no_mail_is_lost_or_used_twice_when_processes_are_killed(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    seed = int(os.environ.get("DELIVERY_SEED", random.SystemRandom().getrandbits(32)))
    print(f"again with DELIVERY_SEED={seed}")  # noqa: T201 - shown when it fails
    chance, key, port = random.Random(seed), chance_key(seed), free_port()
    vault = Vault(database, Cipher(MasterKey(key)))
    await vault.check_key()
    await database.run(USED)
    async with Mail(database, vault, domains=[DOMAIN], config=tmp_path / "mail.toml") as mail:
        boxes = [await mail.create() for _ in range(_BOXES)]
        addresses = [box.address for box in boxes]
        mails = [(chance.sample(addresses, chance.choice((1, 1, 1, 2))), made(n, chance)) for n in range(_DELIVERIES)]
        answered = [0] * _SENDERS
        senders = [
            Sender(port, mails[n::_SENDERS], lambda n=n: answered.__setitem__(n, answered[n] + 1))
            for n in range(_SENDERS)
        ]
        users = [lambda n=n: using(database_url, key, tmp_path, addresses, f"run-{n}") for n in range(_USERS)]
        killer = Killer(
            chance,
            [
                (lambda: serving(database_url, key, tmp_path, port), _SERVER_KILLS),
                *((start, _USER_KILLS // _USERS) for start in users),
            ],
        )
        try:
            async with asyncio.timeout(_DEADLINE_S):
                for sender in senders:
                    sender.start()
                await killer.keep_killing(lambda: sum(answered))
                await asyncio.gather(*(asyncio.to_thread(sender.join) for sender in senders))
                assert sum(answered) == _DELIVERIES
                rows = sum(len(to) for to, _ in mails)
                await until(database, "SELECT count(DISTINCT message) = %s AS yes FROM app.used", rows)
        finally:
            killer.stop()
        assert sum(killer.kills.values()) == _SERVER_KILLS + _USER_KILLS
        assert sum(sender.unanswered for sender in senders) >= _SERVER_KILLS, "the senders noticed nothing"
        assert await stored(mail, boxes) == Counter((to, raw) for both, raw in mails for to in both)
        twice = await database.all("SELECT message FROM app.used GROUP BY message HAVING count(*) > 1")
        assert twice == [], "two runs were told that a mail is theirs"
        wrong = (
            "SELECT 1 FROM app.used u JOIN app.message m ON m.id = u.message WHERE m.consumed_by IS DISTINCT FROM u.run"
        )
        assert await database.one(wrong) is None
        assert await database.one("SELECT 1 FROM app.message WHERE consumed_by IS NULL") is None


async def test_the_longest_line_is_taken_and_a_longer_one_refused(mail: Mail, send: Send) -> None:
    box = await mail.create()
    head = b"Subject: long\r\n\r\n"
    longest = head + b"x" * (MAX_LINE - 2) + b"\r\n"
    await send(box.address, longest)
    with pytest.raises(smtplib.SMTPDataError) as caught:
        await send(box.address, head + b"y" * (MAX_LINE + 1) + b"\r\n")
    assert caught.value.smtp_code == 500
    await send(box.address, head + b"after\r\n")
    refs, _ = await mail.list_since(box, "0")
    assert [await mail.source(ref) for ref in refs] == [longest, head + b"after\r\n"]


async def test_a_size_told_beforehand_is_refused_before_the_message(mail: Mail, smtp: SmtpServer) -> None:
    box = await mail.create()

    def tell() -> int:
        with smtplib.SMTP("127.0.0.1", smtp.port, timeout=20) as client:
            client.ehlo()
            assert int(client.esmtp_features["size"]) == MAX_MESSAGE
            assert "8bitmime" in client.esmtp_features
            assert "smtputf8" in client.esmtp_features
            refused, _ = client.mail("a@site.test", [f"SIZE={MAX_MESSAGE + 1}"])
            client.sendmail("a@site.test", box.address, made(1, random.Random(1)))
            return refused

    assert await asyncio.to_thread(tell) == 552
    assert len((await mail.list_since(box, "0"))[0]) == 1


async def test_a_utf8_subject_and_sender_are_read(mail: Mail, send: Send) -> None:
    box = await mail.create(local="用户")
    raw = "From: Büro <büro@site.test>\r\nSubject: Dein Prüfcode für 用户\r\n\r\nÄöü\r\n".encode()
    await send(box.address, raw, ["SMTPUTF8", "BODY=8BITMIME"])
    (ref,), _ = await mail.list_since(box, "0")
    assert (ref.sender, ref.subject) == ("büro@site.test", "Dein Prüfcode für 用户")
    assert await mail.source(ref) == raw


async def test_deliveries_at_once_are_all_stored_and_the_same_one_once(mail: Mail, send: Send) -> None:
    box = await mail.create()
    chance = random.Random(1)
    mails = [made(number, chance) for number in range(8)]
    await asyncio.gather(*(send(box.address, raw) for raw in (*mails, *mails)))
    assert await stored(mail, [box]) == Counter((box.address, raw) for raw in mails)


def chance_key(seed: int) -> bytes:
    """A master key that all processes of the test have."""
    return random.Random(seed ^ 1).randbytes(32)


def made(number: int, chance: random.Random) -> bytes:
    """A mail that differs from all others, a few of them long; ends with a line end, as every mail does after SMTP."""
    filler = ("x" * 70 + "\r\n") * chance.choice((0, 3, 30, 3000))
    return (
        f"From: Site <no-reply@site.test>\r\nSubject: Code {number}\r\nMessage-ID: <{number}@site.test>\r\n\r\n"
        f"Your verification code is {chance.randrange(10**6):06}.\r\n{filler}"
    ).encode()


async def stored(mail: Mail, boxes: list[Address]) -> Counter[tuple[str, bytes]]:
    """How often which mail is stored for whom."""
    found = Counter[tuple[str, bytes]]()
    for box in boxes:
        for ref in (await mail.list_since(box, "0"))[0]:
            found[box.address, await mail.source(ref)] += 1
    return found


async def until(database: Database, query: str, *arguments: object) -> None:
    """Wait until the query says yes; the caller has the deadline."""
    while not (await database.one(query, *arguments) or {})["yes"]:  # noqa: ASYNC110 - processes that are killed
        await asyncio.sleep(0.05)
