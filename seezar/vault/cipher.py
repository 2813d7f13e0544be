"""Authenticated envelope encryption: AES-256-GCM, a data key for each value, wrapped by the master key.

Wrapping means that a new master key needs only the small wrapped keys to be written again. The layout of a blob is
`version (1 byte) | wrapped data key (12 + 32 + 16 bytes) | nonce (12) | ciphertext and tag`. The construction is that
of NIST SP 800-38D with 96-bit random nonces; a data key encrypts one value only, so nonces cannot repeat under it.
"""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from seezar.errors import KeyUnusable
from seezar.vault.keys import KEY_BYTES, MasterKey

_VERSION = b"\x01"
_NONCE = 12
_WRAPPED = _NONCE + KEY_BYTES + 16


class Cipher:
    """Encrypts values under one master key."""

    def __init__(self, key: MasterKey) -> None:
        self._key = AESGCM(key.value)
        self.key_id = key.key_id

    def encrypt(self, plain: bytes, *, context: str) -> bytes:
        """Encrypt `plain`; the same `context` (what it is, whose it is) is needed to decrypt it."""
        wrapped, ciphertext = self.seal(plain, context=context)
        return _VERSION + wrapped + ciphertext

    def decrypt(self, blob: bytes, *, context: str) -> bytes:
        """The plain value of a blob made by `encrypt`.

        Raises:
            KeyUnusable: other key, other context, or changed bytes.
        """
        if blob[:1] != _VERSION or len(blob) < 1 + _WRAPPED + _NONCE + 16:
            raise _damaged(context)
        return self.open(blob[1 : 1 + _WRAPPED], blob[1 + _WRAPPED :], context=context)

    def seal(self, plain: bytes, *, context: str) -> tuple[bytes, bytes]:
        """Encrypt `plain` under a new data key; returns (wrapped data key, nonce and ciphertext)."""
        data_key = AESGCM.generate_key(bit_length=8 * KEY_BYTES)
        nonce = os.urandom(_NONCE)
        ciphertext = nonce + AESGCM(data_key).encrypt(nonce, plain, context.encode())
        return self._wrap(data_key, context), ciphertext

    def open(self, wrapped: bytes, ciphertext: bytes, *, context: str) -> bytes:
        """The plain value of what `seal` made.

        Raises:
            KeyUnusable: other key, other context, or changed bytes.
        """
        try:
            data_key = self._key.decrypt(wrapped[:_NONCE], wrapped[_NONCE:], context.encode())
            return AESGCM(data_key).decrypt(ciphertext[:_NONCE], ciphertext[_NONCE:], context.encode())
        except (InvalidTag, ValueError):
            raise _damaged(context) from None

    def _wrap(self, data_key: bytes, context: str) -> bytes:
        nonce = os.urandom(_NONCE)
        return nonce + self._key.encrypt(nonce, data_key, context.encode())


def _damaged(context: str) -> KeyUnusable:
    what = " ".join(context.split())
    return KeyUnusable(
        f"The encrypted value {what!r} cannot be opened: it was made with another key, or it is damaged.",
        kept="It was left as it is.",
        next_step="Put the right master key back; if the value itself is damaged, enter it again.",
    )
