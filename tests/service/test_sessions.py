"""`seezar session …` in a running world."""

import json
from pathlib import Path

import pytest

from tests.service.conftest import Home

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(400)]


@pytest.fixture(autouse=True)
def signed_in(world: Home) -> None:
    assert world.seezar("sign-in", "demo-password").code == 0


def test_list_check_forget(world: Home) -> None:
    assert "demo-password" in world.seezar("session", "list").out
    good = world.seezar("session", "check", "demo-password")
    assert good.code == 0
    assert "the site was asked" in good.out
    [listed] = [
        s for s in world.seezar("session", "list", "--json").json["sessions"] if s["account"] == "demo-password"
    ]
    assert listed["expires_at"] > listed["obtained_at"]
    forgotten = world.seezar("session", "forget", "demo-password")
    assert forgotten.code == 0
    assert "The site has ended the session." in forgotten.out
    assert "demo-password" not in world.seezar("session", "list").out
    gone = world.seezar("session", "check", "demo-password")
    assert gone.code == 1
    assert "no stored session" in gone.out


def test_forget_here_alone(world: Home) -> None:
    forgotten = world.seezar("session", "forget", "demo-password", "--local")
    assert forgotten.code == 0
    assert "not told" in forgotten.out


def test_accounts_as_json(world: Home) -> None:
    accounts = {account["name"]: account for account in world.seezar("account", "list", "--json").json["accounts"]}
    assert accounts["demo-password"]["session"] is True
    assert accounts["demo-totp"]["second_factor"] == "totp"


def test_export_asks_first_and_writes_a_private_file(world: Home, tmp_path: Path) -> None:
    target = tmp_path / "state.json"
    unasked = world.seezar("session", "export", "demo-password", "--output", str(target))
    assert unasked.code == 1
    assert "--yes" in unasked.complaint
    assert not target.exists()

    assert world.seezar("session", "export", "demo-password", "--output", str(target), "--yes").code == 0
    assert target.stat().st_mode & 0o777 == 0o600
    state = json.loads(target.read_text())
    assert set(state) == {"cookies", "origins"}
    assert state["cookies"]

    before = target.read_bytes()
    again = world.seezar("session", "export", "demo-password", "--output", str(target), "--yes")
    assert again.code == 1
    assert "exists already" in again.complaint
    assert target.read_bytes() == before


def test_export_without_session_or_folder(world: Home, tmp_path: Path) -> None:
    nobody = world.seezar("session", "export", "nobody", "--output", str(tmp_path / "x.json"), "--yes")
    assert "no account named" in nobody.complaint
    lost = world.seezar("session", "export", "demo-password", "--output", str(tmp_path / "no" / "x.json"), "--yes")
    assert "does not exist" in lost.complaint
    assert lost.code == nobody.code == 1


def test_unknown_account(world: Home) -> None:
    for command in ("check", "forget"):
        answer = world.seezar("session", command, "nobody")
        assert answer.code == 1
        assert "no account named" in answer.complaint
