"""`seezar runs …` in a running world."""

import pytest

from tests.service.conftest import Home, until

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


def test_list_filters_and_a_drawn_timeline(world: Home) -> None:
    run_id = world.seezar("sign-in", "demo-password", "--fresh", "--json").json["run_id"]

    def listed(*filters: str) -> list[str]:
        answer = world.seezar("runs", "list", "--json", *filters)
        assert answer.code == 0, answer.err
        return [run["id"] for run in answer.json["runs"]]

    wanted = ("--account", "demo-password", "--kind", "sign_in", "--status", "signed_in", "--since", "1h")
    assert listed(*wanted)[0] == run_id
    assert listed("--status", "finished", "--limit", "1") == [run_id]
    assert run_id not in listed("--account", "demo-totp") + listed("--kind", "open_page") + listed(
        "--status", "waiting"
    )
    assert listed("--since", "2099-01-01") == []
    assert "no such runs" in world.seezar("runs", "list", "--status", "locked").err
    wrong = world.seezar("runs", "list", "--since", "soon")
    assert wrong.code == 1
    assert "2026-11-01" in wrong.complaint

    lines = world.seezar("runs", "show", run_id).out.splitlines()
    assert any("password" in line and "worker-" in line and "#1" in line for line in lines)
    events = world.seezar("runs", "show", run_id, "--json").json["events"]
    assert {event["attempt"] for event in events} >= {1}
    assert all(event["worker"].startswith("worker-") for event in events if event["attempt"])


def test_follow(world: Home) -> None:
    with world.running("sign-in", "demo-mail", "--fresh"):
        run_id = ""

        def begun() -> bool:
            nonlocal run_id
            runs = world.seezar("runs", "list", "--account", "demo-mail", "--kind", "sign_in", "--json").json["runs"]
            run_id = runs[0]["id"] if runs else ""
            return bool(run_id)

        until(begun)
        followed = world.seezar("runs", "show", run_id, "--follow")
        assert followed.code == 0, followed.err
    last = [line for line in followed.out.splitlines() if " done " in line]
    assert len(last) == 1
    assert "signed_in" in last[0]
    assert "took" in followed.out
    ended = world.seezar("runs", "show", run_id, "--follow", "--json")
    assert ended.json["status"] == "signed_in"


@pytest.mark.parametrize("command", ["show", "cancel", "resume"])
def test_unknown_run(world: Home, command: str) -> None:
    answer = world.seezar("runs", command, "sign-in-nobody-0", "--json")
    assert answer.code == 1
    assert answer.json["status"] == "unknown_run"
