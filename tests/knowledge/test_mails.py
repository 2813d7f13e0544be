"""Mails are kept without what signs in, and found by what they say."""

from datetime import UTC, datetime

from seezar.database import Database
from seezar.knowledge import Knowledge
from seezar.knowledge.mails import document_of_mail

MAIL = b"""From: Harbour <office@harbour.test>\r
To: ops@mail.seezar.test\r
Subject: Your code 482913 and the new berth\r
Date: Fri, 20 Nov 2026 09:30:00 +0100\r
Content-Type: text/plain; charset=utf-8\r
\r
Hello,\r
\r
your sign-in code is 482913. Or open https://harbour.test/in?token=eyJhbGciOiJIUzI1NiJ9.\r
\r
From Monday on, ferries moor at the northern quay.\r
"""


async def test_a_mail_is_kept_without_its_code_and_link(database: Database) -> None:
    document = document_of_mail(MAIL, "mail:ops@mail.seezar.test/1", account="ops")
    assert (document.kind, document.account) == ("mail", "ops")
    assert document.taken_at == datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
    whole = f"{document.title} {document.text}"
    assert not any(secret in whole for secret in ("482913", "https://", "eyJ"))

    knowledge = Knowledge(database)
    await knowledge.add(document)
    (found, *_) = await knowledge.search("where do ferries moor")
    assert "northern quay" in found.text
    assert (found.kind, found.url) == ("mail", "mail:ops@mail.seezar.test/1")


def test_what_is_hardly_a_mail_is_kept_as_it_is() -> None:
    assert document_of_mail(b"\xff\xfe nothing", "x.eml").title == "Mail without a subject"
    assert document_of_mail(b"Date: never\n\nThe ferry is late.", "x.eml").taken_at is None
