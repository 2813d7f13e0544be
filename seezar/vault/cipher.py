"""Authenticated envelope encryption: AES-256-GCM, a data key for each value, wrapped by a master key.

Wrapping means that a new master key needs only the small wrapped keys to be written again. The layout of a blob is
`2 (1 byte) | id of the master key (8) | wrapped data key (12 + 32 + 16) | nonce (12) | ciphertext and tag`; blobs of an
older version begin with 1 and have no id. The construction is that of NIST SP 800-38D with 96-bit random nonces; a data
key encrypts one value only, so nonces cannot repeat under it.
"""

import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from seezar.errors import KeyUnusable
from seezar.vault.keys import KEY_BYTES, Keyring, MasterKey

_UNNAMED, _NAMED = b"\x01", b"\x02"
_ID = 8
_NONCE = 12
_WRAPPED = _NONCE + KEY_BYTES + 16
# The longest head: all of a blob that a new master key changes.
HEAD = 1 + _ID + _WRAPPED


@dataclass(frozen=True)
class Sealed:
    """An encrypted value in its parts: the id of the master key, the data key that it wraps, nonce and ciphertext."""

    key_id: str
    wrapped: bytes
    ciphertext: bytes


class Cipher:
    """Encrypts values under the current key of a keyring, and decrypts those of all of its keys."""

    def __init__(self, keys: Keyring | MasterKey) -> None:
        self.keyring = keys if isinstance(keys, Keyring) else Keyring(lambda: (keys,))

    @property
    def key_id(self) -> str:
        """The id of the current key."""
        return self.keyring.current.key_id

    def encrypt(self, plain: bytes, *, context: str) -> bytes:
        """Encrypt `plain`; the same `context` (what it is, whose it is) is needed to decrypt it."""
        sealed = self.seal(plain, context=context)
        return key_mark(sealed.key_id) + sealed.wrapped + sealed.ciphertext

    def decrypt(self, blob: bytes, *, context: str) -> bytes:
        """The plain value of a blob made by `encrypt`.

        Raises:
            KeyUnusable: other key, other context, or changed bytes.
        """
        key_id, start = _head(blob, context)
        return self._open(key_id, blob[start : start + _WRAPPED], blob[start + _WRAPPED :], context)

    def seal(self, plain: bytes, *, context: str) -> Sealed:
        """Encrypt `plain` under a new data key."""
        data_key = AESGCM.generate_key(bit_length=8 * KEY_BYTES)
        nonce = os.urandom(_NONCE)
        ciphertext = nonce + AESGCM(data_key).encrypt(nonce, plain, context.encode())
        key = self.keyring.current
        return Sealed(key.key_id, _wrap(key, data_key, context), ciphertext)

    def open(self, sealed: Sealed, *, context: str) -> bytes:
        """The plain value of what `seal` made.

        Raises:
            KeyUnusable: other key, other context, or changed bytes.
        """
        return self._open(sealed.key_id, sealed.wrapped, sealed.ciphertext, context)

    def rewrap(self, key_id: str | None, wrapped: bytes, *, context: str) -> Sealed:
        """The same data key wrapped by the current master key; the ciphertext stays as it is and is not given.

        Args:
            key_id: of the master key that wraps it now; None where that was not written down.

        Raises:
            KeyUnusable: other key, other context, or changed bytes.
        """
        data_key = self._unwrap(key_id, wrapped, context)
        key = self.keyring.current
        return Sealed(key.key_id, _wrap(key, data_key, context), b"")

    def rewrap_head(self, head: bytes, *, context: str) -> tuple[int, bytes]:
        """What has to stand in the place of how many bytes at the beginning of a blob, for it to be one of the current
        key.

        Args:
            head: the first `HEAD` bytes of the blob, or more.

        Raises:
            KeyUnusable: other key, other context, or changed bytes.
        """
        key_id, start = _head(head, context)
        renewed = self.rewrap(key_id, head[start : start + _WRAPPED], context=context)
        return start + _WRAPPED, key_mark(renewed.key_id) + renewed.wrapped

    def _open(self, key_id: str | None, wrapped: bytes, ciphertext: bytes, context: str) -> bytes:
        data_key = self._unwrap(key_id, wrapped, context)
        try:
            return AESGCM(data_key).decrypt(ciphertext[:_NONCE], ciphertext[_NONCE:], context.encode())
        except (InvalidTag, ValueError):
            raise _damaged(context) from None

    def _unwrap(self, key_id: str | None, wrapped: bytes, context: str) -> bytes:
        keys = self.keyring.keys
        if key_id is not None:
            key = self.keyring.find(key_id)
            if key is None:
                raise _unknown(key_id, context)
            keys = (key,)
        for key in keys:
            try:
                return AESGCM(key.value).decrypt(wrapped[:_NONCE], wrapped[_NONCE:], context.encode())
            except (InvalidTag, ValueError):
                continue
        raise _damaged(context)


def key_mark(key_id: str) -> bytes:
    """How a blob under the master key of this id begins."""
    return _NAMED + bytes.fromhex(key_id)


def _head(blob: bytes, context: str) -> tuple[str | None, int]:
    """The id of the master key of a blob, and where the wrapped data key begins."""
    start = 1 + _ID if blob[:1] == _NAMED else 1
    if blob[:1] not in (_NAMED, _UNNAMED) or len(blob) < start + _WRAPPED:
        raise _damaged(context)
    return (blob[1:start].hex() if start > 1 else None), start


def _wrap(key: MasterKey, data_key: bytes, context: str) -> bytes:
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(key.value).encrypt(nonce, data_key, context.encode())


def _unknown(key_id: str, context: str) -> KeyUnusable:
    what = " ".join(context.split())
    return KeyUnusable(
        f"The encrypted value {what!r} cannot be opened: it was made with the master key {key_id}, which is not known "
        "here.",
        kept="It was left as it is.",
        next_step="Put that key back (the key file, or SEEZAR_OTHER_MASTER_KEYS); if there never was one, the value is "
        "damaged: enter it again.",
    )


def _damaged(context: str) -> KeyUnusable:
    what = " ".join(context.split())
    return KeyUnusable(
        f"The encrypted value {what!r} cannot be opened: it was made with another key, or it is damaged.",
        kept="It was left as it is.",
        next_step="Put the right master key back; if the value itself is damaged, enter it again.",
    )
