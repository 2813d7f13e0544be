"""The set-up scripts: what counts as a Python, a uv, a Chromium. Programs on PATH are small scripts of the test."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BASH = shutil.which("bash") or "/bin/bash"


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A machine with an empty home and nothing on PATH but `bin` and what the scripts themselves are made of."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "home").mkdir()
    for tool in ("awk", "ls", "cat", "id", "uname", "timeout", "head"):
        path = shutil.which(tool)
        if path:
            (tmp_path / "bin" / tool).symlink_to(path)
    return tmp_path


def program(path: Path, body: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!{BASH}\n{body}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def run(machine: Path, script: str, **variables: str) -> subprocess.CompletedProcess[str]:
    sources = "; ".join(f". {ROOT}/scripts/{name}.sh" for name in ("lib", "python", "uv", "chromium"))
    return subprocess.run(
        [BASH, "-c", f"set -euo pipefail; ROOT={machine}; {sources}; {script}"],
        env={"PATH": str(machine / "bin"), "HOME": str(machine / "home"), **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def candidates(machine: Path, paths: list[Path]) -> str:
    # What is installed on the machine that runs the tests must not be found.
    return f"python_candidates() {{ printf '%s\\n' {' '.join(map(str, paths))}; }}; find_python"


def test_a_shim_that_fails_is_no_python(machine: Path) -> None:
    shim = program(machine / "bin" / "python3.12", 'echo "pyenv: python3.12: command not found" >&2; exit 127')
    assert run(machine, candidates(machine, [shim])).returncode == 1

    done = run(machine, candidates(machine, [shim, Path(sys.executable)]))
    assert done.stdout.strip() == sys.executable


def test_a_python_that_is_too_old_is_no_python(machine: Path) -> None:
    # It answers the probe as a Python 3.11 would: with an empty line.
    old = program(machine / "bin" / "python3", "echo")
    assert run(machine, candidates(machine, [old])).returncode == 1


def test_pyenv_is_looked_into_when_its_shims_fail(machine: Path) -> None:
    program(machine / "bin" / "python3.12", "exit 127")
    folder = machine / "pyenv" / "versions" / "3.12.9" / "bin"
    folder.mkdir(parents=True)
    (folder / "python3.12").symlink_to(sys.executable)
    listed = run(machine, "python_candidates", PYENV_ROOT=str(machine / "pyenv")).stdout.split("\n")
    shim, inside = str(machine / "bin" / "python3.12"), str(folder / "python3.12")
    assert listed.index(shim) < listed.index(inside)


def test_a_snap_stub_is_no_chromium(machine: Path) -> None:
    program(machine / "bin" / "chromium-browser", 'echo "requires the chromium snap to be installed" >&2; exit 1')
    only_path = (
        'chromium_candidates() { type -aP chromium-browser google-chrome; printf "%s\\n" "${SEEZAR_CHROMIUM:-}"; }'
    )
    assert run(machine, f"{only_path}; find_chromium").returncode == 1

    chrome = program(machine / "bin" / "google-chrome", 'echo "Google Chrome 140.0.1"')
    assert run(machine, f"{only_path}; find_chromium").stdout.strip() == str(chrome)


def test_the_chromium_of_the_settings_comes_first(machine: Path) -> None:
    program(machine / "bin" / "chromium", 'echo "Chromium 140.0.1"')
    mine = program(machine / "my browser" / "chrome", 'echo "Chromium 141.0.1"')
    assert run(machine, "find_chromium", SEEZAR_CHROMIUM=str(mine)).stdout.strip() == str(mine)


@pytest.mark.parametrize(("version", "usable"), [("0.13.9", True), ("0.9.0", True), ("0.8.24", False), ("1.0", True)])
def test_an_old_uv_is_not_used(machine: Path, version: str, usable: bool) -> None:
    uv = program(machine / "bin" / "uv", f'echo "uv {version} (x86_64-unknown-linux-gnu)"')
    done = run(machine, "find_uv")
    assert (done.stdout.strip() == str(uv)) is usable
    assert (done.returncode == 0) is usable


def test_without_python_or_package_manager_the_reason_is_one_clear_sentence(machine: Path) -> None:
    done = run(machine, 'any_pythons() { :; }; can_apt() { return 1; }; install_uv ""')
    assert done.returncode == 1
    assert done.stdout == ""
    assert "could not be installed" in done.stderr
    assert "docs.astral.sh/uv" in done.stderr


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    # Under `make test` this is a make within a make: the outer one's flags are not meant for it.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE") and name != "ARGS"}
    return subprocess.run(["make", *arguments], cwd=ROOT, capture_output=True, text=True, check=False, env=environment)


@pytest.mark.skipif(shutil.which("make") is None, reason="no make on this machine")
def test_every_documented_target_is_listed_by_make_help() -> None:
    names = set(re.findall(r"^  ([a-z-]+) ", make("help").stdout, re.M))
    assert names >= {"help", "setup", "demo", "test", "lint", "format", "evals", "env", "clean"}
    for name in names:
        assert make("--dry-run", name).returncode == 0, name
