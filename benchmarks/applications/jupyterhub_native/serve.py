# pyright: reportMissingImports=false
"""JupyterHub with the native authenticator."""

import os
import sys
from pathlib import Path

import bcrypt

DATA = Path(os.environ["APP_DATA"])
CONFIG = f"""
import os, socket
c = get_config()
with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    free = probe.getsockname()[1]
c.JupyterHub.bind_url = "http://127.0.0.1:{os.environ["APP_PORT"]}"
c.JupyterHub.hub_port = free
c.JupyterHub.default_url = "/hub/home"
c.JupyterHub.authenticator_class = "native"
c.JupyterHub.spawner_class = "simple"
c.NativeAuthenticator.allow_2fa = True
c.Authenticator.allow_all = True
c.ConfigurableHTTPProxy.command = [
    "node", "{os.environ["APP_ENV"]}/node_modules/configurable-http-proxy/bin/configurable-http-proxy"
]
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:%d" % (free + 1)
"""


def _hub() -> list[str]:
    return [sys.executable, "-m", "jupyterhub", "--config", str(DATA / "config.py")]


def _seed() -> None:
    from jupyterhub.orm import new_session_factory
    from nativeauthenticator.orm import Base, UserInfo

    session = new_session_factory(f"sqlite:///{DATA}/jupyterhub.sqlite")()
    Base.metadata.create_all(session.get_bind())
    hashed = bcrypt.hashpw(os.environ["APP_PASSWORD"].encode(), bcrypt.gensalt())
    session.add(
        UserInfo(username="otto", password=hashed, is_authorized=True, has_2fa=True, otp_secret=os.environ["APP_TOTP"])
    )
    session.add(UserInfo(username="paula", password=hashed, is_authorized=True))
    session.commit()


if __name__ == "__main__":
    (DATA / "config.py").write_text(CONFIG)
    _seed()
    os.execv(sys.executable, _hub())  # noqa: S606
