"""`seezar runs …` in a running world."""

import psycopg
import pytest

from playground.world import DEMO_MAIL
from tests.service.conftest import Home, until
from workflows.engine import dbos_url
from workflows.names import APPLICATION_VERSION

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


def test_follow(world: Home, site: str) -> None:
    # The site mails its code to another mailbox: the run waits for as long as it is let.
    user, password = DEMO_MAIL.username, DEMO_MAIL.password
    options = ["--url", f"{site}/mail/login", "--username", user, "--password-env", "PW"]
    lonely = [*options, "--mailbox", "lonely@mail.seezar.test"]
    assert world.seezar("account", "add", "lonely", *lonely, PW=password).code == 0
    with world.running("sign-in", "lonely"):
        runs: list[str] = []

        def begun() -> bool:
            runs[:] = [run["id"] for run in world.seezar("runs", "list", "--account", "lonely", "--json").json["runs"]]
            return bool(runs)

        until(begun)
        with world.running("runs", "show", runs[0], "--follow") as followed:
            followed.wait_for(" password ")
            assert world.seezar("runs", "cancel", runs[0]).code == 0
            assert followed.process.wait(timeout=60) == 0
            last = [line for line in followed.said.splitlines() if " done " in line]
            assert len(last) == 1
            assert "Cancelled" in last[0]
            assert "took" in followed.said
    ended = world.seezar("runs", "show", runs[0], "--follow", "--json").json
    assert ended["status"] == "cancelled"
    ids = [event["id"] for event in ended["events"]]
    assert ids == sorted(set(ids))


def test_a_run_that_fails_again_is_no_success(world: Home, site: str) -> None:
    options = ["--url", f"{site}/plain/login", "--username", "ops@fieldnote.test", "--password-env", "PW"]
    assert world.seezar("account", "add", "mistaken", *options, PW="Wrong-Gable-72").code == 0
    run_id = world.seezar("sign-in", "mistaken", "--json").json["run_id"]
    shown = world.seezar("runs", "show", run_id)
    assert "(login, " in shown.out, "what the action was based on"
    pictures = [event["detail"] for event in world.seezar("runs", "show", run_id, "--json").json["events"]]
    assert 1 in [detail.get("picture") for detail in pictures]
    assert f"seezar runs picture {run_id} --attempt 1 --output FILE" in shown.out
    again = world.seezar("runs", "retry", run_id, "--json")
    assert (again.code, again.json["status"]) == (1, "bad_credentials")


def test_a_kind_that_there_is_not(world: Home) -> None:
    wrong = world.seezar("runs", "list", "--kind", "signin")
    assert wrong.code == 1
    assert "sign_in, sign_out" in wrong.complaint
    assert world.seezar("runs", "list", "--kind", "sign-in", "--json").code == 0


def test_a_status_that_there_is_not(world: Home) -> None:
    wrong = world.seezar("runs", "list", "--status", "finnished")
    assert wrong.code == 1
    assert "queued" in wrong.complaint
    assert "signed_in" in wrong.complaint
    # How an error ends a run is a word as well, also where no run has ended so.
    assert world.seezar("runs", "list", "--status", "disk_full").code == 0


def test_following_ends_where_no_worker_may_go_on(world: Home, site: str) -> None:
    options = ["--url", f"{site}/mail/login", "--username", DEMO_MAIL.username, "--password-env", "PW"]
    added = world.seezar(
        "account", "add", "left", *options, "--mailbox", "left@mail.seezar.test", PW=DEMO_MAIL.password
    )
    assert added.code == 0
    url = dbos_url(world.seezar("db", "url").out.strip())
    change = "UPDATE dbos.workflow_status SET application_version = %s WHERE workflow_uuid = %s"
    with world.running("sign-in", "left"), psycopg.connect(url, autocommit=True) as dbos:
        runs: list[str] = []

        def begun() -> bool:
            runs[:] = [run["id"] for run in world.seezar("runs", "list", "--account", "left", "--json").json["runs"]]
            return bool(runs)

        until(begun)
        with world.running("runs", "show", runs[0], "--follow") as followed:
            followed.wait_for(" password ")
            # As after an update of the workers in the middle of the run.
            dbos.execute(change, ("0.9", runs[0]))
            assert followed.process.wait(timeout=120) == 0
            assert f"seezar runs resume {runs[0]}" in followed.said
        shown = world.seezar("runs", "show", runs[0])
        assert "queued for version 0.9, which no worker has" in shown.out
        assert "0.9" in world.seezar("runs", "show", runs[0], "--follow", "--json").json["stranded"]
        dbos.execute(change, (APPLICATION_VERSION, runs[0]))
        assert world.seezar("runs", "show", runs[0], "--json").json["stranded"] is None
        assert world.seezar("runs", "cancel", runs[0]).code == 0


@pytest.mark.parametrize("command", ["show", "cancel", "resume"])
def test_unknown_run(world: Home, command: str) -> None:
    answer = world.seezar("runs", command, "sign-in-nobody-0", "--json")
    assert answer.code == 1
    assert answer.json["status"] == "unknown_run"
