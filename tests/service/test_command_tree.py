"""What holds for every command, whoever adds one: JSON, examples, exit codes, and no traceback at any input."""

import os
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.core
import typer.main
from typer.testing import CliRunner

from service.cli import build, extend
from service.examples import EXAMPLES, epilog
from service.exit_codes import ExitCode
from tests.service.conftest import SEEZAR, Home

APP = build()
extend(APP)
ROOT = typer.main.get_command(APP)
# They serve until they are stopped, and tell nothing that a program would read.
SERVERS = {"up", "web", "api", "mcp", "worker", "playground"}


def _leaves(command: object, before: tuple[str, ...] = ()) -> Iterator[tuple[str, object]]:
    below: dict[str, object] | None = getattr(command, "commands", None)
    if below is None:
        yield " ".join(before), command
        return
    for name, child in below.items():
        yield from _leaves(child, (*before, name))


COMMANDS = dict(_leaves(ROOT))


def _options(name: str) -> set[str]:
    return {option for parameter in COMMANDS[name].params for option in parameter.opts}  # pyright: ignore[reportAttributeAccessIssue]


def test_every_command_but_the_servers_prints_json() -> None:
    assert {name for name in COMMANDS if "--json" not in _options(name)} == SERVERS


def test_every_command_has_examples_that_can_be_typed() -> None:
    assert set(EXAMPLES) == set(COMMANDS)
    for name, examples in EXAMPLES.items():
        assert examples, name
        for example in examples:
            words = shlex.split(example, comments=" #" in example)
            assert words[: len(name.split())] == name.split(), example
            arguments = words[len(name.split()) :]
            # Raises for an option that is not there, a value that does not fit, or an argument that is missing.
            COMMANDS[name].make_context(name, arguments)  # pyright: ignore[reportAttributeAccessIssue]


def test_help_tells_examples_and_exit_codes() -> None:
    runner = CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"})
    for name in COMMANDS:
        shown = runner.invoke(APP, [*name.split(), "--help"])
        assert shown.exit_code == ExitCode.DONE, name
        for line in epilog(name).splitlines():
            assert line.strip() in shown.stdout, (name, line)
        assert (Path(__file__).parents[2] / epilog(name).rpartition("More: ")[2]).exists(), name


_NASTY = ("", "x" * 5000, "\u202eops", "../../etc/passwd", "o\u0440s; rm -rf /", "-1", "\x1b[31m")


def _required(name: str) -> list[typer.core.TyperArgument | typer.core.TyperOption]:
    return [parameter for parameter in COMMANDS[name].params if parameter.required]  # pyright: ignore[reportAttributeAccessIssue]


