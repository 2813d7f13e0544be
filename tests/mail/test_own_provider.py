"""The example of docs/mail.md: a provider in one file, as it stands there."""

import asyncio
import re
import sys
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from seezar.database import Database
from seezar.mail.envelopes import envelopes
from seezar.mail.errors import MailboxUnknown, MailDomainNotServed
from seezar.mail.provider import MailFilter
from seezar.mail.service import Mail
from seezar.mail.table import load_table
from seezar.vault import Vault

PAGE = (Path(__file__).parents[2] / "docs" / "mail.md").read_text(encoding="utf-8")
[MODULE] = re.findall(r"^```python\n(.*?)^```$", PAGE, re.M | re.S)
TABLES = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.M | re.S)


@pytest.fixture
def boxes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of the maildirs; the module can be imported, and `mail.toml` lies beside them."""
    plugins = tmp_path / "path" / "mailplugins"
    plugins.mkdir(parents=True)
    (plugins / "maildirs.py").write_text(MODULE)
    monkeypatch.syspath_prepend(plugins.parent)
    folder = tmp_path / "boxes"
    (tmp_path / "mail.toml").write_text(TABLES[1].replace("/var/mail/boxes", str(folder)))
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] == "mailplugins"]:
        del sys.modules[name]


def deliver(box: Path, name: str, subject: str) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "no-reply@harbor.test", box.name, subject
    message.set_content("Your verification code is 481516.\n")
    (box / name).write_bytes(message.as_bytes())
    (box / name).rename(box / "new" / name)


def test_it_is_short() -> None:
    assert MODULE.count("\n") <= 60


@pytest.mark.asyncio
async def test_it_works_as_it_stands_there(database: Database, vault: Vault, boxes: Path) -> None:
    config = boxes.parent / "mail.toml"
    async with Mail(database, vault, domains=["mail.seezar.test"], config=config) as mail:
        made = await mail.create("ann", provider="maildirs")
        assert (made.address, made.provider) == ("ann@boxes.test", "maildirs")
        since = await mail.cursor(made)
        deadline = datetime.now(UTC) + timedelta(seconds=30)
        waiting = asyncio.create_task(mail.wait(made, since=since, match=MailFilter(), deadline=deadline))
        deliver(boxes / made.address, "1", "One")
        assert (await waiting).subject == "One"
        deliver(boxes / made.address, "2", "Two")
        assert [e.subject for e in await envelopes(mail, made, limit=9)] == ["Two", "One"]
        [newest] = await envelopes(mail, made, limit=1)
        await mail.delete_message(await mail.by_handle(newest.handle.removeprefix("mail:")))
        assert [file.name for file in (boxes / made.address / "new").iterdir()] == ["1"]
        assert [e.subject for e in await envelopes(mail, made, limit=9)] == ["One"]
        with pytest.raises(MailDomainNotServed):
            await mail.create("ann", provider="maildirs", domain="elsewhere.test")

        (boxes / "bob@boxes.test" / "new").mkdir(parents=True)
        deliver(boxes / "bob@boxes.test", "0", "From before")
        bob = await mail.add("bob@boxes.test")
        with pytest.raises(MailboxUnknown):
            await mail.add("nobody@boxes.test")
        deliver(boxes / "bob@boxes.test", "1", "From now on")
        assert "From now on" in [e.subject for e in await envelopes(mail, bob, limit=9)]
        await mail.delete(made.address)
        assert not (boxes / made.address).exists()
        with pytest.raises(MailboxUnknown):
            await mail.address(made.address)


def test_every_entry_of_the_page_can_be_read_and_connected(tmp_path: Path) -> None:
    from importlib import import_module

    config = tmp_path / "mail.toml"
    config.write_text(TABLES[0])
    assert [row["name"] for row in tomllib.loads(TABLES[0])["provider"]]
    for entry in load_table(config, environment={"SMTPDEV_KEY": "k", "DUCKMAIL_KEY": "k"}):
        provider = import_module(f"seezar.mail.providers.{entry.kind}").connect(entry, None)
        assert provider.name == entry.name
