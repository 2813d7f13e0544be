"""Secrets encrypted at rest, addressed by reference and bound to origins."""

from seezar.vault.cipher import Cipher
from seezar.vault.secrets import Vault

__all__ = ["Cipher", "Vault"]
