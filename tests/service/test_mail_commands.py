"""`seezar mail …`."""

import re
import smtplib
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.service.conftest import Home


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
def test_what_cannot_be_had(world: Home) -> None:
    assert "no mail provider 'mailtm'" in world.seezar("mail", "new", "--provider", "mailtm").complaint
    assert "no mailbox" in world.seezar("mail", "wait", "nobody@mail.seezar.test").complaint
    assert "not a mail address" in world.seezar("mail", "wait", "nobody").complaint
