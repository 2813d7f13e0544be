"""The messages of an account, over HTTP."""

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from seezar.mail.provider import Address
from tests.api import mails
from tests.api.server import MailServer, Reader

PLAIN = {"accept": "application/json"}
PATCH = {"content-type": "application/merge-patch+json"}
CORPUS = Path(__file__).parents[1] / "mail" / "mails"


@pytest.fixture
async def ann(server: MailServer) -> Reader:
    return await server.account("ann")


async def only_message(server: MailServer, reader: Reader, raw: bytes) -> dict[str, Any]:
    """Deliver a mail and give it as the list has it."""
    await server.deliver(reader.address, raw)
    listed = (await reader.client.get("/messages", headers=PLAIN)).json()
    assert len(listed) == 1
    return listed[0]


async def test_a_delivered_mail_is_listed(server: MailServer, ann: Reader) -> None:
    raw = mails.plain()
    await server.deliver(ann.address, raw)
    body = (await ann.client.get("/messages")).json()
    message = body["hydra:member"][0]
    own = message["id"]
    assert message["createdAt"] == message["updatedAt"]
    assert message | {"createdAt": "", "updatedAt": ""} == {
        "@id": f"/messages/{own}",
        "@type": "Message",
        "id": own,
        "accountId": f"/accounts/{ann.id}",
        "msgid": "<m1@site.test>",
        "from": {"address": "no-reply@site.test", "name": "Site"},
        "to": [{"address": "reader@mail.seezar.test", "name": ""}],
        "subject": "Code 1",
        "intro": "Your code is 482913.",
        "seen": False,
        "isDeleted": False,
        "hasAttachments": False,
        "size": len(raw),
        "downloadUrl": f"/messages/{own}/download",
        "sourceUrl": f"/sources/{own}",
        "createdAt": "",
        "updatedAt": "",
    }
    assert body | {"hydra:member": []} == {
        "@context": "/contexts/Message",
        "@id": "/messages",
        "@type": "hydra:Collection",
        "hydra:totalItems": 1,
        "hydra:member": [],
        "hydra:view": {"@id": "/messages?page=1", "@type": "hydra:PartialCollectionView"},
    }
    listed = (await ann.client.get("/messages", headers=PLAIN)).json()
    assert listed == [{key: value for key, value in message.items() if not key.startswith("@")}]
    assert (await ann.client.get("/me")).json()["used"] == len(raw)


async def test_pages_are_of_thirty_newest_first(server: MailServer, ann: Reader) -> None:
    for number in range(65):
        await server.application.mail.local.receive([ann.address], mails.plain(number))
    found: list[str] = []
    for page, size in ((1, 30), (2, 30), (3, 5), (4, 0), (10**18, 0)):
        body = (await ann.client.get("/messages", params={"page": page})).json()
        assert len(body["hydra:member"]) == size
        assert body["hydra:totalItems"] == 65
        found += [message["subject"] for message in body["hydra:member"]]
        view = body["hydra:view"]
        assert (view["hydra:first"], view["hydra:last"]) == ("/messages?page=1", "/messages?page=3")
        assert view.get("hydra:next") == (f"/messages?page={page + 1}" if page < 3 else None)
        assert ("hydra:previous" in view) is (page > 1)
    assert found == [f"Code {number}" for number in reversed(range(65))]
    for page in ("0", "-1", "one", "1.5", "9" * 40, "١"):
        assert (await ann.client.get("/messages", params={"page": page})).status_code == 400


async def test_a_message_is_shown_with_its_texts_and_attachments(server: MailServer, ann: Reader) -> None:
    listed = await only_message(server, ann, mails.with_parts())
    assert listed["hasAttachments"] is True
    assert listed["from"] == {"address": "joerg@site.test", "name": "Jörg Müller"}
    shown = (await ann.client.get(f"/messages/{listed['id']}")).json()
    assert shown["@context"] == "/contexts/Message"
    assert "intro" not in shown
    assert {key: shown[key] for key in listed if key != "intro"} == {k: v for k, v in listed.items() if k != "intro"}
    assert shown["to"] == [
        {"address": "ann@mail.seezar.test", "name": "Reader, Ann"},
        {"address": "bob@mail.seezar.test", "name": ""},
    ]
    assert shown["cc"] == [{"address": "aenne@site.test", "name": "Änne"}]
    assert shown["bcc"] == shown["verifications"] == []
    assert (shown["flagged"], shown["retention"]) == (False, False)
    assert shown["html"] == ["<p>Your code is <b>482913</b>.</p>"]
    assert "Your code is 482913." in shown["text"] + listed["intro"]
    path = f"/messages/{listed['id']}/attachment"
    assert [tuple(part.values()) for part in shown["attachments"]] == [
        ("ATTACH000001", "logo.png", "image/png", "inline", "base64", True, 256, f"{path}/ATTACH000001"),
        ("ATTACH000002", "Rechnung ä.pdf", "application/pdf", "attachment", "7bit", False, 6, f"{path}/ATTACH000002"),
        ("ATTACH000003", "page.html", "text/html", "attachment", "7bit", False, 25, f"{path}/ATTACH000003"),
        ("ATTACH000004", "attach000004", "message/rfc822", "inline", "7bit", True, 28, f"{path}/ATTACH000004"),
    ]


