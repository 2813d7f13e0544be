"""Real IMAP servers on loopback, each with one user: pymap (in memory) and Debian's dovecot (Maildir)."""

import asyncio
import base64
import contextlib
import grp
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Self

from imapclient import IMAPClient

USER = "ada@home.test"
PASSWORD = 'pä"ss wörd\\1'
TOKEN_KEY = b"a key that signs access tokens in tests"

# As the program `pymap`, but a log-in does not cost half a second of hashing.
_PYMAP = """
from pysasl.hashing import BuiltinHash
from pymap.config import IMAPConfig
from pymap.main import main
IMAPConfig._get_hash_context = classmethod(lambda cls, config: BuiltinHash(rounds=1))
main()
"""
_DOVECOT = """
base_dir = {run}
state_dir = {run}
log_path = {home}/log
protocols = imap
listen = 127.0.0.1
ssl = {ssl}
{certificate}
disable_plaintext_auth = no
auth_mechanisms = plain login xoauth2
auth_failure_delay = 0
default_login_user = {user}
default_internal_user = {user}
default_internal_group = {group}
mail_location = maildir:{home}/mail/%u
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {home}/oauth2.conf
}}
passdb {{
  driver = passwd-file
  mechanisms = plain login
  args = scheme=plain username_format=%u {home}/passwd
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={home}/mail/%u
}}
first_valid_uid = {uid}
first_valid_gid = {gid}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
"""
_OAUTH2 = """
introspection_mode = local
username_attribute = sub
local_validation_key_dict = fs:posix:prefix={home}/keys/
"""


class ImapServer:
    """A server that is started, stopped and started again on the same port."""

    def __init__(self) -> None:
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        raise NotImplementedError

    def start(self) -> None:
        self._process = subprocess.Popen(
            self.command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        wait_for_port(self.port, self._process)

    def stop(self) -> None:
        """At once, with the processes that serve single connections."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @contextlib.contextmanager
    def client(self):
        """Logged in by a plain client, for arranging and looking."""
        client = IMAPClient("127.0.0.1", port=self.port, ssl=False, timeout=10)
        client.plain_login(USER, PASSWORD)
        try:
            yield client
        finally:
            client.logout()

    def clear(self) -> None:
        """Delete everything."""
        with self.client() as client:
            for _, _, folder in client.list_folders():
                if folder != "INBOX":
                    client.delete_folder(folder)
            client.select_folder("INBOX")
            client.delete_messages(client.search("ALL"))
            client.expunge()

    def append(self, *raws: bytes, folder: str = "INBOX") -> None:
        """Put messages into a folder."""
        with self.client() as client:
            for raw in raws:
                client.append(folder, raw)

    def flags(self) -> list[Any]:
        """The flags of each message of the inbox."""
        with self.client() as client:
            client.select_folder("INBOX", readonly=True)
            return list(client.get_flags(client.search("ALL")).values())


class Pymap(ImapServer):
    """Starting again empties it and gives its folders a new UIDVALIDITY."""

    def command(self) -> list[str]:
        services = ["--no-service", "admin", "--no-service", "sieve"]
        listen = ["--no-tls", "--host", "127.0.0.1", "--port", str(self.port)]
        return [
            sys.executable,
            "-c",
            _PYMAP,
            *listen,
            *services,
            "dict",
            "--demo-user",
            USER,
            "--demo-password",
            PASSWORD,
        ]


class Dovecot(ImapServer):
    """Keeps its mail when it is started again.

    Args:
        certificate: file with certificate and key; then the server offers STARTTLS, and TLS on `tls_port`.
    """

    def __init__(self, certificate: Path | None = None) -> None:
        super().__init__()
        self.tls_port = free_port() if certificate else 0
        self.home = Path(tempfile.mkdtemp(prefix="seezar-dovecot-"))
        self._certificate = certificate

    @staticmethod
    def program() -> str | None:
        """Where dovecot is, or None."""
        return shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")

    def command(self) -> list[str]:
        program = self.program()
        assert program is not None
        return [program, "-F", "-c", str(self.home / "dovecot.conf")]

    def start(self) -> None:
        self._write()
        super().start()

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        shutil.rmtree(self.home, ignore_errors=True)

    def forget_numbers(self) -> None:
        """Lose the indexes while the server is stopped: the folder gets a new UIDVALIDITY, and new UIDs."""
        box = self.home / "mail" / USER
        for index in box.glob("dovecot*"):
            index.unlink()
        (box / "dovecot-uidlist").write_text("3 V1234567890 N1\n")
        owner = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        os.chown(box / "dovecot-uidlist", owner.pw_uid, owner.pw_gid)

    def _write(self) -> None:
        owner = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        mail, run, keys = self.home / "mail", self.home / "run", self.home / "keys/default/HS256"
        for folder in (mail, run, keys):
            folder.mkdir(parents=True, exist_ok=True)
        self.home.chmod(0o755)
        os.chown(mail, owner.pw_uid, owner.pw_gid)
        (keys / "default").write_bytes(base64.b64encode(TOKEN_KEY))
        (self.home / "passwd").write_text(f"{USER}:{PASSWORD}\n")
        (self.home / "oauth2.conf").write_text(_OAUTH2.format(home=self.home))
        certificate = self._certificate
        text = _DOVECOT.format(
            home=self.home,
            run=run,
            ssl="yes" if certificate else "no",
            certificate=f"ssl_cert = <{certificate}\nssl_key = <{certificate}" if certificate else "",
            user=owner.pw_name,
            group=_group(owner.pw_gid),
            uid=owner.pw_uid,
            gid=owner.pw_gid,
            port=self.port,
            tls_port=self.tls_port,
        )
        (self.home / "dovecot.conf").write_text(text)


class Relay:
    """Passes bytes on to a server, until it is told to cut or to fall silent.

    Args:
        hide: a word of the server that the client is not to see.
    """

    def __init__(self, target: int, *, hide: bytes = b"") -> None:
        self._target = target
        self._hide = hide
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._flowing = asyncio.Event()
        self._flowing.set()
        self.port = 0
        self.connections = 0
        self.open = 0
        self.sent = b""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.resume()
        self.cut()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """Break every connection."""
        for writer in list(self._writers):
            writer.transport.abort()

    def silence(self) -> None:
        """Take and pass on nothing more, with all connections standing."""
        self._flowing.clear()

    def resume(self) -> None:
        self._flowing.set()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            there, to_there = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, to_there}
        self.open += 1
        try:
            await asyncio.gather(self._pass(reader, to_there, keep=True), self._pass(there, writer))
        finally:
            self.open -= 1
            self._writers -= {writer, to_there}

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, keep: bool = False) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                await self._flowing.wait()
                if keep:
                    self.sent += data
                elif self._hide:
                    data = data.replace(self._hide, b"X" * len(self._hide))
                writer.write(data)
                await writer.drain()
        writer.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port: int, process: subprocess.Popen[bytes]) -> None:
    """Until something listens there; at most 30 s."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1) as sock:
            if sock.recv(64).startswith(b"* OK"):
                return
        time.sleep(0.02)
    raise AssertionError(f"no server listens on port {port}")


def _group(gid: int) -> str:
    return grp.getgrgid(gid).gr_name
