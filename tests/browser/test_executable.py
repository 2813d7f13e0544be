"""Which browser is driven, and what is said when there is none."""

from pathlib import Path

import pytest

from seezar.browser import executable
from seezar.browser.executable import find_chromium
from seezar.errors import BrowserMissing
from tests.chromium import browser_settings


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "bin" / "google-chrome"
    path.parent.mkdir()
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


@pytest.fixture(autouse=True)
def _no_browser_on_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    monkeypatch.setattr(executable, "_MAC", ())


def test_what_the_setting_names_comes_first(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin")
    assert find_chromium(browser_settings(chromium=program)) == program


@pytest.mark.parametrize("name", ["missing", "bin"])
def test_a_setting_that_names_no_file(program: Path, name: str) -> None:
    wrong = program.parent.parent / name
    with pytest.raises(BrowserMissing, match=f"SEEZAR_CHROMIUM names {wrong}"):
        find_chromium(browser_settings(chromium=wrong), bundled=program)


def test_one_on_the_path_before_playwrights_own(program: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bundled = tmp_path / "bundled"
    bundled.touch()
    assert find_chromium(browser_settings(chromium=None), bundled=bundled) == bundled
    monkeypatch.setenv("PATH", str(program.parent))
    assert find_chromium(browser_settings(chromium=None), bundled=bundled) == program


@pytest.mark.parametrize("bundled", [None, Path("/nowhere/chrome")])
def test_none_at_all(bundled: Path | None) -> None:
    with pytest.raises(BrowserMissing, match=r"make setup.*SEEZAR_CHROMIUM") as told:
        find_chromium(browser_settings(chromium=None), bundled=bundled)
    assert told.value.status == "browser_missing"
