"""`seezar account …` in a running world."""

import contextlib
import os
import subprocess

import pytest

from tests.service.conftest import SEEZAR, Home

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


def add(world: Home, name: str, *more: str, key: str = "") -> tuple[int, str]:
    options = ["--url", "https://shop.example/login", "--username", "ops", "--password-env", "PW"]
    answer = world.seezar("account", "add", name, *options, *more, PW="Hidden-Gable-77", KEY=key)
    assert "Hidden-Gable-77" not in answer.out + answer.err
    return answer.code, answer.out if answer.code == 0 else answer.complaint


def test_add_list_show_remove(world: Home) -> None:
    code, _ = add(
        world, "shop", "--mailbox", "shop@mail.seezar.test", "--verify-url", "https://shop.example/home",
        "--origin", "https://id.example", "--keep-alive", "12h",
    )  # fmt: skip
    assert code == 0
    assert "shop@mail.seezar.test" in world.seezar("mail", "list").out
    line = next(line for line in world.seezar("account", "list").out.splitlines() if line.startswith("shop "))
    assert line.split()[:5] == ["shop", "https://shop.example/login", "ops", "email", "signed_out"]

    shown = world.seezar("account", "show", "shop").out
    values = {line[:15].strip(): line[15:].strip() for line in shown.splitlines()}
    assert values["origins"] == "https://shop.example, https://id.example"
    assert values["verify URL"] == "https://shop.example/home"
    assert values["password"] == "stored"
    assert values["TOTP key"] == "none"
    assert values["keep alive"] == "every 43200 s"
    assert values["state"].startswith("signed_out since ")
    assert values["why"] == "Nobody has signed in yet."
    told = world.seezar("account", "show", "shop", "--json").json
    assert (told["state"], told["reason"], told["next_check_at"]) == ("signed_out", "Nobody has signed in yet.", None)
    assert {entry["state"] for entry in told["history"]} <= {"signed_out"}
    assert world.seezar("notices", "list", "--json").json == {"notices": []}
    assert "Hidden-Gable-77" not in shown

    refused = world.seezar("account", "remove", "shop")
    assert refused.code == 1
    assert "--yes" in refused.complaint
    assert world.seezar("account", "show", "shop").code == 0
    assert world.seezar("account", "remove", "shop", "--yes").code == 0
    gone = world.seezar("account", "show", "shop")
    assert gone.code == 1
    assert "no account named 'shop'" in gone.complaint


def test_allow_hosts(world: Home) -> None:
    assert add(world, "cdn", "--allow-host", "cdn.example.net")[0] == 0
    assert world.seezar("account", "allow", "cdn", "*.example.org", "img.example.net:8443").code == 0
    told = world.seezar("account", "show", "cdn", "--json").json
    assert told["hosts"] == ["*.example.org", "cdn.example.net", "img.example.net:8443"]
    assert "*.example.org, cdn.example.net" in world.seezar("account", "show", "cdn").out
    refused = world.seezar("account", "allow", "cdn", "*.com")
    assert refused.code == 1
    assert "not a host that can be allowed" in refused.complaint
    assert world.seezar("account", "allow", "cdn", "cdn.example.net", "--remove").code == 0
    assert "cdn.example.net" not in world.seezar("account", "show", "cdn").out
    assert world.seezar("account", "remove", "cdn", "--yes").code == 0


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--url", "shop"], "not a web address"),
        (["--url", "http://shop.example/"], "not encrypted"),
        (["--url", "https://ops:pw@shop.example/"], "must not carry"),
        (["--mailbox", "ops@gmail.example"], "not received here"),
        (["--mailbox", "nobody"], "not a mail address"),
        (["--login-code", "email"], "needs a mailbox"),
        (["--login-code", "totp"], "needs its key"),
        (["--keep-alive", "often"], "not an interval"),
        (["--totp-env", "KEY"], "TOTP"),
        (["--totp-env", "UNSET"], "UNSET"),
    ],
)
def test_what_cannot_be_right_is_refused_and_nothing_stored(world: Home, options: list[str], told: str) -> None:
    code, complaint = add(world, "refused", *options, key="not base32!")
    assert code == 1
    assert told in complaint
    assert world.seezar("account", "show", "refused").code == 1


def test_a_name_that_is_taken(world: Home) -> None:
    code, complaint = add(world, "demo-totp")
    assert code == 1
    assert "already" in complaint


def test_a_password_is_never_an_argument_and_never_guessed(world: Home) -> None:
    options = ["--url", "https://shop.example/", "--username", "ops"]
    answer = world.seezar("account", "add", "silent", *options)
    assert answer.code == 1
    assert "--password-env" in answer.complaint
    assert world.seezar("account", "add", "silent", *options, "--password", "x").code == 2


def test_a_hidden_prompt_shows_nothing_of_the_password(world: Home) -> None:
    keyboard, terminal = os.openpty()
    command = [SEEZAR, "account", "add", "typed", "--url", "https://shop.example/", "--username", "ops"]
    process = subprocess.Popen(
        command, stdin=terminal, stdout=terminal, stderr=terminal, env=world.environment(), start_new_session=True
    )
    os.close(terminal)
    screen = b""
    # The space comes when the echo is off.
    while b"none): " not in screen:
        screen += os.read(keyboard, 1024)
    os.write(keyboard, b"Hidden-Gable-77\n")
    with contextlib.suppress(OSError):  # What a terminal answers when its last process has gone.
        while more := os.read(keyboard, 1024):
            screen += more
    os.close(keyboard)
    assert process.wait(timeout=60) == 0
    assert b"Added typed" in screen
    assert b"Hidden-Gable-77" not in screen
    assert "stored" in next(
        line for line in world.seezar("account", "show", "typed").out.splitlines() if line.startswith("password")
    )


def test_secrets_are_given_afterwards(world: Home) -> None:
    assert add(world, "bare", "--login-code", "none")[0] == 0
    none = world.seezar("account", "secrets", "bare")
    assert none.code == 1
    assert "no secret to store" in none.complaint
    given = world.seezar("account", "secrets", "bare", "--totp-env", "KEY", KEY="JBSWY3DPEHPK3PXP")
    assert given.code == 0, given.complaint
    assert "JBSWY3DPEHPK3PXP" not in given.out + given.err
    told = world.seezar("account", "show", "bare")
    assert "totp" in told.out
    assert world.seezar("account", "secrets", "nobody", "--totp-env", "KEY", KEY="JBSWY3DPEHPK3PXP").code == 1
