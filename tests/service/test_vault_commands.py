"""`seezar vault …`: the master key is exchanged while a worker signs in, and accounts go from one home to another."""

import base64
import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from playground.world import DEMO_PASSWORD
from tests.service.conftest import LIMIT_S, SEEZAR, Home, new_home

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

WORDS = "correct horse battery"
CANARY = "kanarie-9c41-geheim"


def keys(home: Home) -> list[str]:
    return (home.path / "master.key").read_text().split()


@pytest.mark.browser
def test_sign_ins_go_on_while_the_key_is_exchanged(world: Home) -> None:
    old = keys(world)
    environment = world.environment()
    command = [SEEZAR, "sign-in", "demo-password", "--fresh", "--json"]
    rotating = subprocess.Popen(
        [SEEZAR, "vault", "rotate", "--json"],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        cwd=tempfile.gettempdir(),
    )
    codes: list[int] = []
    try:
        # One after the other, for as long as it takes, and once more under the new key alone.
        while True:
            over = rotating.poll() is not None
            done = subprocess.run(command, env=environment, capture_output=True, timeout=LIMIT_S, check=False)
            codes.append(done.returncode)
            assert done.returncode == 0, done.stdout + done.stderr
            if over:
                break
    finally:
        said, _ = rotating.communicate(timeout=LIMIT_S)
    assert rotating.returncode == 0
    assert '"status": "ok"' in said
    assert len(codes) >= 2
    assert keys(world)[1:] == old[:1]
    [current, retired, *_] = world.seezar("vault", "status", "--json").json["keys"]
    assert (current["state"], retired["state"], retired["values"]) == ("current", "retired", {})
    assert current["values"]["app.session.state"] >= 1
    dropped = world.seezar("vault", "drop-key", retired["key_id"], "--yes")
    assert dropped.code == 0, dropped.err
    assert len(keys(world)) == len(old)
    # The same worker, without having been started again.
    assert world.seezar("sign-in", "demo-password", "--fresh").code == 0
    assert world.seezar("session", "check", "demo-password").code == 0
    assert world.seezar("audit", "verify").code == 0


def test_step_by_step_and_what_is_refused(home: Home) -> None:
    assert home.seezar("db", "start").code == 0
    first = keys(home) if (home.path / "master.key").exists() else []
    assert home.seezar("vault", "status").code == 0
    first = first or keys(home)
    prepared = home.seezar("vault", "rotate", "--prepare", "--json").json
    assert prepared["finished"] is False
    assert keys(home)[0] == first[0]
    kept = home.seezar("vault", "rotate", "--keep-old", "--json").json
    assert (kept["key_id"], kept["finished"]) == (prepared["key_id"], False)
    states = [key["state"] for key in home.seezar("vault", "status", "--json").json["keys"]]
    assert states == ["current", "other"]
    [_, other] = home.seezar("vault", "status", "--json").json["keys"]
    refused = home.seezar("vault", "drop-key", other["key_id"], "--yes")
    assert refused.code == 1
    assert "not retired" in refused.complaint
    asked = home.seezar("vault", "drop-key", other["key_id"])
    assert asked.code == 1
    assert "--yes" in asked.complaint
    wrong = home.seezar("vault", "rotate", "--key-env", "NEW", NEW="nonsense")
    assert wrong.code == 1
    assert "NEW is damaged" in wrong.complaint
    done = home.seezar("vault", "rotate", "--json").json
    assert (done["key_id"], done["retired"]) == (prepared["key_id"], [other["key_id"]])
    own = base64.b64encode(os.urandom(32)).decode()
    assert home.seezar("vault", "rotate", "--key-env", "NEW", NEW=own).code == 0
    assert keys(home)[0] == own
    given = home.seezar("vault", "rotate", SEEZAR_MASTER_KEY=own)
    assert given.code == 1
    assert "seezar cannot change" in given.complaint
    actions = [entry["action"] for entry in home.seezar("audit", "list", "--json").json["entries"]]
    assert {"vault.prepare", "vault.rotate"} <= set(actions)


