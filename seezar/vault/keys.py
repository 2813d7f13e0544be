"""Master keys: 32 bytes each, from the environment or from a file that only its owner may read.

There is one key that new values are encrypted under. Others may stand beside it, while it is exchanged and afterwards
for backups that were made before (docs/vault.md).
"""

import base64
import binascii
import hashlib
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from seezar.errors import KeyUnusable
from seezar.files import replace_private, write_private
from seezar.settings import Settings

log = logging.getLogger("seezar.vault")

KEY_BYTES = 32
_FILE_NAME = "master.key"


@dataclass(frozen=True)
class MasterKey:
    """The key-encryption key. `key_id` names it without telling anything about it."""

    value: bytes = field(repr=False)

    @property
    def key_id(self) -> str:
        """First 16 hex digits of a domain-separated SHA-256 of the key."""
        return hashlib.sha256(b"seezar master key id\0" + self.value).hexdigest()[:16]


class Keyring:
    """The master keys that this process knows, the current one first.

    A key file that another process has rewritten is read again, so that all of them change to a new key while they run.

    Args:
        load: reads the keys.
        stamp: tells, at no cost, whether there is something new to read; None = there is nothing to read now.
    """

    def __init__(self, load: Callable[[], Sequence[MasterKey]], stamp: Callable[[], object] = lambda: None) -> None:
        self._load = load
        self._stamp = stamp
        self._seen = stamp()
        self._keys = tuple(load())

    @property
    def keys(self) -> tuple[MasterKey, ...]:
        """All of them, the current one first."""
        stamp = self._stamp()
        if stamp is not None and stamp != self._seen:
            try:
                self._keys = tuple(self._load())
            except KeyUnusable as error:
                # What is in memory still opens everything that it opened before.
                log.warning("The keys were not read again: %s", error)
            self._seen = stamp
        return self._keys

    @property
    def current(self) -> MasterKey:
        """The one that new values are encrypted under."""
        return self.keys[0]

    def find(self, key_id: str) -> MasterKey | None:
        """The key of this id, or None."""
        return next((key for key in self.keys if key.key_id == key_id), None)


def load_keyring(settings: Settings) -> Keyring:
    """The keys of `SEEZAR_MASTER_KEY` and `SEEZAR_OTHER_MASTER_KEYS`, or of the key file in the home, which is made on
    first use.

    Raises:
        KeyUnusable: a key is damaged, or others may read the file.
    """
    if settings.master_key is not None:
        keys = [decode_key(settings.master_key.get_secret_value(), source="SEEZAR_MASTER_KEY"), *_others(settings)]
        return Keyring(lambda: _without_repeats(keys))
    path = key_file(settings)
    try:
        if not path.exists():
            write_private(path, base64.b64encode(os.urandom(KEY_BYTES)) + b"\n")
    except OSError as error:
        raise _unreadable(path, error) from error
    others = _others(settings)
    return Keyring(lambda: _without_repeats([*read_key_file(path), *others]), lambda: _stamp(path))


def load_master_key(settings: Settings) -> MasterKey:
    """The key that new values are encrypted under; see `load_keyring`.

    Raises:
        KeyUnusable: a key is damaged, or others may read the file.
    """
    return load_keyring(settings).current


def check_master_key(settings: Settings) -> None:
    """Make sure that the keys can be used if there are any yet; makes none.

    Raises:
        KeyUnusable: a key is damaged, or others may read the file.
    """
    if settings.master_key is not None or key_file(settings).exists():
        load_keyring(settings)


def key_file(settings: Settings) -> Path:
    """Where the key file of this home is."""
    return settings.home / _FILE_NAME


def read_key_file(path: Path) -> list[MasterKey]:
    """The keys of a key file: one a line, the current one first.

    Raises:
        KeyUnusable: a key is damaged, or others may read the file.
    """
    try:
        mode = path.stat().st_mode & 0o777
        if mode & 0o077:
            raise KeyUnusable(
                f"The key file {path} may be read by others (mode {mode:04o}).",
                kept="It was not used and nothing was changed.",
                next_step=f"Make it private: chmod 600 {path}.",
            )
        content = path.read_text(encoding="ascii", errors="replace")
    except OSError as error:
        raise _unreadable(path, error) from error
    # An empty file is one damaged key, not none.
    return [decode_key(line, source=f"The key file {path}") for line in content.split() or [""]]


def write_key_file(path: Path, keys: Sequence[MasterKey]) -> None:
    """Put `keys` in the place of those of a key file, in one stroke.

    Raises:
        OSError: it cannot be written; the old one is there.
    """
    lines = (base64.b64encode(key.value) + b"\n" for key in _without_repeats(keys))
    replace_private(path, b"".join(lines))


def _others(settings: Settings) -> list[MasterKey]:
    given = settings.other_master_keys
    texts = [] if given is None else [text for text in given.get_secret_value().split(",") if text.strip()]
    return [decode_key(text, source="SEEZAR_OTHER_MASTER_KEYS") for text in texts]


def _without_repeats(keys: Sequence[MasterKey]) -> tuple[MasterKey, ...]:
    return tuple(dict.fromkeys(keys))


def _stamp(path: Path) -> object:
    try:
        found = path.stat()
    except OSError:
        # Gone for a moment, or for good: what is in memory stays.
        return None
    # The time of the last change of any kind: of content, owner or mode.
    return found.st_ctime_ns, found.st_ino, found.st_size


def _unreadable(path: Path, error: OSError) -> KeyUnusable:
    return KeyUnusable(
        f"The key file {path} cannot be read: {error.strerror}.",
        kept="The encrypted data are still there.",
        next_step="Give its owner access again, or set SEEZAR_MASTER_KEY.",
    )


def decode_key(text: str, *, source: str) -> MasterKey:
    """The key of `text`, 32 bytes in base64.

    Args:
        source: where it stands, for the error.

    Raises:
        KeyUnusable: it is something else.
    """
    try:
        value = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        value = b""
    if len(value) != KEY_BYTES:
        raise KeyUnusable(
            f"{source} is damaged: it must hold {KEY_BYTES} bytes in base64.",
            kept="The encrypted data are still there and open with the right key.",
            next_step="Put the right key back from your backup. Without it the stored secrets cannot be read; "
            "to start over, use another SEEZAR_HOME.",
        )
    return MasterKey(value)
