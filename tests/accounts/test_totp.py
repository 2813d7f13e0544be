"""TOTP: the vectors of RFC 6238, keys as sites show them, and never a code that is late or was used."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyotp.totp import TOTP

from seezar.accounts.totp import SAFE_SECONDS, base32_key, check_totp, next_code
from seezar.errors import InvalidInput

# RFC 6238 appendix B: time in seconds, then the eight digits under SHA-1, SHA-256 and SHA-512.
VECTORS = [
    (59, "94287082", "46119246", "90693936"),
    (1111111109, "07081804", "68084774", "25091201"),
    (1111111111, "14050471", "67062674", "99943326"),
    (1234567890, "89005924", "91819424", "93441116"),
    (2000000000, "69279037", "90698825", "38618901"),
    (20000000000, "65353130", "77737706", "47863826"),
]
SEEDS = {"SHA1": 20, "SHA256": 32, "SHA512": 64}
KEY = "JBSWY3DPEHPK3PXP"
START = 1_700_000_010.0  # a multiple of 30


def uri(algorithm: str, digits: int = 8, period: int = 30) -> str:
    seed = (b"1234567890" * 7)[: SEEDS[algorithm]]
    secret = base64.b32encode(seed).decode().rstrip("=")
    return f"otpauth://totp/Site:me?secret={secret}&issuer=Site&algorithm={algorithm}&digits={digits}&period={period}"


@pytest.mark.parametrize(("time", "sha1", "sha256", "sha512"), VECTORS)
def test_the_vectors_of_the_rfc(time: int, sha1: str, sha256: str, sha512: str) -> None:
    # The start of the time step, where no code is about to expire.
    start = float(time - time % 30)
    codes = [next_code(uri(algorithm), now=start).code for algorithm in SEEDS]
    assert codes == [sha1, sha256, sha512]


@given(
    secret=st.binary(min_size=14, max_size=64),
    digits=st.integers(6, 10),
    period=st.integers(10, 120),
    step=st.integers(0, 10**8),
)
def test_the_same_as_another_implementation(secret: bytes, digits: int, period: int, step: int) -> None:
    key = base64.b32encode(secret).decode()
    ours = next_code(f"otpauth://totp/x?secret={key}&digits={digits}&period={period}", now=float(step * period))
    assert ours.code == TOTP(key, digits=digits, interval=period).at(step * period)
    assert (ours.time_step, ours.starts_at) == (step, step * period)


@pytest.mark.parametrize(
    "key",
    [
        "jbsw y3dp ehpk 3pxp",
        "JBSW-Y3DP-EHPK-3PXP",
        f"  {KEY}\n",
        f"OTPAUTH://TOTP/x?secret={KEY.lower()}",
        "otpauth://totp/x%20y?secret=JBSW%20Y3DP%20EHPK%203PXP&algorithm=SHA-1&unknown=1",
    ],
)
def test_a_key_as_a_site_shows_it(key: str) -> None:
    check_totp(key)
    assert next_code(key, now=START) == next_code(KEY, now=START)
    assert base32_key(key) == KEY


@pytest.mark.parametrize("key", ["GE", "GEZDG", "GEZDGNB", "GEZDGNA=", "GEZDGNBVGY3TQOI"])
def test_any_length_that_base32_has(key: str) -> None:
    check_totp(key)
    assert base32_key(key) == key.rstrip("=")


@pytest.mark.parametrize(
    "key",
    [
        "",
        "   ",
        "G",
        "GEZ",
        "not base32!",
        "JBSWY3DPEHPK3PX1",
        "ключ",
        "otpauth://totp/x",
        "otpauth://totp/x?secret=",
        f"otpauth://hotp/x?secret={KEY}&counter=1",
        f"otpauth://totp/x?secret={KEY}&digits=0",
        f"otpauth://totp/x?secret={KEY}&digits=eight",
        f"otpauth://totp/x?secret={KEY}&period=0",
        f"otpauth://totp/x?secret={KEY}&period=-30",
        f"otpauth://totp/x?secret={KEY}&algorithm=MD5",
        f"https://site.example/?secret={KEY}",
    ],
)
def test_what_is_no_key_is_refused_without_showing_it(key: str) -> None:
    with pytest.raises(InvalidInput, match="TOTP key") as told:
        check_totp(key)
    assert KEY not in str(told.value)
    assert told.value.__cause__ is None


def test_the_last_seconds_belong_to_the_next_code() -> None:
    step = int(START // 30)
    last_safe = next_code(KEY, now=START + 30 - SAFE_SECONDS)
    assert (last_safe.time_step, last_safe.starts_at) == (step, START)
    late = next_code(KEY, now=START + 30 - SAFE_SECONDS + 0.01)
    assert (late.time_step, late.starts_at) == (step + 1, START + 30)
    assert late.code == next_code(KEY, now=START + 30).code


def test_a_code_is_given_once() -> None:
    step = int(START // 30)
    assert next_code(KEY, now=START, last_step=step - 1).time_step == step
    assert next_code(KEY, now=START, last_step=step).time_step == step + 1
    # Used while the step before was nearly over.
    assert next_code(KEY, now=START, last_step=step + 1).time_step == step + 2


def test_a_code_from_the_future_is_a_clock_that_was_wrong() -> None:
    """Nobody waits a day because the clock of the machine was a day ahead once."""
    step = int(START // 30)
    assert next_code(KEY, now=START, last_step=step + 2880).time_step == step


def test_a_code_does_not_show_itself() -> None:
    code = next_code(KEY, now=START)
    assert code.code not in repr(code)
