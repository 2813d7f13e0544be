"""The bytes of a message that came as text."""

import email
from email.policy import default

import pytest

from seezar.mail.providers.source_text import source_bytes

WORDS = {
    "utf-8": "Prüfcode 482913 für Zoë – コード",
    "iso-8859-1": "Prüfcode 482913 für Zoë",
    "windows-1252": "Prüfcode “482913” – für Zoë",
    "windows-1251": "Ваш код 482913",
    "koi8-r": "Ваш код 482913",
    "shift_jis": "確認コードは 482913 です",
}


def message(charset: str, *, subject: str = "Sign in") -> bytes:
    head = f'Subject: {subject}\r\nContent-Type: text/plain; charset="{charset}"\r\n'
    return head.encode() + b"Content-Transfer-Encoding: 8bit\r\n\r\n" + WORDS[charset].encode(charset) + b"\r\n"


def read(raw: bytes) -> str:
    return email.message_from_bytes(raw, policy=default).get_content().strip()


@pytest.mark.parametrize("charset", sorted(WORDS))
@pytest.mark.parametrize("form", ["decoded", "escaped", "one character a byte"])
def test_the_words_survive_however_the_text_was_made(charset: str, form: str) -> None:
    raw = message(charset)
    text = {
        "decoded": raw.decode(charset),
        "escaped": raw.decode("utf-8", "surrogateescape"),
        "one character a byte": raw.decode("latin-1"),
    }[form]
    if form == "one character a byte" and charset not in ("utf-8", "iso-8859-1"):
        # Cannot be told from text; the digits are what must not suffer.
        assert "482913" in read(source_bytes(text))
    else:
        assert read(source_bytes(text)) == WORDS[charset]
        assert source_bytes(text) == raw


def test_headers_are_utf_8_whatever_the_body_is() -> None:
    raw = message("iso-8859-1", subject="Prüfung")
    text = raw[: raw.index(b"\r\n\r\n")].decode() + raw[raw.index(b"\r\n\r\n") :].decode("latin-1")
    assert source_bytes(text) == raw


def test_line_ends() -> None:
    assert source_bytes("A: b\n\nc\n") == b"A: b\r\n\r\nc\r\n"
    assert source_bytes("A: b\r\n\r\nc\nd\r\n") == b"A: b\r\n\r\nc\nd\r\n"


def test_no_text_is_too_odd() -> None:
    for text in ("", "\ud800", "\ud800\udcff", "é\udcff", "charset=nonsense é", "charset=idna \u20ac", "\U0001f511"):
        assert isinstance(source_bytes(text), bytes)
