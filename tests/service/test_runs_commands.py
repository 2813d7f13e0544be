"""`seezar runs …` in a running world."""

import pytest

from tests.service.conftest import Home

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(400)]


def test_list_and_show(world: Home) -> None:
    run_id = world.seezar("sign-in", "demo-password", "--json").json["run_id"]
    assert run_id in world.seezar("runs", "list").out
    newest = world.seezar("runs", "list", "--json", "--limit", "1").json["runs"]
    assert [run["id"] for run in newest] == [run_id]

    shown = world.seezar("runs", "show", run_id, "--json").json
    assert (shown["status"], shown["account"], shown["kind"]) == ("signed_in", "demo-password", "sign_in")
    assert shown["events"][-1]["step"] == "done"
    assert "signed_in" in world.seezar("runs", "show", run_id).out

    ended = world.seezar("runs", "resume", run_id)
    assert ended.code == 1
    assert "has ended (signed_in)" in ended.complaint


@pytest.mark.parametrize("command", ["show", "cancel", "resume"])
def test_unknown_run(world: Home, command: str) -> None:
    answer = world.seezar("runs", command, "sign-in-nobody-0", "--json")
    assert answer.code == 1
    assert answer.json["status"] == "unknown_run"
