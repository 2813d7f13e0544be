"""Mailboxes at a provider elsewhere: made, attached, waited on and deleted. The provider keeps maildirs."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from seezar.database import Database
from seezar.errors import SecretMissing, SettingsInvalid
from seezar.mail.errors import (
    MailboxTaken,
    MailboxUnknown,
    MailDomainNotServed,
    MailNotReceived,
    MailProviderRefused,
    MailProviderUnavailable,
    MailProviderUnknown,
)
from seezar.mail.provider import MailFilter
from seezar.mail.service import Mail
from tests.mail.folder_provider import DOMAIN, deliver, open_box, write_table

type MakeMail = Callable[..., bytes]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of the provider `folder`, whose entry is in the table."""
    folder = tmp_path / "provider"
    write_table(tmp_path / "mail.toml", folder)
    return folder


def _homes(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_dir()]


async def _rows(database: Database) -> list[int]:
    row = await database.one(
        "SELECT (SELECT count(*) FROM app.mailbox) AS mailboxes, (SELECT count(*) FROM app.message) AS messages,"
        " (SELECT count(*) FROM app.message_passed) AS passed, (SELECT count(*) FROM app.secret) AS secrets"
    )
    return list(row.values()) if row else []


def _soon(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


async def test_a_mailbox_is_made_with_a_password_of_its_own(mail: Mail, folder: Path, database: Database) -> None:
    box = await mail.create(provider="folder")
    assert (box.provider, box.id) == ("folder", f"box-{box.address}")
    assert box.address.endswith(f"@{DOMAIN}")
    password = (folder / box.address / "password").read_text()
    assert len(password) >= 24
    row = await database.one("SELECT string_agg(t::text, '') AS text FROM app.secret t")
    assert row is not None
    assert password not in row["text"]
    assert password.encode().hex() not in row["text"]
    by_domain = await mail.create("chosen", domain=DOMAIN.upper())
    assert (by_domain.address, by_domain.provider) == (f"chosen@{DOMAIN}", "folder")
    assert [found.address for found in await mail.addresses()] == [box.address, by_domain.address]


async def test_making_goes_on_after_a_lost_answer(mail: Mail, folder: Path, database: Database) -> None:
    (folder / "answer-lost").touch()
    with pytest.raises(MailProviderUnavailable):
        await mail.create(provider="folder", idempotency_key="k")
    [home] = _homes(folder)
    # It is no mailbox yet for whoever looks.
    assert await mail.addresses() == []
    with pytest.raises(MailboxUnknown):
        await mail.address(home.name)
    made = await asyncio.gather(*(mail.create(provider="folder", idempotency_key="k") for _ in range(4)))
    assert {box.address for box in made} == {home.name}
    await mail.collect(made[0])
    assert _homes(folder) == [home]


async def test_what_a_provider_will_not_make_leaves_nothing(mail: Mail, folder: Path, database: Database) -> None:
    open_box(folder, f"theirs@{DOMAIN}", "another password")
    with pytest.raises(MailboxTaken):
        await mail.create("theirs", provider="folder")
    assert await _rows(database) == [0, 0, 0, 0]
    with pytest.raises(MailDomainNotServed):
        await mail.create("x", provider="folder", domain="elsewhere.test")
    with pytest.raises(MailProviderUnknown) as unknown:
        await mail.create(provider="nobody")
    assert "local, folder" in str(unknown.value)


async def test_making_without_a_key_goes_on_where_the_address_is_named(
    mail: Mail, folder: Path, database: Database
) -> None:
    (folder / "answer-lost").touch()
    with pytest.raises(MailProviderUnavailable):
        await mail.create("ops", provider="folder")
    password = (folder / f"ops@{DOMAIN}" / "password").read_text()
    box = await mail.create("ops", provider="folder")
    assert box == await mail.ensure(f"ops@{DOMAIN}")
    assert (folder / box.address / "password").read_text() == password
    # A mailbox that there is is not made again.
    with pytest.raises(MailboxTaken):
        await mail.create("ops", provider="folder")
    await mail.collect(box)
    # Of a random address nothing is left: nobody was told it.
    before = await _rows(database)
    (folder / "answer-lost").touch()
    with pytest.raises(MailProviderUnavailable):
        await mail.create(provider="folder")
    assert await _rows(database) == before


async def test_a_refusal_leaves_a_mailbox_that_somebody_else_made_meanwhile(
    mail: Mail, folder: Path, database: Database, make_mail: MakeMail
) -> None:
    """Two make the same address, and the provider, which has room for one, answers the slower one that it is full."""
    (folder / "answer-lost").touch()
    with pytest.raises(MailProviderUnavailable):
        await mail.ensure(f"ops@{DOMAIN}")
    reserved = await mail._directory.find(f"ops@{DOMAIN}")
    assert reserved is not None
    box = await mail.ensure(reserved.address)
    (folder / "refusing").touch()
    with pytest.raises(MailProviderRefused):
        await mail._make(reserved)
    (folder / "refusing").unlink()
    assert await mail.address(box.address) == box
    deliver(folder, box.address, make_mail(number=1))
    await mail.collect(box)


async def test_ensure_makes_a_mailbox_where_a_provider_serves_the_domain(mail: Mail, folder: Path) -> None:
    await mail.check_served(f"ops@{DOMAIN}")
    assert not (folder / f"ops@{DOMAIN}").exists()
    (folder / "answer-lost").touch()
    with pytest.raises(MailProviderUnavailable):
        await mail.ensure(f"ops@{DOMAIN}")
    box = await mail.ensure(f"Ops@{DOMAIN}")
    assert await mail.ensure(box.address) == box
    (folder / "unavailable").touch()
    with pytest.raises(MailProviderUnavailable):
        await mail.ensure("ops@unknown.test")
    # Our own domains need nobody.
    assert (await mail.ensure("ops@mail.seezar.test")).provider == "local"


async def test_an_address_that_exists_is_attached_behind_what_lies_there(
    mail: Mail, folder: Path, database: Database, make_mail: MakeMail
) -> None:
    address = f"mine@{DOMAIN}"
    open_box(folder, address, "right")
    deliver(folder, address, make_mail(subject="private", number=1))
    with pytest.raises(MailProviderRefused):
        await mail.add(address, password=SecretStr("wrong"))
    assert await mail.addresses() == []
    assert await database.all("SELECT 1 FROM app.secret") == []
    box = await mail.add(address, password=SecretStr("right"))
    deliver(folder, address, make_mail(subject="for us", number=2))
    await mail.collect(box)
    # The provider's overlap shows the old one again; only its time of receipt could tell, and that is recent.
    assert "for us" in [ref.subject for ref in (await mail.list_since(box))[0]]
    with pytest.raises(MailboxUnknown):
        await mail.add(f"nobody@{DOMAIN}", password=SecretStr("x"))


async def test_a_new_password_replaces_the_old_only_if_it_opens(mail: Mail, folder: Path, make_mail: MakeMail) -> None:
    address = f"mine@{DOMAIN}"
    open_box(folder, address, "first")
    await mail.add(address, password=SecretStr("first"))
    with pytest.raises(MailProviderRefused):
        await mail.add(address, password=SecretStr("wrong"))
    box = await mail.address(address)
    await mail.collect(box)
    (folder / address / "password").write_text("second")
    with pytest.raises(MailProviderRefused):
        await mail.collect(box)
    await mail.add(address, password=SecretStr("second"))
    deliver(folder, address, make_mail(number=1))
    await mail.collect(box)
    assert len((await mail.list_since(box))[0]) == 1


async def test_a_password_is_tried_even_where_an_earlier_one_has_opened_the_box(
    mail: Mail, folder: Path, tmp_path: Path
) -> None:
    write_table(tmp_path / "mail.toml", folder, remembers=True)
    address = f"mine@{DOMAIN}"
    open_box(folder, address, "right")
    box = await mail.add(address, password=SecretStr("right"))
    await mail.collect(box)
    with pytest.raises(MailProviderRefused):
        await mail.add(address, password=SecretStr("wrong"))
    assert await mail.providers.password(box) == "right"


async def test_a_password_goes_only_to_where_it_was_entered_for(mail: Mail, folder: Path, tmp_path: Path) -> None:
    box = await mail.create(provider="folder")
    config = tmp_path / "mail.toml"
    config.write_text(config.read_text().replace("127.0.0.1:1", "127.0.0.1:2"))
    with pytest.raises(SecretMissing) as caught:
        await mail.collect(box)
    assert "seezar mail add" in str(caught.value)


async def test_the_table_is_read_again_when_it_has_changed(mail: Mail, tmp_path: Path) -> None:
    with pytest.raises(MailProviderUnknown):
        await mail.create(provider="folder")
    write_table(tmp_path / "mail.toml", tmp_path / "provider")
    assert (await mail.create(provider="folder")).provider == "folder"
    (tmp_path / "mail.toml").write_text('[[provider]]\nname = "folder"\nkind = "no_such_kind"\n')
    with pytest.raises(SettingsInvalid) as caught:
        await mail.create(provider="folder")
    assert "no_such_kind" in str(caught.value)


async def test_waiting_fetches_from_the_provider(mail: Mail, folder: Path, make_mail: MakeMail) -> None:
    box = await mail.create(provider="folder")
    since = await mail.cursor(box)
    wanted = MailFilter(accept=lambda ref: ref.subject == "wanted")
    waiting = asyncio.create_task(mail.wait(box, since=since, match=wanted, deadline=_soon(30)))
    deliver(folder, box.address, make_mail(subject="other", number=1))
    deliver(folder, box.address, make_mail(subject="wanted", number=2))
    async with asyncio.timeout(10):
        assert (await waiting).subject == "wanted"
    # A deadline that passed while nobody was waiting: what lies at the provider is still looked at once.
    deliver(folder, box.address, make_mail(subject="late", number=3))
    late = MailFilter(accept=lambda ref: ref.subject == "late")
    assert (await mail.wait(box, since=since, match=late, deadline=_soon(-60))).subject == "late"


async def test_waiting_ends_with_what_kept_the_mail_away(mail: Mail, folder: Path) -> None:
    box = await mail.create(provider="folder")
    with pytest.raises(MailNotReceived):
        await mail.wait(box, since="0", match=MailFilter(), deadline=_soon(0.2))
    (folder / "unavailable").touch()
    with pytest.raises(MailProviderUnavailable):
        await mail.wait(box, since="0", match=MailFilter(), deadline=_soon(0.2))
    (folder / "unavailable").unlink()
    (folder / "refusing").touch()
    async with asyncio.timeout(10):
        with pytest.raises(MailProviderRefused):
            await mail.wait(box, since="0", match=MailFilter(), deadline=_soon(60))


async def test_deleting_deletes_at_the_provider_too(
    mail: Mail, folder: Path, database: Database, make_mail: MakeMail
) -> None:
    box, kept = await mail.create(provider="folder"), await mail.create(provider="folder")
    deliver(folder, box.address, make_mail(number=1))
    await mail.collect(box)
    (folder / "unavailable").touch()
    with pytest.raises(MailProviderUnavailable):
        await mail.delete(box.address)
    assert await mail.address(box.address) == box
    await mail.delete(kept.address, at_provider=False)
    (folder / "unavailable").unlink()
    await mail.delete(box.address)
    assert not (folder / box.address).exists()
    assert (folder / kept.address).exists()
    assert await _rows(database) == [0, 0, 0, 0]
    with pytest.raises(MailboxUnknown):
        await mail.delete(box.address)
