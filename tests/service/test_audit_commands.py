"""`seezar audit …` in a home of its own: what was done is told, what was changed is found, and no secret is in it."""

import json
from pathlib import Path

import psycopg
import pytest

from tests.service.conftest import Home

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

CANARY = "kanarie-9c41-geheim"
TOTP = "JBSWY3DPEHPK3PXPJBSWY3DP"


def add(home: Home, name: str) -> None:
    added = home.seezar(
        "account", "add", name, "--url", "https://a.example", "--username", "ops", "--password-env", "PW",
        "--totp-env", "OTP", PW=CANARY, OTP=TOTP,
    )  # fmt: skip
    assert added.code == 0, added.err


def test_what_was_done_is_told_and_what_was_changed_is_found(home: Home, tmp_path: Path) -> None:
    add(home, "ops")
    add(home, "other")
    assert home.seezar("account", "remove", "other", "--yes").code == 0
    listed = home.seezar("audit", "list", "--json").json["entries"]
    told = [(entry["action"], entry["subject"]) for entry in listed]
    assert [one for one in told if one[0].startswith("account.")] == [
        ("account.remove", "other"),
        ("account.add", "other"),
        ("account.add", "ops"),
    ]
    assert all(entry["actor"].startswith("local:") for entry in listed)
    assert "account.remove" in home.seezar("audit", "list", "--subject", "other").out

    good = home.seezar("audit", "verify", "--json").json
    assert (good["status"], good["rows"]) == ("intact", len(listed))
    head = f"{good['head']['number']}:{good['head']['mac']}"
    assert (home.path / "audit.heads").read_text().splitlines()[-1].startswith(head.replace(":", " "))

    target = tmp_path / "audit.jsonl"
    assert home.seezar("audit", "export", str(target)).code == 0
    assert target.stat().st_mode & 0o777 == 0o600
    lines = [json.loads(line) for line in target.read_text().splitlines()]
    assert [line["number"] for line in lines] == list(range(1, good["rows"] + 1))
    assert lines[-1]["mac"] == good["head"]["mac"]
    again = home.seezar("audit", "export", str(target))
    assert again.code == 1
    assert "exists already" in again.complaint

    url = home.seezar("db", "url").out.strip()
    with psycopg.connect(url) as connection:
        rows = str(connection.execute("SELECT a::text FROM app.audit a").fetchall())
    for secret in (CANARY, TOTP):
        assert secret not in rows + target.read_text()

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER TABLE app.audit DISABLE TRIGGER audit_stands")
        connection.execute("DELETE FROM app.audit WHERE number = %s", (good["rows"],))
    cut = home.seezar("audit", "verify")
    assert cut.code == 1
    assert f"Row {good['rows']} does not fit: the end is cut off" in cut.out
    # Without what this home has noted, only a head that was kept elsewhere tells.
    (home.path / "audit.heads").unlink()
    assert home.seezar("audit", "verify", "--head", head, "--json").json["status"] == "broken"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE app.audit SET subject = 'somebody' WHERE number = 1")
    changed = home.seezar("audit", "verify", "--json")
    assert (changed.code, changed.json["broken_at"]) == (1, 1)
    wrong = home.seezar("audit", "verify", "--head", "nonsense")
    assert wrong.code == 1
    assert "no head" in wrong.complaint


def test_a_backup_is_told_of_and_a_restored_log_is_intact(home: Home, tmp_path: Path) -> None:
    add(home, "ops")
    assert home.seezar("db", "backup", str(tmp_path / "one.backup")).code == 0
    add(home, "later")
    assert home.seezar("audit", "verify").code == 0
    assert home.seezar("down").code == 0
    restored = home.seezar("db", "restore", str(tmp_path / "one.backup"), "--yes")
    assert restored.code == 0, restored.err
    entries = home.seezar("audit", "list", "--json").json["entries"]
    assert [entry["action"] for entry in entries[:3]] == ["backup.restore", "backup.write", "account.add"]
    assert home.seezar("audit", "verify").code == 0
