"""The SMTP server, by a real client over loopback, into a real PostgreSQL."""

import asyncio
import logging
import os
import smtplib
from collections.abc import Awaitable, Callable
from pathlib import Path

import psycopg
import pytest

from seezar.database import Database
from seezar.errors import InvalidInput, PortTaken
from seezar.mail.service import Mail
from seezar.mail.smtp import MAX_MESSAGE, SmtpServer
from seezar.vault import Cipher, Vault

type Send = Callable[..., Awaitable[None]]
type MakeMail = Callable[..., bytes]


async def test_raw_message_is_stored_byte_for_byte(mail: Mail, send: Send) -> None:
    box = await mail.create()
    raw = b"Subject: 8 bit \xc3\xa4\r\n\r\n..two dots\r\n.one dot\r\n\xff\xfe\x00 trailing \t\r\n\r\n\r\nend"
    await send(box.address, raw, ["BODY=8BITMIME"])
    refs, cursor = await mail.list_since(box, "0")
    assert [ref.cursor for ref in refs] == [cursor]
    # SMTP ends a message with a line end; nothing else may differ.
    assert await mail.source(refs[0]) == raw + b"\r\n"


async def test_unknown_mailbox_and_foreign_domain_are_refused(mail: Mail, send: Send, make_mail: MakeMail) -> None:
    await mail.create(local="known")
    for address, code in (("nobody@mail.seezar.test", 550), ("known@example.org", 550)):
        with pytest.raises(smtplib.SMTPRecipientsRefused) as caught:
            await send(address, make_mail())
        assert caught.value.recipients[address][0] == code


async def test_address_case_does_not_matter(mail: Mail, send: Send, make_mail: MakeMail) -> None:
    box = await mail.create(local="Mixed.Case")
    assert box.address == "mixed.case@mail.seezar.test"
    await send("MIXED.case@Mail.Seezar.TEST", make_mail())
    assert len((await mail.list_since(box, "0"))[0]) == 1


async def test_one_message_reaches_every_recipient(mail: Mail, send: Send, make_mail: MakeMail) -> None:
    boxes = [await mail.create() for n in range(3)]
    await send([box.address for box in boxes], make_mail())
    for box in boxes:
        assert len((await mail.list_since(box, "0"))[0]) == 1


async def test_smtputf8_address(mail: Mail, send: Send, make_mail: MakeMail) -> None:
    box = await mail.create(local="jürgen")
    await send("jürgen@mail.seezar.test", make_mail(subject="Prüfcode"), ["SMTPUTF8", "BODY=8BITMIME"])
    assert (await mail.list_since(box, "0"))[0][0].subject == "Prüfcode"


async def test_long_line_is_accepted(mail: Mail, send: Send) -> None:
    box = await mail.create()
    raw = b"Subject: long\r\n\r\n" + b"x" * 900_000 + b"\r\n"
    await send(box.address, raw)
    assert await mail.source((await mail.list_since(box, "0"))[0][0]) == raw


async def test_too_large_message_is_refused(mail: Mail, send: Send) -> None:
    box = await mail.create()
    line = b"x" * 998 + b"\r\n"
    with pytest.raises(smtplib.SMTPException) as caught:
        await send(box.address, b"Subject: big\r\n\r\n" + line * (MAX_MESSAGE // len(line) + 1))
    assert "552" in str(caught.value)
    assert (await mail.list_since(box, "0"))[0] == []


async def test_message_just_below_the_limit_is_accepted(mail: Mail, send: Send) -> None:
    box = await mail.create()
    line = os.urandom(499).hex().encode() + b"\r\n"
    await send(box.address, b"Subject: big\r\n\r\n" + line * (MAX_MESSAGE // len(line) - 1))
    assert (await mail.list_since(box, "0"))[0][0].size > MAX_MESSAGE - 2000


async def test_port_taken_is_a_typed_error(smtp: SmtpServer, mail: Mail) -> None:
    with pytest.raises(PortTaken) as caught:
        await SmtpServer(mail.local, port=smtp.port).start()
    assert caught.value.status == "port_taken"
    assert str(smtp.port) in str(caught.value)


async def test_only_loopback_is_listened_on(mail: Mail) -> None:
    with pytest.raises(InvalidInput):
        SmtpServer(mail.local, port=0, host="0.0.0.0")  # noqa: S104


async def test_stop_ends_open_connections_and_frees_the_port(mail: Mail) -> None:
    server = SmtpServer(mail.local, port=0)
    await server.start()
    port = server.port
    idle = await asyncio.to_thread(smtplib.SMTP, "127.0.0.1", port)
    async with asyncio.timeout(5):
        await server.stop()
    assert server.port == 0
    again = SmtpServer(mail.local, port=port)
    await again.start()
    await again.stop()
    await asyncio.to_thread(idle.close)


async def test_database_gone_answers_451_and_the_retry_is_stored_once(
    database_url: str, postgres: str, cipher: Cipher, make_mail: MakeMail, tmp_path: Path
) -> None:
    async with await Database.open(database_url, application_name="seezar-test", timeout=1.0) as database:
        mail = Mail(database, Vault(database, cipher), domains=["mail.seezar.test"], config=tmp_path / "mail.toml")
        box = await mail.create()
        server = SmtpServer(mail.local, port=0)
        await server.start()
        raw = make_mail()
        client = await asyncio.to_thread(smtplib.SMTP, "127.0.0.1", server.port)
        try:
            # Two states of a lost database: gone when the recipient is named, and gone after it was accepted.
            await _allow(postgres, database_url, False)
            with pytest.raises(smtplib.SMTPRecipientsRefused) as early:
                await asyncio.to_thread(client.sendmail, "a@site.test", box.address, raw)
            assert early.value.recipients[box.address][0] == 451
            await _allow(postgres, database_url, True)
            await asyncio.to_thread(_envelope, client, box.address)
            await _allow(postgres, database_url, False)
            assert (await asyncio.to_thread(client.data, raw))[0] == 451
            await _allow(postgres, database_url, True)
            for _ in range(2):
                await asyncio.to_thread(client.sendmail, "a@site.test", box.address, raw)
        finally:
            await asyncio.to_thread(client.close)
            await server.stop()
        assert len((await mail.list_since(box, "0"))[0]) == 1


def _envelope(client: smtplib.SMTP, address: str) -> None:
    client.ehlo()
    client.mail("a@site.test")
    assert client.rcpt(address)[0] == 250


async def _allow(postgres: str, url: str, allowed: bool) -> None:
    name = url.partition("?")[0].rpartition("/")[2]
    async with await psycopg.AsyncConnection.connect(postgres, autocommit=True) as admin:
        await admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS {str(allowed).lower()}'.encode())
        if not allowed:
            await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))


async def test_accepted_mail_is_not_logged(
    mail: Mail, send: Send, make_mail: MakeMail, caplog: pytest.LogCaptureFixture
) -> None:
    box = await mail.create()
    caplog.set_level(logging.DEBUG)
    logging.getLogger("mail.log").setLevel(logging.WARNING)
    await send(box.address, make_mail(subject="Code 482913"))
    assert "482913" not in caplog.text
