"""The redaction gate: a known secret is found in every form that pages, logs and requests write it in."""

import base64
import json
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seezar.redaction import Redactor

PASSWORD = 'p$^.*[ä]/"\\ +&=% €x'
TOTP = "JBSWY3DPEHPK3PXPJBSWY3DP"


def embedded(secret: bytes, before: bytes, after: bytes = b"") -> str:
    return base64.b64encode(before + secret + after).decode()


@pytest.mark.parametrize(
    "shown",
    [
        PASSWORD,
        f"x{PASSWORD}x",
        quote(PASSWORD, safe=""),
        quote(PASSWORD, safe="").lower().replace("p%24", "p%24"),
        quote_plus(PASSWORD),
        urlencode({"password": PASSWORD, "next": "/"}),
        json.dumps({"password": PASSWORD}),
        json.dumps({"password": PASSWORD}, ensure_ascii=False),
        PASSWORD.encode("unicode_escape").decode(),
    ],
)
def test_every_way_of_writing_it(shown: str) -> None:
    redacted = Redactor({"password": PASSWORD})(f"before {shown} after")
    assert "«secret:password»" in redacted
    assert redacted.startswith("before ")
    assert redacted.endswith(" after")
    for part in ("p$^", "p%24", '/\\"', "%2F%22", "€x", "u20ac"):
        assert part not in redacted


@pytest.mark.parametrize("before", [b"", b"u:", b"me:", b"user:", "größe:".encode()])
@pytest.mark.parametrize("after", [b"", b"!", b"\n\n"])
@pytest.mark.parametrize("alphabet", [b"+/", b"-_"])
def test_inside_base64_wherever_it_begins(before: bytes, after: bytes, alphabet: bytes) -> None:
    secret = "gehe\xf8m\xfe?~?-4711"
    shown = base64.b64encode(before + secret.encode() + after, altchars=alphabet).decode()
    redacted = Redactor({"password": secret})(f"Authorization: Basic {shown}")
    assert "«secret:password»" in redacted
    kept = redacted.removeprefix("Authorization: Basic ").replace("«secret:password»", "")
    # A character at either end may be decided by the secret and its neighbour together.
    assert len(kept) <= len(base64.b64encode(before)) + len(base64.b64encode(after)) + 2


@pytest.mark.parametrize("shown", ["483920", "483 920", "48-39-20", "4 8 3 9 2 0", "483\u00a0920", "4\n8\n3\n9\n2\n0"])
def test_a_code_in_groups(shown: str) -> None:
    assert Redactor({"code": "483920"})(f"Your code: {shown}.") == "Your code: «secret:code»."


@pytest.mark.parametrize(
    "shown", [TOTP, TOTP.lower(), "JBSW Y3DP EHPK 3PXP JBSW Y3DP", "jbsw-y3dp-ehpk-3pxp-jbsw-y3dp"]
)
def test_a_key_in_groups_and_small_letters(shown: str) -> None:
    assert Redactor({"totp": TOTP})(f"Key: {shown}!") == "Key: «secret:totp»!"


def test_other_numbers_stay() -> None:
    text = "483921 48392 4839 and 48 39 21"
    assert Redactor({"code": "483920"})(text) == text


def test_the_longest_comes_first_whatever_the_order() -> None:
    secrets = {"short": "geheim", "long": "geheim-4711"}
    for ordered in (secrets, dict(reversed(secrets.items()))):
        assert Redactor(ordered)("geheim-4711 geheim") == "«secret:long» «secret:short»"


def test_a_code_in_groups_does_not_hide_a_longer_secret() -> None:
    assert Redactor({"code": "4839", "password": "4839-geheim"})("4839-geheim") == "«secret:password»"


def test_what_was_put_in_is_not_searched_again() -> None:
    assert Redactor({"password": "geheim-4711", "other": "secret"})("geheim-4711") == "«secret:password»"


def test_what_is_too_short_to_be_told_from_text_stays() -> None:
    assert Redactor({"pin": "123", "none": ""})("123 pages") == "123 pages"
    assert Redactor({"pin": "1234"})("1234 pages") == "«secret:pin» pages"
    assert Redactor({})("anything") == "anything"


@given(secret=st.text(min_size=4, max_size=30), before=st.text(max_size=20), after=st.text(max_size=20))
def test_no_secret_is_ever_left(secret: str, before: str, after: str) -> None:
    redacted = Redactor({"s": secret})(before + secret + after)
    assert secret not in redacted.replace("«secret:s»", "\0")
