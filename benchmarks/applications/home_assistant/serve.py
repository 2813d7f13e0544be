# pyright: reportMissingImports=false
"""Home Assistant with no integration but its own pages, as if its first steps had been taken."""

import base64
import json
import os
import sys
from pathlib import Path
from typing import Any

import bcrypt

DATA = Path(os.environ["APP_DATA"])
USERS = {"otto": "1" * 32, "paula": "2" * 32}
CONFIG = f"""
homeassistant:
  name: Example
  latitude: 52.5
  longitude: 13.4
  elevation: 30
  unit_system: metric
  time_zone: Europe/Berlin
  country: DE
  language: en
frontend:
config:
http:
  server_host: 127.0.0.1
  server_port: {os.environ["APP_PORT"]}
"""


def _store(key: str, data: Any, version: int = 1) -> None:
    folder = DATA / ".storage"
    folder.mkdir(exist_ok=True)
    (folder / key).write_text(json.dumps({"version": version, "minor_version": 1, "key": key, "data": data}))


def _seed() -> None:
    hashed = base64.b64encode(bcrypt.hashpw(os.environ["APP_PASSWORD"].encode(), bcrypt.gensalt(12))).decode()
    groups = [{"id": f"system-{name}", "name": name} for name in ("admin", "users", "read-only")]
    users = [
        {
            "id": ident,
            "group_ids": ["system-admin"],
            "is_owner": name == "otto",
            "is_active": True,
            "name": name,
            "system_generated": False,
            "local_only": False,
        }
        for name, ident in USERS.items()
    ]
    credentials = [
        {
            "id": ident.replace("1", "3").replace("2", "4"),
            "user_id": ident,
            "auth_provider_type": "homeassistant",
            "auth_provider_id": None,
            "data": {"username": name},
        }
        for name, ident in USERS.items()
    ]
    _store("auth", {"users": users, "groups": groups, "credentials": credentials, "refresh_tokens": []})
    _store("auth_provider.homeassistant", {"users": [{"username": name, "password": hashed} for name in USERS]})
    _store("auth_module.totp", {"users": {USERS["otto"]: os.environ["APP_TOTP"]}})
    _store("onboarding", {"done": ["user", "core_config", "analytics", "integration"]}, version=4)


if __name__ == "__main__":
    (DATA / "configuration.yaml").write_text(CONFIG)
    _seed()
    os.execv(sys.executable, [sys.executable, "-m", "homeassistant", "--config", str(DATA), "--skip-pip"])  # noqa: S606
