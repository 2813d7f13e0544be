"""The frame: help, version, speed, wrong usage, settings that cannot be used."""

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from service.cli import build, extend
from tests.service.conftest import SIGN_IN_KEYS, Home

COMMANDS = {
    "up", "down", "status", "doctor", "worker", "web", "api", "playground",
    "sign-in", "account", "session", "runs", "notices", "webhook", "mail", "models", "db",
    "extract", "knowledge", "schedule", "report",
    "client", "token", "confirm", "audit", "vault", "mcp",
}  # fmt: skip


def test_help_lists_every_command_and_no_other(home: Home) -> None:
    answer = home.seezar("--help")
    listed = {line.split()[1] for line in answer.out.splitlines() if line.startswith("│ ") and line[2] not in " -"}
    assert answer.code == 0
    assert listed == COMMANDS


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_has_help(command: str) -> None:
    app = build()
    extend(app)
    result = CliRunner().invoke(app, [command, "--help"])
    assert result.exit_code == 0
    assert command in result.stdout


def test_version(home: Home) -> None:
    answer = home.seezar("--version")
    assert (answer.code, answer.out) == (0, "seezar 0.1.0\n")


def loaded(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; import sys, json; print(json.dumps(list(sys.modules)))"],
        capture_output=True,
        text=True,
        check=True,
    )
    names = set(json.loads(done.stdout))
    # Namespace packages are there as soon as Python is.
    return {name.partition(".")[0] for name in names if not name.startswith("google")} | (names & {"google.adk"})


def test_the_frame_imports_nothing_heavy() -> None:
    modules = loaded("from service.cli import build, extend; extend(build())")
    assert not modules & {"google.adk", "litellm", "dbos", "sqlalchemy", "psycopg", "pydantic", "playwright", "numpy"}


def test_the_stores_come_without_agents_models_and_engine() -> None:
    modules = loaded("import service.ground, seezar.application, workflows.ground")
    assert not modules & {"google.adk", "litellm", "dbos", "sqlalchemy"}


def test_wrong_usage_is_told_with_exit_code_2(home: Home) -> None:
    for arguments in (["nonsense"], ["account", "nonsense"], ["sign-in"], ["web", "--port", "70000"]):
        answer = home.seezar(*arguments)
        assert answer.code == 2
        assert "Error" in answer.err
        assert answer.out == ""


def test_a_setting_that_cannot_be_used(home: Home) -> None:
    answer = home.seezar("account", "list", SEEZAR_SMTP_PORT="many")
    assert answer.code == 1
    assert "SEEZAR_SMTP_PORT" in answer.complaint


def test_sign_in_json_is_whole_even_when_nothing_could_be_started(home: Home) -> None:
    answer = home.seezar("sign-in", "ops", "--json", SEEZAR_DATABASE_URL="postgresql://u:hush@127.0.0.1:1/seezar")
    assert answer.code == 1
    assert set(answer.json) == SIGN_IN_KEYS
    assert answer.json["status"] == "database_unavailable"
    assert (answer.json["account"], answer.json["attempts"], answer.json["run_id"]) == ("ops", 0, None)
    assert "Connection refused" in answer.complaint
    assert "hush" not in answer.out + answer.err


def test_json_of_other_commands_has_status_and_message(home: Home) -> None:
    answer = home.seezar("runs", "list", "--json", SEEZAR_DATABASE_URL="mysql://nowhere")
    assert answer.code == 1
    assert set(answer.json) == {"status", "message"}
    assert answer.json["status"] == "settings_invalid"


def test_a_damaged_key_file_stops_everything_before_it_starts(home: Home) -> None:
    (home.path / "master.key").write_text("not a key\n")
    (home.path / "master.key").chmod(0o600)
    answer = home.seezar("sign-in", "ops", "--json")
    assert answer.code == 1
    assert answer.json["status"] == "key_unusable"
    assert str(home.path / "master.key") in answer.complaint
    assert home.processes() == []


def test_a_key_file_that_others_may_read_is_not_used(home: Home) -> None:
    (home.path / "master.key").write_text("x")
    (home.path / "master.key").chmod(0o644)
    answer = home.seezar("account", "list")
    assert answer.code == 1
    assert "chmod 600" in answer.complaint
