"""pgAdmin 4 in server mode, with a folder of its own."""

import importlib.util
import os
import runpy
import sqlite3
import subprocess
import sys
from pathlib import Path

DATA = Path(os.environ["APP_DATA"])
PASSWORD = os.environ["APP_PASSWORD"]
CONFIG = f"""
DATA_DIR = {str(DATA)!r}
LOG_FILE = {str(DATA / "pgadmin.log")!r}
SQLITE_PATH = {str(DATA / "pgadmin.db")!r}
SESSION_DB_PATH = {str(DATA / "sessions")!r}
STORAGE_DIR = {str(DATA / "storage")!r}
AZURE_CREDENTIAL_CACHE_DIR = {str(DATA / "azure")!r}
KERBEROS_CCACHE_DIR = {str(DATA / "kerberos")!r}
SERVER_MODE = True
DEFAULT_SERVER = "127.0.0.1"
DEFAULT_SERVER_PORT = {os.environ["APP_PORT"]}
MASTER_PASSWORD_REQUIRED = False
UPGRADE_CHECK_ENABLED = False
CHECK_EMAIL_DELIVERABILITY = False
ALLOW_SPECIAL_EMAIL_DOMAINS = ["test"]
GLOBALLY_DELIVERABLE = False
MAIL_SERVER = "127.0.0.1"
MAIL_PORT = {os.environ["APP_SMTP_PORT"]}
MAIL_USE_TLS = False
MAIL_USE_SSL = False
SECURITY_EMAIL_SENDER = "noreply@127.0.0.1"
"""


def _seed(package: Path) -> None:
    environment = {
        **os.environ,
        "PYTHONPATH": str(DATA),
        "PGADMIN_SETUP_EMAIL": "otto@mail.seezar.test",
        "PGADMIN_SETUP_PASSWORD": PASSWORD,
    }
    subprocess.run([sys.executable, "setup.py", "setup-db"], cwd=package, env=environment, check=True)
    words = [sys.executable, "setup.py", "add-user", "ema@mail.seezar.test", PASSWORD, "--role", "User"]
    subprocess.run(words, cwd=package, env=environment, check=True)
    with sqlite3.connect(DATA / "pgadmin.db") as database:
        ids = dict(database.execute("SELECT email, id FROM user"))
        database.executemany(
            "INSERT INTO user_mfa (user_id, mfa_auth, options) VALUES (?, ?, ?)",
            [
                (ids["otto@mail.seezar.test"], "authenticator", os.environ["APP_TOTP"]),
                (ids["ema@mail.seezar.test"], "email", "ema@mail.seezar.test"),
            ],
        )


if __name__ == "__main__":
    (DATA / "config_local.py").write_text(CONFIG)
    spec = importlib.util.find_spec("pgadmin4")
    assert spec is not None
    assert spec.submodule_search_locations
    package = Path(spec.submodule_search_locations[0])
    _seed(package)
    sys.path.insert(0, str(DATA))
    sys.path.insert(0, str(package))
    os.chdir(package)
    runpy.run_path(str(package / "pgAdmin4.py"), run_name="__main__")
