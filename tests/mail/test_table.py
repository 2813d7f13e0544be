"""The configuration table of mail: what is read from `mail.toml`, and what is refused."""

from pathlib import Path

import pytest

from seezar.errors import SettingsInvalid
from seezar.mail.table import load_table

GOOD = """
[[provider]]
name = "mailtm"
url = "https://api.mail.tm/"
push_url = "https://mercure.mail.tm/.well-known/mercure"

[[provider]]
name = "dev"
kind = "smtpdev"
url = "https://api.smtp.dev"
key_env = "DEV_KEY"
domains = ["Dev.Example"]
options = { catch_all = true }
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "mail.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_no_file_is_an_empty_table(tmp_path: Path) -> None:
    assert load_table(tmp_path / "mail.toml") == ()


def test_entries_in_the_order_of_the_file(tmp_path: Path) -> None:
    first, second = load_table(written(tmp_path, GOOD), environment={"DEV_KEY": "k-1"})
    assert (first.name, first.kind, first.url, first.domains) == ("mailtm", "mailtm", "https://api.mail.tm", ())
    assert (second.kind, second.domains, dict(second.options)) == ("smtpdev", ("dev.example",), {"catch_all": True})
    assert second.key is not None
    assert second.key.get_secret_value() == "k-1"
    assert "k-1" not in repr(second)
    assert second.origin == "https://api.smtp.dev"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("name = 'a'\nurl = 'http://mail.example'", "without encryption"),
        ("name = 'a'\nurl = 'imap://mail.example'", "without encryption"),
        ("name = 'a'\nurl = 'https://me:pw@mail.example'", "holds a password"),
        ("name = 'a'\nurl = 'mail.example'", "without a host"),
        ("name = 'local'", "two providers called 'local'"),
        ("name = 'a'\n[[provider]]\nname = 'a'", "two providers called 'a'"),
        ("name = 'A b'", "needs a name"),
        ("url = 'https://mail.example'", "needs a name"),
        ("name = 'a'\nkey = 'secret-1'", "unknown keys: key"),
        ("name = 'a'\ndomains = 'b.example'", "not a list"),
        ("name = 'a'\ndomains = ['b example']", "is not a domain"),
        ("name = 'a'\nkind = 3", "not a text"),
        ("name = 'a'\noptions = 3", "not a table"),
        ("name = ", "is not TOML"),
    ],
)
def test_what_cannot_be_used_is_said(tmp_path: Path, row: str, said: str) -> None:
    path = written(tmp_path, f"[[provider]]\n{row}\n")
    with pytest.raises(SettingsInvalid) as raised:
        load_table(path, environment={})
    assert said in str(raised.value)
    assert str(path) in str(raised.value)
    assert "secret-1" not in str(raised.value)
    assert "pw@" not in str(raised.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8025", "http://localhost:8025", "imap://mailpit:1143"])
def test_plain_connections_stay_on_this_machine_or_its_container_network(tmp_path: Path, url: str) -> None:
    (entry,) = load_table(written(tmp_path, f"[[provider]]\nname = 'a'\nurl = '{url}'\n"))
    assert entry.url == url


def test_a_provider_table_that_is_no_list(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match=r"\[\[provider\]\]"):
        load_table(written(tmp_path, "provider = 3\n"))


def test_a_key_that_is_not_set_is_remembered_by_its_name(tmp_path: Path) -> None:
    path = written(tmp_path, "[[provider]]\nname = 'a'\nkey_env = 'NOT_SET'\n[[provider]]\nname = 'b'\n")
    first, second = load_table(path, environment={})
    assert (first.key, first.missing_key) == (None, "NOT_SET")
    assert (second.key, second.missing_key) == (None, "")
    (first, _) = load_table(path, environment={"NOT_SET": "k"})
    assert (first.key is not None, first.missing_key) == (True, "")
