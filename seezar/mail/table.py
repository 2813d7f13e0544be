"""The configuration table of mail: which provider serves which domain.

`mail.toml` (SEEZAR_MAIL_CONFIG, else in the home) holds one `[[provider]]` table an entry; the first one that serves a
domain has it. The entry `local`, our own SMTP server for SEEZAR_MAIL_DOMAINS, is always there, and first.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from pydantic import SecretStr

from seezar.domains import normal_host
from seezar.errors import SettingsInvalid

LOCAL = "local"
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_KNOWN = {"name", "kind", "url", "push_url", "domains", "key_env", "options"}
# Plain text protocols carry passwords; they are for servers on this machine only.
_PLAIN = ("http", "imap")


@dataclass(frozen=True, slots=True)
class ProviderEntry:
    """One row of the table.

    Attributes:
        name: how commands and mailboxes name it.
        kind: which module of `seezar.mail.providers` speaks to it, or the dotted name of a module elsewhere.
        url: where it is, e.g. `https://api.mail.tm` or `imaps://imap.example.com`; "" for `local`.
        push_url: where its events come from; "" = found from `url`, or none.
        domains: domains that it serves; empty = those that it names itself.
        key: API key of the whole provider; None = none, or a password for each address.
        missing_key: the variable that should hold the key and is not set; "" otherwise.
        options: of its kind.
    """

    name: str
    kind: str
    url: str = ""
    push_url: str = ""
    domains: tuple[str, ...] = ()
    key: SecretStr | None = None
    missing_key: str = ""
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def origin(self) -> str:
        """What secrets of its addresses are bound to: scheme, host and port of `url`; its name where there is none."""
        if not self.url:
            return f"mail:{self.name}"
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def load_table(path: Path, *, environment: Mapping[str, str] = os.environ) -> tuple[ProviderEntry, ...]:
    """The entries of the file in its order; none when there is no file.

    Args:
        path: of `mail.toml`.
        environment: where `key_env` names a variable of.

    Raises:
        SettingsInvalid: the file cannot be read as a table; it says where.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsInvalid(f"{path} cannot be read ({error})") from error
    try:
        rows = tomllib.loads(text).get("provider", [])
    except tomllib.TOMLDecodeError as error:
        raise SettingsInvalid(f"{path} is not TOML: {error}") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in cast("list[Any]", rows)):
        raise SettingsInvalid(f"{path}: write one [[provider]] table an entry")
    entries = tuple(_entry(path, row, environment) for row in cast("list[dict[str, Any]]", rows))
    names = [entry.name for entry in entries]
    for name in names:
        if names.count(name) > 1 or name == LOCAL:
            raise SettingsInvalid(f"{path}: there are two providers called {name!r}")
    return entries


def _entry(path: Path, row: dict[str, Any], environment: Mapping[str, str]) -> ProviderEntry:
    name = row.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise SettingsInvalid(f"{path}: a provider needs a name of a-z, 0-9, - and _, not {name!r}")
    if unknown := sorted(set(row) - _KNOWN):
        raise SettingsInvalid(f"{path}: provider {name!r} has unknown keys: {', '.join(unknown)}")
    options = row.get("options", {})
    if not isinstance(options, dict):
        raise SettingsInvalid(f"{path}: options of provider {name!r} is not a table")
    variable = _text(path, name, row, "key_env")
    key = environment.get(variable, "") if variable else ""
    return ProviderEntry(
        name=name,
        kind=_text(path, name, row, "kind") or name,
        url=_url(path, name, _text(path, name, row, "url")),
        push_url=_url(path, name, _text(path, name, row, "push_url")),
        domains=_domains(path, name, row.get("domains", [])),
        key=SecretStr(key) if key else None,
        # The others can be used all the same.
        missing_key="" if key else variable,
        options=cast("dict[str, Any]", options),
    )


def _text(path: Path, name: str, row: dict[str, Any], key: str) -> str:
    value = row.get(key, "")
    if not isinstance(value, str):
        raise SettingsInvalid(f"{path}: {key} of provider {name!r} is not a text")
    return value


def _url(path: Path, name: str, url: str) -> str:
    if not url:
        return ""
    parts = urlsplit(url)
    if not parts.hostname:
        raise SettingsInvalid(f"{path}: provider {name!r} has an address without a host: {url!r}")
    if parts.username or parts.password:
        raise SettingsInvalid(f"{path}: the address of provider {name!r} holds a password; use key_env or the vault")
    # A name without a dot is one of a container network or of this machine.
    if parts.scheme in _PLAIN and not _is_loopback(parts.hostname) and "." in parts.hostname:
        raise SettingsInvalid(f"{path}: provider {name!r} would be asked without encryption; use {parts.scheme}s")
    return url.rstrip("/")


def _is_loopback(host: str) -> bool:
    return host == "localhost" or host.startswith("127.") or host == "::1"


def _domains(path: Path, name: str, values: Any) -> tuple[str, ...]:
    if not isinstance(values, list):
        raise SettingsInvalid(f"{path}: domains of provider {name!r} is not a list")
    hosts: list[str] = []
    for value in cast("list[Any]", values):
        host = normal_host(value) if isinstance(value, str) else None
        if host is None:
            raise SettingsInvalid(f"{path}: {value!r} of provider {name!r} is not a domain")
        hosts.append(host)
    return tuple(hosts)
