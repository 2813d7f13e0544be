"""`seezar sign-in` against the playground, as a person and a program use it."""

import pytest

from tests.service.conftest import SIGN_IN_KEYS, Home

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(400)]


@pytest.mark.parametrize(("name", "factor"), [("demo-mail", "email"), ("demo-totp", "totp"), ("demo-password", "none")])
def test_every_shape_is_signed_in_once_and_reused(world: Home, name: str, factor: str) -> None:
    first = world.seezar("sign-in", name, "--json", "--fresh")
    assert first.code == 0, first.err
    assert set(first.json) == SIGN_IN_KEYS
    assert first.json["status"] == "signed_in"
    assert (first.json["attempts"], first.json["model_calls"], first.json["second_factor"]) == (1, 0, factor)
    assert first.json["session_id"]
    assert "Submitting" in first.err

    again = world.seezar("sign-in", name, "--json")
    assert again.code == 0
    assert (again.json["status"], again.json["attempts"]) == ("signed_in", 0)
    assert again.json["session_id"] == first.json["session_id"]
    assert "Submitting" not in again.err


def test_for_people(world: Home) -> None:
    answer = world.seezar("sign-in", "demo-password")
    assert answer.code == 0
    assert answer.out.startswith("✓ demo-password is signed in (")


def test_unknown_account(world: Home) -> None:
    answer = world.seezar("sign-in", "nobody", "--json")
    assert answer.code == 1
    assert set(answer.json) == SIGN_IN_KEYS
    assert answer.json["status"] == "unknown_account"
    assert "demo-mail" in answer.complaint


def test_a_wrong_password_is_tried_once(world: Home, site: str) -> None:
    options = ["--url", f"{site}/plain/login", "--username", "ops@fieldnote.test", "--password-env", "PW"]
    assert world.seezar("account", "add", "mistyped", *options, PW="Wrong-Gable-71").code == 0
    answer = world.seezar("sign-in", "mistyped", "--json")
    assert answer.code == 1
    assert answer.json["status"] == "bad_credentials"
    assert answer.json["attempts"] == 1
    assert answer.json["session_id"] is None
    assert "Wrong-Gable-71" not in answer.out + answer.err
    spoken = world.seezar("runs", "show", answer.json["run_id"]).out
    assert "bad_credentials" in spoken


def test_a_wrong_totp_key(world: Home, site: str) -> None:
    options = ["--url", f"{site}/totp/login", "--username", "ops.ledgerline"]
    options += ["--password-env", "PW", "--totp-env", "KEY"]
    key = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    added = world.seezar("account", "add", "miscoded", *options, PW="Umber-Ledger-4482-tramway?", KEY=key)
    assert added.code == 0
    answer = world.seezar("sign-in", "miscoded", "--json")
    assert answer.code == 1
    assert answer.json["status"] == "bad_code"
    assert answer.json["session_id"] is None


def test_a_site_that_does_not_answer(world: Home) -> None:
    options = ["--url", "http://127.0.0.1:1/login", "--username", "ops", "--password-env", "PW"]
    assert world.seezar("account", "add", "absent", *options, PW="Hidden-Gable-77").code == 0
    answer = world.seezar("sign-in", "absent")
    assert answer.code == 1
    assert "site_error" in answer.out


def test_ctrl_c_leaves_the_run_which_can_be_cancelled_and_resumed(world: Home, site: str) -> None:
    # The site mails this user's code to another mailbox, so the run waits.
    options = ["--url", f"{site}/mail/login", "--username", "ops@harbor.test", "--password-env", "PW"]
    mailbox = ["--mailbox", "elsewhere@mail.seezar.test"]
    added = world.seezar("account", "add", "waiting", *options, *mailbox, PW="Quartz-Mooring-7719-halyard!")
    assert added.code == 0
    with world.running("sign-in", "waiting", "--timeout", "100") as watching:
        watching.wait_for("Submitting")
        assert watching.interrupt() == 130
        said = watching.said
    run_id = said.partition("seezar runs cancel ")[2].split()[0]
    assert "Traceback" not in said

    assert world.seezar("runs", "show", run_id, "--json").json["status"] == "running"
    refused = world.seezar("runs", "resume", run_id)
    assert refused.code == 1
    assert "under way" in refused.complaint
    assert world.seezar("runs", "cancel", run_id, "--json").json["status"] == "cancelled"
    assert "had ended before" in world.seezar("runs", "cancel", run_id).out

    with world.running("runs", "resume", run_id) as resumed:
        resumed.wait_for("Taken up again")
        assert world.seezar("runs", "show", run_id, "--json").json["status"] == "running"
        assert world.seezar("runs", "cancel", run_id).code == 0


def test_the_given_time_is_kept(world: Home, site: str) -> None:
    options = ["--url", f"{site}/mail/login", "--username", "ops@harbor.test", "--password-env", "PW"]
    mailbox = ["--mailbox", "elsewhere@mail.seezar.test"]
    assert world.seezar("account", "add", "late", *options, *mailbox, PW="Quartz-Mooring-7719-halyard!").code == 0
    answer = world.seezar("sign-in", "late", "--json", "--timeout", "8")
    assert answer.code == 1
    assert answer.json["status"] in ("no_code", "timeout")
    assert answer.json["run_id"]
    world.seezar("runs", "cancel", answer.json["run_id"])


def test_no_browser(world: Home, home: Home, site: str) -> None:
    home.variables["SEEZAR_CHROMIUM"] = "/nonexistent/chromium"
    options = ["--url", f"{site}/plain/login", "--username", "ops@fieldnote.test", "--password-env", "PW"]
    assert home.seezar("account", "add", "demo", *options, PW="Saffron-Meadow-3305-kestrel+").code == 0
    answer = home.seezar("sign-in", "demo", "--json")
    assert answer.code == 1
    assert answer.json["status"] == "browser_missing"
    assert "/nonexistent/chromium" in answer.json["reason"]