# What takes no word cannot be given a wrong one; `db url` is there to print a password.
@pytest.mark.parametrize("name", sorted(name for name in COMMANDS if _required(name) and name != "db url"))
def test_no_input_ends_in_a_traceback(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the database cannot be reached, so that nothing is done; what is wrong is told before that or then."""
    here, home = tmp_path / "here", tmp_path / "home"
    here.mkdir()
    monkeypatch.chdir(here)
    variables = {
        "SEEZAR_HOME": str(home),
        "SEEZAR_DATABASE_URL": "postgresql://u:hush@127.0.0.1:1/seezar",
        "SEEZAR_SMTP_PORT": "0",
    }
    runner = CliRunner(env=variables)
    for nasty in _NASTY:
        arguments = [
            part for p in _required(name) for part in ([p.opts[0], nasty] if p.opts[0].startswith("-") else [nasty])
        ]
        for more in ([], ["--json"], ["--no-such-option"], ["one", "too", "many", "words"]):
            done = runner.invoke(APP, [*name.split(), *arguments, *more], input="")
            assert done.exit_code in (ExitCode.NOT_DONE, ExitCode.WRONG_USAGE), (nasty, more, done.exit_code)
            assert done.exception is None or isinstance(done.exception, SystemExit), (nasty, more, done.exception)
            assert "Traceback" not in done.output, (nasty, more)
            assert "hush" not in done.output, (nasty, more)
            assert not (home / "logs" / "cli.log").exists(), (nasty, more, done.output)
            assert list(here.iterdir()) == [], (nasty, more)


def test_a_pipe_gets_no_colour_and_no_progress(home: Home) -> None:
    for arguments in (["account", "list"], ["runs", "list"], ["status"], ["doctor"], ["--help"], ["webhook", "list"]):
        for variable, value in (("TERM", "xterm"), ("TERM", "dumb"), ("NO_COLOR", "1")):
            answer = Home(home.path, {variable: value}).seezar(*arguments)
            assert "\x1b" not in answer.out + answer.err, arguments
            assert "\r" not in answer.out + answer.err, arguments


def test_a_reader_who_leaves_is_no_error(home: Home) -> None:
    home.seezar("account", "list")
    with subprocess.Popen(
        [SEEZAR, "runs", "list", "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=home.environment()
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        told = process.stderr.read().decode()
        process.wait(60)
    assert "Traceback" not in told


def _completed(home: Home, shell: str, typed: str) -> list[str]:
    """What `shell` is offered for the last word of `typed`."""
    words = typed.split(" ")
    variables = {
        "bash": {"COMP_WORDS": typed, "COMP_CWORD": str(len(words) - 1)},
        "zsh": {"_TYPER_COMPLETE_ARGS": typed},
        "fish": {"_TYPER_COMPLETE_ARGS": typed, "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
    }[shell]
    done = subprocess.run(
        [SEEZAR],
        env=home.environment(_SEEZAR_COMPLETE=f"complete_{shell}", **variables),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == b"", done.stderr
    # What zsh is told where there is nothing to offer: files. It has colons escaped.
    text = done.stdout.decode().replace("_files", "").replace("\\\\:", ":")
    return [word.strip('"\\ ') for word in text.replace("_arguments '*: :((", "").replace("))'", "").split()]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_names_are_completed(home: Home, shell: str) -> None:
    assert _completed(home, shell, "seezar account show op") == [], "nothing is started for it"
    assert home.processes() == []
    for name in ("ops-1", "ops-2", "other"):
        site = ("--url", "https://a.example/", "--username", "me", "--password-ref", "env:PASSWORD")
        added = home.seezar("account", "add", name, *site)
        assert added.code == 0, added.err
    hook = str(home.seezar("webhook", "add", "https://203.0.114.7/hook", "--json").json["id"])
    assert _completed(home, shell, "seezar account show op") == ["ops-1", "ops-2"]
    assert _completed(home, shell, "seezar sign-in oth") == ["other"]
    assert _completed(home, shell, "seezar webhook show ") == [hook]
    assert _completed(home, shell, "seezar client add x --scope runs:r") == ["runs:read"]
    assert _completed(home, shell, "seezar session check ") == []


def test_a_database_that_cannot_be_asked_is_not_told_of(home: Home) -> None:
    for url in ("postgresql://u:hush@127.0.0.1:1/seezar", "mysql://nowhere"):
        done = subprocess.run(
            [SEEZAR],
            env=home.environment(
                _SEEZAR_COMPLETE="complete_bash",
                COMP_WORDS="seezar account show ",
                COMP_CWORD="3",
                SEEZAR_DATABASE_URL=url,
            ),
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert (done.stdout.strip(), done.stderr) == (b"", b"")


def test_the_table_of_exit_codes_is_that_of_the_commands() -> None:
    page = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text()
    for code in ExitCode:
        assert f"| {code.value} | {code.meaning} |" in page


def test_the_completion_is_there_for_each_shell() -> None:
    for shell in ("bash", "zsh", "fish"):
        done = subprocess.run(
            [SEEZAR, "--show-completion", shell],
            env={**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"},
            capture_output=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        assert b"_SEEZAR_COMPLETE" in done.stdout
