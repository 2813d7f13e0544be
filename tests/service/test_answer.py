"""A run that waits for a person, at the command line: seen, answered by a pipe, a variable, and at a terminal."""

import os
import pty
import select
import subprocess
import sys
import tempfile
import termios
import time

import pytest

from playground.world import DEMO_MAIL
from tests.service.conftest import LIMIT_S, SEEZAR, SIGN_IN_KEYS, Home

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(400)]


@pytest.fixture
def by_hand(world: Home, site: str) -> str:
    """An account without a second factor on a site that mails one to a person."""
    options = [
        "--url",
        f"{site}/mail/login",
        "--verify-url",
        f"{site}/mail/dashboard",
        "--username",
        DEMO_MAIL.username,
    ]
    options += ["--password-env", "PW", "--login-code", "none"]
    world.seezar("account", "remove", "by-hand", "--yes")
    assert world.seezar("account", "add", "by-hand", *options, PW=DEMO_MAIL.password).code == 0
    return "by-hand"


def mailed_code(world: Home) -> str:
    """What the person reads in the mail."""
    assert DEMO_MAIL.mailbox is not None
    return world.seezar("mail", "wait", DEMO_MAIL.mailbox, "--since", "60", "--json").json["code"]


@pytest.mark.parametrize("way", ["stdin", "variable"])
def test_waits_and_is_answered(world: Home, by_hand: str, way: str) -> None:
    waiting = world.seezar("sign-in", by_hand, "--json")
    assert waiting.code == 1
    assert set(waiting.json) == SIGN_IN_KEYS
    assert waiting.json["status"] == "needs_person"
    run_id = waiting.json["run_id"]
    assert f"seezar runs answer {run_id}" in waiting.json["reason"]
    assert f"{run_id} needs_person (waits: code)" in " ".join(world.seezar("runs", "list").out.split())
    shown = world.seezar("runs", "show", run_id)
    assert "a code that only you can see" in shown.out
    assert world.seezar("runs", "show", run_id, "--json").json["question"] == "code"

    empty = world.seezar("runs", "answer", run_id, "--json")
    assert empty.code == 1
    assert (empty.json["status"], empty.json["run_id"]) == ("invalid_input", run_id)

    code = mailed_code(world)
    if way == "stdin":
        answer = world.seezar("runs", "answer", run_id, "--json", stdin=f"{code}\n".encode())
    else:
        answer = world.seezar("runs", "answer", run_id, "--json", "--value-env", "CODE", CODE=code)
    assert answer.code == 0, answer.err
    assert set(answer.json) == SIGN_IN_KEYS
    assert (answer.json["status"], answer.json["run_id"]) == ("signed_in", run_id)
    assert code not in answer.out + answer.err

    again = world.seezar("runs", "answer", run_id, "--json", stdin=b"1\n")
    assert (again.code, again.json["status"]) == (1, "not_waiting")


def test_asked_at_the_terminal(world: Home, by_hand: str) -> None:
    """Both ends are a terminal: the code is asked for on the spot, and not shown."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [SEEZAR, "sign-in", by_hand, "--fresh"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=world.environment(),
        cwd=tempfile.gettempdir(),
        start_new_session=True,
    )
    os.close(theirs)
    try:
        said = read_until(ours, "Code:")
        code = mailed_code(world)
        os.write(ours, f"{code}\n".encode())
        said += read_until(ours, "is signed in")
        assert process.wait(timeout=LIMIT_S) == 0
    finally:
        process.kill()
        os.close(ours)
    assert code not in said


def test_a_code_is_not_shown_where_messages_go_elsewhere() -> None:
    """Standard input is a terminal, standard error is not (`2>log`)."""
    ours, theirs = pty.openpty()
    script = "from service.commands.answer import value_for; print(len(value_for('code') or ''))"
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        # What is typed before the echo is off would be thrown away.
        deadline = time.monotonic() + LIMIT_S
        while termios.tcgetattr(ours)[3] & termios.ECHO:
            assert time.monotonic() < deadline, "it would be shown"
            assert process.poll() is None
            time.sleep(0.05)
        os.write(ours, b"739204\n")
        out, _ = process.communicate(timeout=LIMIT_S)
        assert out == b"6\n"
        shown = os.read(ours, 65_536) if select.select([ours], [], [], 0.2)[0] else b""
        assert b"739204" not in shown
    finally:
        process.kill()
        os.close(theirs)
        os.close(ours)


def read_until(terminal: int, text: str) -> str:
    """What the terminal shows, up to `text`."""
    said = ""
    deadline = time.monotonic() + LIMIT_S
    while text not in said:
        assert time.monotonic() < deadline, said
        if select.select([terminal], [], [], 1.0)[0]:
            said += os.read(terminal, 65_536).decode(errors="replace")
    return said


def test_an_unknown_run(world: Home) -> None:
    answer = world.seezar("runs", "answer", "sign-in-nobody-0", "--json")
    assert answer.code == 1
    assert set(answer.json) == SIGN_IN_KEYS
    assert answer.json["status"] == "unknown_run"
