"""The cipher: what goes in comes out, under the same key and context and unchanged, and nothing else does."""

import os
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seezar.errors import KeyUnusable
from seezar.vault import Cipher
from seezar.vault.keys import MasterKey

KEY = MasterKey(bytes(range(32)))


@given(plain=st.binary(max_size=300), context=st.text(alphabet=st.characters(codec="utf-8"), max_size=40))
@settings(deadline=None)
def test_round_trip(plain: bytes, context: str) -> None:
    blob = Cipher(KEY).encrypt(plain, context=context)
    assert Cipher(KEY).decrypt(blob, context=context) == plain
    assert len(plain) < 4 or plain not in blob


def test_the_same_value_never_looks_the_same() -> None:
    cipher = Cipher(KEY)
    assert len({cipher.encrypt(b"value", context="c") for _ in range(50)}) == 50


def test_another_context_does_not_open_it(cipher: Cipher) -> None:
    blob = cipher.encrypt(b"value", context="session\nalice")
    with pytest.raises(KeyUnusable, match="session bob"):
        cipher.decrypt(blob, context="session\nbob")


def test_another_key_does_not_open_it(cipher: Cipher) -> None:
    blob = cipher.encrypt(b"value", context="c")
    with pytest.raises(KeyUnusable):
        Cipher(MasterKey(os.urandom(32))).decrypt(blob, context="c")


def test_no_byte_can_be_changed_or_cut(cipher: Cipher) -> None:
    blob = cipher.encrypt(b"value", context="c")
    for position in range(len(blob)):
        changed = bytearray(blob)
        changed[position] ^= 1
        with pytest.raises(KeyUnusable):
            cipher.decrypt(bytes(changed), context="c")
        with pytest.raises(KeyUnusable):
            cipher.decrypt(blob[:position], context="c")
    with pytest.raises(KeyUnusable):
        cipher.decrypt(blob + b"\0", context="c")


def test_the_wrapped_key_of_one_value_does_not_open_another(cipher: Cipher) -> None:
    one, two = cipher.seal(b"one", context="c"), cipher.seal(b"two", context="c")
    with pytest.raises(KeyUnusable):
        cipher.open(replace(one, ciphertext=two.ciphertext), context="c")


def test_the_error_tells_nothing_of_the_value(cipher: Cipher) -> None:
    blob = cipher.encrypt(b"geheim-4711", context="c")
    with pytest.raises(KeyUnusable) as told:
        cipher.decrypt(blob, context="d")
    assert "geheim" not in repr(told.value) + str(told.value)
    assert told.value.__cause__ is None
