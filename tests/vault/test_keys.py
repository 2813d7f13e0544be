"""The master key: from the environment or a private file that is made once, and never a damaged one."""

import base64
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from seezar.errors import KeyUnusable
from seezar.settings import Settings
from seezar.vault.keys import MasterKey, check_master_key, key_file, load_master_key

LOAD = """
import pathlib, sys
from seezar.settings import Settings
from seezar.vault.keys import load_master_key
sys.stdin.read()
print(load_master_key(Settings(home=pathlib.Path(sys.argv[1]), _env_file=None)).value.hex())
"""


def with_key(settings: Settings, text: str) -> Settings:
    return settings.model_copy(update={"master_key": SecretStr(text)})


def test_made_on_first_use_and_private(settings: Settings) -> None:
    check_master_key(settings)
    assert not key_file(settings).exists()
    key = load_master_key(settings)
    assert len(key.value) == 32
    assert key_file(settings).stat().st_mode & 0o777 == 0o600
    assert load_master_key(settings) == key
    assert [path.name for path in settings.home.iterdir()] == [key_file(settings).name]


def test_a_home_that_does_not_exist_yet_is_made(settings: Settings) -> None:
    deep = settings.model_copy(update={"home": settings.home / "a" / "b"})
    load_master_key(deep)
    assert deep.home.stat().st_mode & 0o077 == 0


def test_two_processes_at_once_have_one_key(settings: Settings) -> None:
    command = [sys.executable, "-c", LOAD, str(settings.home)]
    racers = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    for racer in racers:
        # All are loaded and wait for this.
        assert racer.stdin is not None
        racer.stdin.close()
        racer.stdin = None
    keys = {racer.communicate(timeout=150)[0].strip() for racer in racers}
    assert [racer.returncode for racer in racers] == [0, 0, 0]
    assert keys == {load_master_key(settings).value.hex()}


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_file_that_others_may_read_is_refused(settings: Settings, mode: int) -> None:
    load_master_key(settings)
    key_file(settings).chmod(mode)
    for use in (load_master_key, check_master_key):
        with pytest.raises(KeyUnusable, match=f"mode {mode:04o}.*chmod 600"):
            use(settings)


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"not base64!", base64.b64encode(b"x" * 31), base64.b64encode(b"x" * 33), b"\xff\xfe" * 22],
    ids=["empty", "blank", "garbage", "short", "long", "bytes"],
)
def test_a_damaged_file_is_refused_and_kept(settings: Settings, content: bytes) -> None:
    path = key_file(settings)
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(KeyUnusable, match=r"damaged.*backup"):
        load_master_key(settings)
    assert path.read_bytes() == content


def test_a_folder_in_its_place_is_told(settings: Settings) -> None:
    key_file(settings).mkdir(mode=0o700)
    with pytest.raises(KeyUnusable, match="cannot be read"):
        load_master_key(settings)


def test_a_home_that_cannot_be_made_is_told(tmp_path: Path, settings: Settings) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(KeyUnusable, match="cannot be read"):
        load_master_key(settings.model_copy(update={"home": tmp_path / "file" / "home"}))


def test_the_environment_wins_and_leaves_no_file(settings: Settings) -> None:
    value = os.urandom(32)
    key = load_master_key(with_key(settings, base64.b64encode(value).decode() + "\n"))
    assert key.value == value
    assert not key_file(settings).exists()


@pytest.mark.parametrize("text", ["geheim", base64.b64encode(b"geheim").decode(), "ä" * 44])
def test_a_bad_key_of_the_environment_is_refused_without_showing_it(settings: Settings, text: str) -> None:
    with pytest.raises(KeyUnusable, match="SEEZAR_MASTER_KEY is damaged") as told:
        load_master_key(with_key(settings, text))
    assert text not in str(told.value)


def test_a_key_shows_only_its_id() -> None:
    key = MasterKey(b"geheim".ljust(32, b"."))
    assert "geheim" not in repr(key)
    assert key.key_id not in (key.value.hex(), MasterKey(bytes(32)).key_id)
    assert len(key.key_id) == 16