def test_accounts_go_to_another_home_and_nothing_without_the_passphrase(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "accounts.age"
    added = home.seezar(
        "account", "add", "ops", "--url", "https://a.example", "--username", "ops", "--password-env", "PW", PW=CANARY
    )
    assert added.code == 0, added.err
    far = ("account", "add", "far", "--url", "https://b.example", "--username", "far", "--password-ref")
    assert home.seezar(*far, CANARY).code == 1
    assert CANARY not in home.seezar(*far, CANARY).err
    assert home.seezar(*far, "vault:secret/data/far#password").code == 0
    assert "kept at vault:secret/data/far#password" in home.seezar("account", "show", "far").out

    def export(*more: str, words: str = WORDS) -> tuple[int, str]:
        answer = home.seezar("vault", "export", "--output", str(file), "--passphrase-env", "WORDS", *more, WORDS=words)
        return answer.code, answer.err

    assert "--yes" in export()[1]
    assert "too weak" in export("--yes", words="short")[1]
    assert "is not set" in export("--yes", words="")[1]
    assert "nobody" in export("--yes", "--account", "nobody")[1]
    assert "nobody to ask" in home.seezar("vault", "export", "--output", str(file), "--yes").complaint
    assert not file.exists()
    assert export("--yes")[0] == 0
    assert "exists already" in export("--yes")[1]
    assert file.stat().st_mode & 0o777 == 0o600
    assert CANARY.encode() not in file.read_bytes()

    with new_home() as other:

        def bring(*more: str, words: str = WORDS, path: Path = file) -> tuple[int, str]:
            answer = other.seezar("vault", "import", str(path), "--passphrase-env", "WORDS", *more, WORDS=words)
            return answer.code, answer.out + answer.err

        assert "not the one of this file" in bring("--yes", words="another passphrase")[1]
        cut = tmp_path / "cut.age"
        cut.write_bytes(file.read_bytes()[:-10])
        assert "damaged" in bring("--yes", path=cut)[1]
        assert "--yes" in bring()[1]
        assert bring("--dry-run")[0] == 0
        assert other.seezar("account", "list", "--json").json["accounts"] == []
        assert bring("--yes")[0] == 0
        names = [account["name"] for account in other.seezar("account", "list", "--json").json["accounts"]]
        assert names == ["far", "ops"]
        assert "Left far, ops." in bring("--yes")[1]
        again = other.seezar(
            "vault", "import", str(file), "--passphrase-env", "WORDS", "--yes", "--replace", "--json", WORDS=WORDS
        ).json
        assert again["replaced"] == ["far", "ops"]
        assert "kept at vault:secret/data/far#password" in other.seezar("account", "show", "far").out
        assert other.seezar("audit", "verify").code == 0


@pytest.mark.browser
def test_a_password_that_is_kept_in_a_file(world: Home, tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text(DEMO_PASSWORD.password + "\n")
    secret.chmod(0o600)
    demo = world.seezar("account", "show", DEMO_PASSWORD.name, "--json").json
    added = world.seezar(
        "account", "add", "by-file", "--url", demo["url"], "--verify-url", demo["verify_url"],
        "--username", demo["username"], "--password-ref", f"file:{secret}",
    )  # fmt: skip
    assert added.code == 0, added.err
    try:
        done = world.seezar("sign-in", "by-file", "--json")
        assert (done.code, done.json["status"]) == (0, "signed_in"), done.out + done.err
        # What cannot be had is not guessed, and nothing was sent.
        secret.chmod(0o644)
        failed = world.seezar("sign-in", "by-file", "--fresh", "--json")
        assert (failed.code, failed.json["status"]) == (1, "backend_unavailable"), failed.out
        assert "may be read by others" in failed.json["reason"]
        secret.chmod(0o600)
        assert world.seezar("sign-in", "by-file", "--fresh").code == 0
    finally:
        world.seezar("account", "remove", "by-file", "--yes")
