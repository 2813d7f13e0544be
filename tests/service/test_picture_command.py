"""`seezar runs picture`: the page on which a sign-in came to a stop, as a private file."""

from pathlib import Path

import pytest

from tests.service.conftest import Home

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(400)]


def test_the_picture_of_a_sign_in_that_failed(world: Home, site: str, tmp_path: Path) -> None:
    options = ["--url", f"{site}/plain/login", "--username", "ops@fieldnote.test", "--password-env", "PW"]
    assert world.seezar("account", "add", "pictured", *options, PW="Wrong-Gable-72").code == 0
    run_id = world.seezar("sign-in", "pictured", "--json").json["run_id"]
    assert f"seezar runs picture {run_id} --attempt 1 --output FILE" in world.seezar("runs", "show", run_id).out

    file = tmp_path / "page.png"
    assert world.seezar("runs", "picture", run_id, "--output", str(file)).code == 0
    assert file.read_bytes().startswith(b"\x89PNG")
    assert file.stat().st_mode & 0o077 == 0
    again = world.seezar("runs", "picture", run_id, "--output", str(file))
    assert again.code == 1
    assert "exists already" in again.complaint

    none = world.seezar("runs", "picture", run_id, "--output", str(tmp_path / "none.png"), "--attempt", "9")
    assert none.code == 1
    assert "no picture" in none.complaint
    unknown = world.seezar("runs", "picture", "nobody-0", "--output", str(tmp_path / "none.png"))
    assert unknown.code == 1
    assert "nobody-0" in unknown.complaint
