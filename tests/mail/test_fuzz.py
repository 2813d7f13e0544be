"""Damaged and hostile mails, a bounded number of them; `python -m benchmarks.fuzz_mail` reads as many as wanted."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.fuzz_mail import SECONDS_A_MAIL, fuzzed, read
from seezar.mail.mime import decode_bytes


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**63))
def test_damaged_mails_are_read_in_bounded_time(seed: int) -> None:
    assert read(fuzzed(seed)) < SECONDS_A_MAIL


def test_a_seed_always_makes_the_same_mail() -> None:
    assert [fuzzed(seed) for seed in range(40)] == [fuzzed(seed) for seed in range(40)]


@pytest.mark.parametrize(
    "charset", ["hex", "base64", "rot13", "zlib", "bz2", "uu", "idna", "undefined", "unicode_escape"]
)
def test_codecs_that_are_no_character_sets_are_not_asked(charset: str) -> None:
    # "é" in Windows-1252 is no UTF-8, so that the charset named is the one tried last.
    assert decode_bytes(b"caf\xe9 482913", charset) == "café 482913"


GROWTH = 10
"""What four times as much may take at most: four times as long is linear, sixteen times quadratic."""
_LEAST_S = 0.02


def growth(mail: Callable[[int], str], times: int) -> float:
    """How many times as long it takes to read the mail of `times` as that of a quarter of it, whatever else is at work.

    What is over in a blink counts as `_LEAST_S`.
    """
    part, whole = (min(read(f"From: a@b.test\r\n{mail(n)}".encode()) for _ in range(2)) for n in (times // 4, times))
    return whole / max(part, _LEAST_S)


_REPEATED = {
    "tags that are never closed": ("html", "<a ", 300_000),
    "delimiters": ("multipart", "--b\r\n", 1_000_000),
    "numbers": ("plain", "482913 code ", 90_000),
    "digits of a line of ten megabytes": ("plain", "4", 10_000_000),
    "links": ("html", "<a href='https://x.test/v?t=k3Vd9QmX7pLw2RtY8sHn'>verify</a> ", 5_000),
    "lines of digits": ("plain", "1 " * 995 + "\r\n", 400),
    "lines of groups": ("plain", "0 12 " * 398 + "\r\n", 400),
    "lines that look like a name of a host": ("plain", "a1." * 660 + "\r\n", 400),
    "lines that look like a rule": ("plain", "_" * 1999 + "x\r\n", 400),
    "lines that look like a sender": ("plain", "From: " + "a@" * 990 + "\r\n", 400),
    "lines that look like a quote": ("plain", "1@" * 160 + ":\r\n", 2_000),
    "a word without an end": ("html", "482913abc", 50_000),
    "media queries": ("html", "<style>@media{", 300_000),
    "a style sheet without rules": ("html", "<style>none" + "a" * 50_000 + "</style>", 8),
    "a style sheet of one selector": ("html", "<style>none" + ".a," * 16_000 + "</style>", 8),
    "entities": ("html", "&#x34;", 500_000),
    "headers": ("headers", "X: y\r\n", 500_000),
    "forwards in forwards": ("headers", "Content-Type: message/rfc822\r\n\r\n", 100_000),
}


@pytest.mark.parametrize("name", _REPEATED)
def test_repetition_takes_linear_time(name: str) -> None:
    kind, piece, times = _REPEATED[name]
    types = {
        "html": "Content-Type: text/html\r\n\r\n",
        "plain": "Content-Type: text/plain\r\n\r\n",
        "multipart": "Content-Type: multipart/mixed; boundary=b\r\n\r\n",
        "headers": "",
    }
    assert growth(lambda n: f"Subject: Your code\r\n{types[kind]}{piece * n}", times) < GROWTH


def test_multiparts_inside_one_another_take_linear_time() -> None:
    def levels(times: int) -> str:
        return "".join(f"Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n" for n in range(times))

    assert growth(levels, 20_000) < GROWTH
