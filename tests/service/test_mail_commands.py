"""`seezar mail …`."""

import re
import smtplib
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from tests.service.conftest import Home
from tests.world import free_port


def letter(to: str, code: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "no-reply@harbor.test"
    message["To"] = to
    message["Subject"] = "Your sign-in code"
    message.set_content(f"Your verification code is {code}. It expires in 10 minutes.\n")
    return message


def test_extract_needs_no_database(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "code.eml"
    file.write_bytes(letter("ops@mail.seezar.test", "481516").as_bytes())
    answer = home.seezar("mail", "extract", str(file), "--json", SEEZAR_DATABASE_URL="postgresql://127.0.0.1:1/seezar")
    assert answer.code == 0
    assert set(answer.json) == {"code", "link", "confidence", "reason"}
    assert (answer.json["code"], answer.json["link"]) == ("481516", None)
    piped = home.seezar("mail", "extract", "-", stdin=file.read_bytes())
    assert "481516" in piped.out
    assert home.processes() == []


def test_extract_of_a_file_that_is_not_there(home: Home) -> None:
    answer = home.seezar("mail", "extract", "/nonexistent.eml", "--json")
    assert answer.code == 1
    assert answer.json["status"] == "invalid_input"


@pytest.mark.slow
def test_new_wait_list(world: Home) -> None:
    address = world.seezar("mail", "new", "--json").json["address"]
    assert address.endswith("@mail.seezar.test")
    nothing = world.seezar("mail", "wait", address, "--timeout", "0.5", "--json")
    assert nothing.code == 1
    assert nothing.json["status"] == "mail_not_received"

    with world.running("mail", "wait", address, "--json") as waiting:
        port = int(re.search(r"^mail +127\.0\.0\.1:(\d+)", world.seezar("status").out, re.M)[1])  # type: ignore[index]
        with smtplib.SMTP("127.0.0.1", port, timeout=10) as smtp:
            smtp.send_message(letter(address, "234298"))
        waiting.wait_for('"code": "234298"')
        assert waiting.process.wait(timeout=30) == 0
    # It came a moment ago, which counts too.
    assert "no-reply@harbor.test" in world.seezar("mail", "wait", address).out
    rows = world.seezar("mail", "list", "--json").json["mailboxes"]
    assert {"demo-mail"} <= {row["account"] for row in rows}
    assert address in {row["address"] for row in rows}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["code", "link"])
def test_a_test_mail_proves_the_way_and_is_listed_without_what_is_in_it(world: Home, kind: str) -> None:
    address = world.seezar("mail", "new", "--local", f"proof-{kind}").out.strip()
    assert address == f"proof-{kind}@mail.seezar.test"
    proof = world.seezar("mail", "send-test", address, f"--{kind}", "--json")
    assert proof.code == 0, proof.err
    assert (proof.json["status"], proof.json["address"], proof.json["kind"]) == ("ok", address, kind)
    assert proof.json["sender"] == "seezar-test@mail.seezar.test"
    assert 0 < proof.json["sent_s"] <= proof.json["total_s"] < 30
    listed = world.seezar("mail", "list", "--messages", address, "--json").json["messages"]
    assert [(m["sender"], m["holds"]) for m in listed] == [("seezar-test@mail.seezar.test", kind)]
    assert listed[0]["subject"].startswith("Test of the mailbox: ")
    value = world.seezar("mail", "wait", address, "--json").json[kind]
    assert value
    told = world.seezar("mail", "list", "--messages", address)
    assert listed[0]["subject"] in told.out
    assert value not in told.out
    again = world.seezar("mail", "send-test", address, f"--{kind}").out
    assert re.search(rf"^read +[\d.]+ ms   the {kind} is the one that was sent$", again, re.M)


class Sink:
    """Takes every mail, and keeps it from whom it is for."""

    async def handle_DATA(self, server: object, session: object, envelope: object) -> str:  # noqa: N802
        return "250 OK"


@pytest.mark.slow
def test_a_test_mail_that_does_not_come_is_no_proof(world: Home) -> None:
    address = world.seezar("mail", "new", "--json").json["address"]
    sink = Controller(Sink(), hostname="127.0.0.1", port=free_port())
    sink.start()
    try:
        smtp = f"127.0.0.1:{sink.port}"
        lost = world.seezar("mail", "send-test", address, "--smtp", smtp, "--timeout", "0.5", "--json")
    finally:
        sink.stop()
    assert (lost.code, lost.json["status"]) == (1, "mail_not_received")
    away = world.seezar("mail", "send-test", address, "--smtp", f"127.0.0.1:{free_port()}", "--json")
    assert (away.code, away.json["status"]) == (1, "mail_server_unreachable")
    assert "no mailbox nobody@" in world.seezar("mail", "send-test", "nobody@mail.seezar.test").complaint
    assert "not a mail server" in world.seezar("mail", "send-test", address, "--smtp", "x:y").complaint
    unset = world.seezar("mail", "send-test", address, "--user", "u", "--password-env", "NOT_SET_HERE")
    assert "NOT_SET_HERE" in unset.complaint


@pytest.fixture
def maildirs(world: Home, tmp_path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The provider of docs/mail.md in the home of `world`: its folder, and the variables that commands need for it."""
    page = (Path(__file__).parents[2] / "docs" / "mail.md").read_text(encoding="utf-8")
    [module] = re.findall(r"^```python\n(.*?)^```$", page, re.M | re.S)
    (tmp_path / "mailplugins").mkdir()
    (tmp_path / "mailplugins" / "maildirs.py").write_text(module)
    folder = tmp_path / "boxes"
    folder.mkdir()
    table = world.path / "mail.toml"
    table.write_text(
        f'[[provider]]\nname = "boxes"\nkind = "mailplugins.maildirs"\ndomains = ["boxes.test"]\n'
        f'options = {{ folder = "{folder}" }}\n'
    )
    yield folder, {"PYTHONPATH": str(tmp_path)}
    table.unlink()


@pytest.mark.slow
def test_a_mailbox_elsewhere_from_its_making_to_its_end(world: Home, maildirs: tuple[Path, dict[str, Any]]) -> None:
    folder, variables = maildirs
    rows = world.seezar("mail", "providers", "--check", "--json", **variables).json["providers"]
    assert [(r["name"], r["answers"], r["domains"]) for r in rows] == [
        ("local", True, ["mail.seezar.test"]),
        ("boxes", True, ["boxes.test"]),
    ]
    assert rows[0]["where"].startswith("smtp://127.0.0.1:")
    made = world.seezar("mail", "new", "--provider", "boxes", "--local", "ann", "--json", **variables).json
    assert made == {"address": "ann@boxes.test", "provider": "boxes"}
    (folder / "bob@boxes.test" / "new").mkdir(parents=True)
    added = world.seezar("mail", "add", "bob@boxes.test", "--json", **variables)
    assert added.json == {"address": "bob@boxes.test", "provider": "boxes"}
    assert "no mailbox eve@" in world.seezar("mail", "add", "eve@boxes.test", **variables).complaint
    token = world.seezar("mail", "add", "bob@boxes.test", "--xoauth2-env", "TOKEN", TOKEN="t", **variables)
    assert "does not log in with tokens" in token.complaint
    # Our own server is not theirs.
    refused = world.seezar("mail", "send-test", "bob@boxes.test", "--json", **variables)
    assert (refused.code, refused.json["status"]) == (1, "mail_not_sent")
    assert "refused the recipient bob@boxes.test" in refused.json["message"]

    with world.running("mail", "wait", "bob@boxes.test", "--json", **variables) as waiting:
        waiting.wait_for("Waiting up to")
        box = folder / "bob@boxes.test"
        (box / "1").write_bytes(letter("bob@boxes.test", "234298").as_bytes())
        (box / "1").rename(box / "new" / "1")
        waiting.wait_for('"code": "234298"')

    asks = world.seezar("mail", "delete", "bob@boxes.test", **variables)
    assert (asks.code, "--yes" in asks.complaint) == (1, True)
    assert box.exists()
    gone = world.seezar("mail", "delete", "bob@boxes.test", "--yes", "--json", **variables)
    assert gone.json == {"status": "deleted", "address": "bob@boxes.test"}
    assert not box.exists()
    assert world.seezar("mail", "delete", "ann@boxes.test", "--yes", "--here-only", **variables).code == 0
    assert (folder / "ann@boxes.test").exists()
    assert "no mailbox" in world.seezar("mail", "wait", "bob@boxes.test", **variables).complaint


@pytest.mark.slow
def test_a_provider_that_does_not_answer(world: Home) -> None:
    table = world.path / "mail.toml"
    url = f"127.0.0.1:{free_port()}"
    table.write_text(
        f'[[provider]]\nname = "tm"\nkind = "mailtm"\nurl = "http://{url}"\n'
        # Nothing but a connection tells whether anybody is there: it names no domains, and no mailbox of it is known.
        f'[[provider]]\nname = "box"\nkind = "imap"\nurl = "imap://{url}"\n'
        # What is wrong with one entry is not in the way of the others.
        f'[[provider]]\nname = "dev"\nkind = "smtpdev"\nurl = "http://{url}"\nkey_env = "NOT_SET_HERE"\n'
    )
    try:
        listed = world.seezar("mail", "providers", "--json")
        assert (listed.code, [row["where"] for row in listed.json["providers"]][1]) == (0, f"http://{url}")
        asked = world.seezar("mail", "providers", "--check", "--json")
        assert asked.code == 1
        assert [row["answers"] for row in asked.json["providers"]] == [True, False, False, False]
        trouble = [row["trouble"] for row in asked.json["providers"]]
        assert trouble[1]
        assert "no connection" in trouble[2]
        assert "NOT_SET_HERE, which is not set" in trouble[3]
        failed = world.seezar("mail", "new", "--provider", "tm", "--json")
        assert (failed.code, failed.json["status"]) == (1, "mail_provider_unavailable")
    finally:
        table.unlink()


@pytest.mark.slow
def test_what_cannot_be_had(world: Home) -> None:
    assert "no mail provider 'nowhere'" in world.seezar("mail", "new", "--provider", "nowhere").complaint
    assert "no mailbox" in world.seezar("mail", "wait", "nobody@mail.seezar.test").complaint
    assert "no mailbox" in world.seezar("mail", "delete", "nobody@mail.seezar.test", "--yes").complaint
    assert "not a mail address" in world.seezar("mail", "wait", "nobody").complaint