async def test_attachments_are_downloads_and_never_pages(server: MailServer, ann: Reader) -> None:
    own = (await only_message(server, ann, mails.with_parts()))["id"]
    picture = await ann.client.get(f"/messages/{own}/attachment/ATTACH000001")
    assert picture.content == bytes(range(256))
    assert picture.headers["content-type"] == "image/png"
    page = await ann.client.get(f"/messages/{own}/attachment/ATTACH000003")
    assert page.content == b"<script>alert(1)</script>"
    for answer in (picture, page, await ann.client.get(f"/messages/{own}/download")):
        assert answer.headers["content-disposition"].startswith("attachment; ")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"] == "sandbox"
    for missing in ("ATTACH000005", "ATTACH000000", "1", "x"):
        assert (await ann.client.get(f"/messages/{own}/attachment/{missing}")).status_code == 404


async def test_a_hostile_mail_breaks_nothing(server: MailServer, ann: Reader) -> None:
    await server.application.mail.local.receive([ann.address], mails.hostile())
    message = (await ann.client.get("/messages")).json()["hydra:member"][0]
    shown = (await ann.client.get(message["@id"])).json()
    assert len(shown["attachments"]) == 2
    for part in shown["attachments"]:
        answer = await ann.client.get(part["downloadUrl"])
        assert answer.status_code == 200
        assert "x-evil" not in answer.headers
        name = answer.headers["content-disposition"].partition("''")[2]
        assert unquote(name) == part["filename"]
        assert not set(name) & set('/\\";\r\n ')
    assert (await ann.client.get(message["sourceUrl"])).status_code == 200


