"""What a wheel of this project holds: hatchling takes every file of the named packages that git does not ignore."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"][
    "packages"
]
# Without these the installed package does not work; a sample of each kind of data.
NEEDED = [
    "seezar/browser/read.js",
    "seezar/signin/look/dom.js",
    "seezar/signin/look/result.js",
    "seezar/signin/data/model.json",
    "seezar/signin/data/words.toml",
    "seezar/database/migrations/0001_core.sql",
]


def data_files() -> list[Path]:
    """Everything in the packages that is not code."""
    found = [file for package in PACKAGES for file in (ROOT / package).rglob("*") if file.is_file()]
    made = {"__pycache__", ".adk"}
    return [file for file in found if file.suffix != ".py" and not made & set(file.parts)]


def test_no_data_file_is_left_out() -> None:
    files = data_files()
    assert {ROOT / name for name in NEEDED} <= set(files)
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: nothing is ignored here")
    listed = "\n".join(str(file) for file in files)
    ignored = subprocess.run(["git", "check-ignore", "--stdin"], input=listed, capture_output=True, text=True, cwd=ROOT)
    assert ignored.stdout == ""


def test_every_part_of_the_look_is_there_and_used() -> None:
    source = (ROOT / "seezar" / "signin" / "scan.py").read_text()
    parts = re.search(r"_PARTS: Final = \(([^)]*)\)", source)
    assert parts is not None
    there = {file.stem for file in (ROOT / "seezar" / "signin" / "look").glob("*.js")}
    assert set(re.findall(r'"(\w+)"', parts[1])) == there
