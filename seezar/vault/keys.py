"""The master key: 32 bytes from the environment, or from a file that only its owner may read."""

import base64
import binascii
import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path

from seezar.errors import KeyUnusable
from seezar.files import write_private
from seezar.settings import Settings

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


def load_master_key(settings: Settings) -> MasterKey:
    """The key of `SEEZAR_MASTER_KEY`, or of the key file in the home, which is made on first use.

    Raises:
        KeyUnusable: the key is damaged, or others may read its file.
    """
    if settings.master_key is not None:
        return MasterKey(_decode(settings.master_key.get_secret_value(), source="SEEZAR_MASTER_KEY"))
    path = key_file(settings)
    try:
        if not path.exists():
            write_private(path, base64.b64encode(os.urandom(KEY_BYTES)) + b"\n")
        mode = path.stat().st_mode & 0o777
        if mode & 0o077:
            raise KeyUnusable(
                f"The key file {path} may be read by others (mode {mode:04o}).",
                kept="It was not used and nothing was changed.",
                next_step=f"Make it private: chmod 600 {path}.",
            )
        content = path.read_text(encoding="ascii", errors="replace")
    except OSError as error:
        raise KeyUnusable(
            f"The key file {path} cannot be read: {error.strerror}.",
            kept="The encrypted data are still there.",
            next_step="Give its owner access again, or set SEEZAR_MASTER_KEY.",
        ) from error
    return MasterKey(_decode(content, source=f"The key file {path}"))


def check_master_key(settings: Settings) -> None:
    """Make sure that the key can be used if there is one yet; makes none.

    Raises:
        KeyUnusable: the key is damaged, or others may read its file.
    """
    if settings.master_key is not None or key_file(settings).exists():
        load_master_key(settings)


def key_file(settings: Settings) -> Path:
    """Where the key file of this home is."""
    return settings.home / _FILE_NAME


def _decode(text: str, *, source: str) -> bytes:
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
    return value
