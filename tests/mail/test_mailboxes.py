"""What tools and commands may see of a mailbox."""

from collections.abc import Callable

import pytest

from seezar.mail.errors import MailboxUnknown, MessageGone
from seezar.mail.mailboxes import MASK, Mailboxes, masked_subject
from seezar.mail.service import Mail

type MakeMail = Callable[..., bytes]


@pytest.fixture
def mailboxes(mail: Mail) -> Mailboxes:
    return Mailboxes(mail)


async def test_made_mailboxes_are_readable_and_all_different(mail: Mail) -> None:
    boxes = [await mail.create() for _ in range(20)]
    assert len({box.address for box in boxes}) == 20
    for box in boxes:
        first, second, tail = box.address.partition("@")[0].split("-")
        assert first.isalpha()
        assert second.isalpha()
        assert len(tail) == 6
    assert [box.address for box in await mail.addresses()] == [box.address for box in boxes]


async def test_latest_shows_sender_and_masked_subject(mailboxes: Mailboxes, mail: Mail, make_mail: MakeMail) -> None:
    box = await mail.ensure("ops@mail.seezar.test")
    assert await mailboxes.latest(box.address) is None
    await mail.local.receive([box.address], make_mail(subject="482913 is your code", number=1))
    summary = await mailboxes.latest(box.address)
    assert summary is not None
    assert summary.sender == "no-reply@site.test"
    assert summary.subject == f"{MASK} is your code"
    with pytest.raises(MailboxUnknown):
        await mailboxes.latest("nobody@mail.seezar.test")


@pytest.mark.parametrize(
    ("subject", "code", "shown"),
    [
        ("Your code: 123 456", "123456", f"Your code: {MASK}"),
        ("Your code: 123-456", "123456", f"Your code: {MASK}"),
        ("G-552901 is your code", "552901", f"G-{MASK} is your code"),
        ("Code ABC-DEF for you", "ABC-DEF", f"Code {MASK} for you"),
        ("Code abcdef, once more ABCDEF", "ABCDEF", f"Code {MASK}, once more {MASK}"),
        ("Order 20261104 shipped", None, f"Order {MASK} shipped"),
        ("Your temporary word is sunny-otter-castle", "sunny-otter-castle", f"Your temporary word is {MASK}"),
        ("Nothing to hide here", None, "Nothing to hide here"),
        ("12 34 56", None, MASK),
    ],
)
def test_subject_is_masked(subject: str, code: str | None, shown: str) -> None:
    assert masked_subject(subject, code) == shown


async def test_code_arrives_as_a_handle_and_opens_once_for_the_worker(
    mailboxes: Mailboxes, mail: Mail, make_mail: MakeMail
) -> None:
    box = await mail.create()
    await mail.local.receive([box.address], make_mail(body="Your verification code is 111111.", number=1))
    since = await mail.cursor(box)
    assert await mailboxes.has_code(box.address, since=since) is None
    await mail.local.receive([box.address], make_mail(subject="News", body="Nothing new.", number=2))
    assert await mailboxes.has_code(box.address, since=since) is None
    await mail.local.receive([box.address], make_mail(body="Your verification code is 550273.", number=3))
    await mail.local.receive([box.address], make_mail(subject="News", body="Still nothing.", number=4))
    arrival = await mailboxes.has_code(box.address, since=since)
    assert arrival is not None
    assert "550273" not in repr(arrival)
    ref, read = await mailboxes.open_code(arrival.handle)
    assert read.code == "550273"
    assert await mail.claim(ref.id, "run-1")
    for handle in (arrival.handle + "x", "mail-code:none", "other"):
        with pytest.raises(MessageGone):
            await mailboxes.open_code(handle)


async def test_code_from_an_unexpected_sender_did_not_arrive(
    mailboxes: Mailboxes, mail: Mail, make_mail: MakeMail
) -> None:
    box = await mail.create()
    await mail.local.receive([box.address], make_mail())
    assert await mailboxes.has_code(box.address, senders=("elsewhere.test",)) is None
    assert await mailboxes.has_code(box.address, senders=("site.test",)) is not None
