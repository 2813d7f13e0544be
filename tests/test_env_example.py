"""`.env.example` names the settings that exist, with their defaults, and `make env` makes a usable `.env` of it."""

import base64
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from seezar.settings import Settings

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / ".env.example"
# Of these the default depends on the machine or is "none": the example leaves them empty and says so in words.
UNSET = {
    "api_cors",
    "home", "database_url", "master_key", "other_master_keys", "vault_addr", "vault_token",
    "chromium", "cdp_url", "litellm_config", "mail_config",
    "notice_url", "notice_mail", "notice_smtp", "litellm_url", "litellm_key", "model_recording",
}  # fmt: skip

COMPOSE_FILES = ("docker-compose.yml", "docker-compose.minio.yml")
# Variables that mean nothing in a container, each with what takes its place there.
NOT_IN_COMPOSE = {
    "SEEZAR_HOME": "a volume, at the path that the image sets",
    "SEEZAR_DATABASE_URL": "the service postgres",
    "SEEZAR_MAIL_CONFIG": "mail.toml in the volume; a path of the host is none in the container",
    "SEEZAR_LITELLM_CONFIG": "the file in the image; a path of the host is none in the container",
    "SEEZAR_MODEL_RECORDING": "for tests and evals of a checkout",
    "SEEZAR_MODEL_RECORDING_MODE": "for tests and evals of a checkout",
    "SEEZAR_CHROMIUM": "that of the image",
    "SEEZAR_HEADLESS": "a container has no screen",
    "SEEZAR_SMTP_PORT": "fixed inside the container",
    "SEEZAR_API_PORT": "fixed inside the container",
    "SEEZAR_WEB_PORT": "fixed inside the container",
    "SEEZAR_PLAYGROUND_PORT": "the demo world is not part of it",
    "SEEZAR_WORKER_IDLE_EXIT": "for workers that a command started; this one is started by hand",
    "LANGFUSE_BASE_URL": "COMPOSE_LANGFUSE_URL: 127.0.0.1 is the container itself there",
}


def variables(path: Path) -> dict[str, str]:
    """`NAME=value` lines, those commented out with a bare `#` included."""
    found: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        match = re.fullmatch(r"#?([A-Z][A-Z0-9_]*)=(.*)", line)
        if match:
            assert match[1] not in found, f"{match[1]} is there twice"
            found[match[1]] = match[2]
    return found


def ours(path: Path) -> dict[str, str]:
    return {
        name.removeprefix("SEEZAR_").lower(): value
        for name, value in variables(path).items()
        if name.startswith("SEEZAR_")
    }


def test_every_setting_is_in_the_example_and_nothing_else() -> None:
    assert set(ours(EXAMPLE)) == set(Settings.model_fields)


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_the_value_shown_is_the_default(name: str) -> None:
    shown = ours(EXAMPLE).get(name, "")
    if name in UNSET:
        assert shown == ""
        return
    default = Settings.model_fields[name].default
    assert shown == (str(default).lower() if isinstance(default, bool) else str(default))


def test_every_line_is_a_comment_a_variable_or_empty() -> None:
    for line in EXAMPLE.read_text(encoding="utf-8").splitlines():
        assert re.fullmatch(r"|# .*|#|# ?-+|#?[A-Z][A-Z0-9_]*=\S*", line), line


def test_the_example_as_it_stands_changes_no_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("SEEZAR_")]:
        monkeypatch.delenv(name)
    assert Settings(_env_file=EXAMPLE) == Settings(_env_file=None)  # pyright: ignore[reportCallIssue]


def read_by_compose() -> set[str]:
    """Variables that compose takes from `.env`: those in braces, and those that are passed on by their name alone."""
    text = "".join((ROOT / name).read_text(encoding="utf-8") for name in COMPOSE_FILES)
    return set(re.findall(r"\$\{([A-Z0-9_]+)", text)) | set(re.findall(r"^ +([A-Z][A-Z0-9_]+):$", text, re.MULTILINE))


def test_compose_takes_only_variables_that_the_example_explains() -> None:
    assert read_by_compose() - set(variables(EXAMPLE)) == set()


def test_what_the_example_has_for_compose_is_taken_by_it() -> None:
    own = EXAMPLE.read_text(encoding="utf-8").partition("# docker compose only;")[2]
    names = set(re.findall(r"^#?([A-Z][A-Z0-9_]*)=", own, re.MULTILINE))
    assert len(names) > 10
    assert names - read_by_compose() == set()


def test_what_the_app_can_be_told_it_can_be_told_in_compose() -> None:
    assert set(variables(EXAMPLE)) - read_by_compose() == set(NOT_IN_COMPOSE)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "scripts").mkdir()
    shutil.copy(EXAMPLE, tmp_path / ".env.example")
    shutil.copy(ROOT / "scripts" / "make-env.sh", tmp_path / "scripts" / "make-env.sh")
    return tmp_path


def make_env(checkout: Path, home: Path) -> str:
    done = subprocess.run(
        ["bash", "scripts/make-env.sh"],
        cwd=checkout,
        env={"PATH": os.environ["PATH"], "HOME": str(home), "SEEZAR_HOME": str(home)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout + done.stderr


def test_make_env_fills_every_secret_once_and_privately(checkout: Path, tmp_path: Path) -> None:
    output = make_env(checkout, tmp_path / "home")
    written = variables(checkout / ".env")
    filled = {name: value for name, value in written.items() if value and not variables(EXAMPLE)[name]}

    assert (checkout / ".env").stat().st_mode & 0o777 == 0o600
    assert set(written) == set(variables(EXAMPLE))
    assert len(base64.b64decode(written["SEEZAR_MASTER_KEY"], validate=True)) == 32
    assert re.fullmatch(r"[0-9a-f]{64}", written["LANGFUSE_ENCRYPTION_KEY"])
    assert len(set(filled.values())) == len(filled) == 13
    assert not any(value in output for value in filled.values())

    before = (checkout / ".env").read_bytes()
    assert "left alone" in make_env(checkout, tmp_path / "home")
    assert (checkout / ".env").read_bytes() == before


def test_make_env_fills_all_that_compose_wants_to_be_secret(checkout: Path, tmp_path: Path) -> None:
    make_env(checkout, tmp_path / "home")
    own = (checkout / ".env").read_text(encoding="utf-8").partition("# docker compose only;")[2]
    assert re.findall(r"^([A-Z][A-Z0-9_]*)=$", own, re.MULTILINE) == []


def test_make_env_does_not_shadow_an_existing_key_file(checkout: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "master.key").write_text("anything")
    assert str(home / "master.key") in make_env(checkout, home)
    assert variables(checkout / ".env")["SEEZAR_MASTER_KEY"] == ""