async def test_every_mail_of_the_corpus_can_be_shown(server: MailServer, ann: Reader) -> None:
    files = sorted(CORPUS.rglob("*.eml"))[::4]
    assert len(files) > 40
    for file in files:
        await server.application.mail.local.receive([ann.address], file.read_bytes())
    pages = -(-len(files) // 30)
    listed = [
        message
        for page in range(1, pages + 1)
        for message in (await ann.client.get("/messages", params={"page": page}, headers=PLAIN)).json()
    ]
    assert len(listed) == len(files)
    for message, file in zip(reversed(listed), files, strict=True):
        shown = await ann.client.get(f"/messages/{message['id']}")
        assert shown.status_code == 200, file.name
        assert shown.json()["subject"] == message["subject"]
        assert len(message["intro"]) <= 120
        raw = await ann.client.get(shown.json()["downloadUrl"])
        assert raw.content == file.read_bytes(), file.name


@pytest.mark.parametrize("body", ["Ümläut 482913".encode(), b"latin-1 \xe4\xff 482913", b"\x00 nul 482913"])
async def test_the_source_is_text_and_the_download_is_exact(server: MailServer, ann: Reader, body: bytes) -> None:
    raw = b"From: a@site.test\r\nSubject: x\r\nContent-Type: text/plain\r\n\r\n" + body + b"\r\n"
    await server.deliver(ann.address, raw, options=("BODY=8BITMIME",))
    own = (await ann.client.get("/messages", headers=PLAIN)).json()[0]["id"]
    source = (await ann.client.get(f"/sources/{own}")).json()
    assert source == {
        "@context": "/contexts/Source",
        "@id": f"/sources/{own}",
        "@type": "Source",
        "id": own,
        "downloadUrl": f"/messages/{own}/download",
        "data": raw.decode("utf-8", "replace"),
    }
    download = await ann.client.get(source["downloadUrl"])
    assert download.content == raw
    assert download.headers["content-type"] == "message/rfc822"


async def test_a_message_is_marked_as_seen_and_back(server: MailServer, ann: Reader) -> None:
    message = await only_message(server, ann, mails.plain())
    path = f"/messages/{message['id']}"
    for seen in (True, True, False):
        marked = await ann.client.patch(path, content=f'{{"seen": {str(seen).lower()}}}', headers=PATCH)
        assert (marked.status_code, marked.json()["seen"]) == (200, seen)
        assert (await ann.client.get(path)).json() == marked.json()
        assert marked.json()["updatedAt"] >= message["createdAt"]
    unchanged = await ann.client.patch(path, content='{"subject": "other", "isDeleted": true}', headers=PATCH)
    assert (unchanged.json()["subject"], unchanged.json()["isDeleted"]) == ("Code 1", False)
    for content, kind, status in (
        ('{"seen": true}', "application/json", 415),
        ('{"seen": true}', "", 415),
        ('{"seen": "yes"}', PATCH["content-type"], 400),
        ('{"seen": null}', PATCH["content-type"], 400),
        ("{", PATCH["content-type"], 400),
    ):
        answer = await ann.client.patch(path, content=content, headers={"content-type": kind})
        assert answer.status_code == status
    assert (await ann.client.get(path)).json()["seen"] is False


async def test_a_message_is_deleted(server: MailServer, ann: Reader) -> None:
    path = f"/messages/{(await only_message(server, ann, mails.plain()))['id']}"
    gone = await ann.client.delete(path)
    assert (gone.status_code, gone.content) == (204, b"")
    assert (await ann.client.get("/messages")).json()["hydra:totalItems"] == 0
    assert (await ann.client.get("/me")).json()["used"] == 0
    assert (await ann.client.delete(path)).status_code == 404
    assert (await ann.client.get(path)).status_code == 404


async def test_an_account_gets_at_no_mail_of_another(server: MailServer, ann: Reader) -> None:
    bob = await server.account("bob")
    other = await server.application.mail.create("ops")
    own = (await only_message(server, bob, mails.with_parts()))["id"]
    await server.deliver(other.address, mails.plain(2))
    [unowned], _ = await server.application.mail.list_since(other)
    row = await server.application.database.one("SELECT id FROM app.message WHERE handle::text = %s", own)
    assert row is not None
    handles = (own, await server.application.mail.handle(unowned), str(row["id"]), "x", own[:-1], "%00")
    for handle in handles:
        for method, path in (
            ("GET", f"/messages/{handle}"),
            ("PATCH", f"/messages/{handle}"),
            ("DELETE", f"/messages/{handle}"),
            ("GET", f"/messages/{handle}/download"),
            ("GET", f"/messages/{handle}/attachment/ATTACH000001"),
            ("GET", f"/sources/{handle}"),
        ):
            answer = await ann.client.request(method, path, headers=PATCH, content='{"seen": true}')
            assert answer.status_code == 404, (method, path)
            assert b"482913" not in answer.content
    assert (await ann.client.get("/messages")).json()["hydra:totalItems"] == 0
    shown = (await bob.client.get(f"/messages/{own}")).json()
    assert shown["seen"] is False


async def test_accounts_read_at_once(server: MailServer) -> None:
    readers = [await server.account(f"reader{number}") for number in range(4)]

    async def use(index: int) -> list[str]:
        reader = readers[index]
        for number in range(5):
            await server.deliver(reader.address, mails.plain(number, subject=f"for {index}:"))
        listed = (await reader.client.get("/messages", headers=PLAIN)).json()
        shown = await asyncio.gather(*(reader.client.get(f"/messages/{message['id']}") for message in listed))
        return [answer.json()["subject"] for answer in shown]

    subjects = await asyncio.gather(*(use(index) for index in range(len(readers))))
    for index, found in enumerate(subjects):
        assert found == [f"for {index}: {number}" for number in reversed(range(5))]


async def test_a_mail_to_two_accounts_is_one_message_each(server: MailServer, ann: Reader) -> None:
    bob = await server.account("bob")
    await server.application.mail.local.receive([ann.address, bob.address], mails.plain())
    first = (await ann.client.get("/messages", headers=PLAIN)).json()[0]
    second = (await bob.client.get("/messages", headers=PLAIN)).json()[0]
    assert first["id"] != second["id"]
    assert (await ann.client.delete(f"/messages/{first['id']}")).status_code == 204
    assert (await bob.client.get(f"/messages/{second['id']}")).status_code == 200


async def test_what_cannot_be_opened_is_an_error_without_a_word_of_it(server: MailServer, ann: Reader) -> None:
    own = (await only_message(server, ann, mails.plain()))["id"]
    await server.application.database.run("UPDATE app.message SET raw = %s", b"damaged")
    for path in ("/messages", f"/messages/{own}", f"/sources/{own}"):
        answer = await ann.client.get(path)
        assert answer.status_code == 500
        assert answer.json()["detail"] == "Internal Server Error"


async def test_the_command_line_sees_the_same_mail(server: MailServer, ann: Reader) -> None:
    own = (await only_message(server, ann, mails.plain()))["id"]
    mailbox: Address = await server.application.mail.address(ann.address)
    [ref], _ = await server.application.mail.list_since(mailbox)
    assert await server.application.mail.handle(ref) == own
