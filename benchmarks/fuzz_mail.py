"""Read a great number of damaged and hostile mails: none may raise, hang or make the process grow.

`python -m benchmarks.fuzz_mail --mails 1000000` counts seeds up from `--first`. The mail of a seed is always the same:
one that was reported is made again with `--first SEED --mails 1`, and a run that was stopped goes on with the seed that
it printed last. The mails that are damaged are those of `tests/mail/mails`.
"""

import argparse
import random
import resource
import sys
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from seezar.mail.extraction import extract

SECONDS_A_MAIL = 1.0
"""Processor time that a mail may take; sizes go up to a few hundred kilobytes."""
MEGABYTES_GROWN = 400
"""What the process may grow by after the first thousand mails."""

_FOLDER = Path(__file__).parent.parent / "tests" / "mail" / "mails"
_CHARSETS = [
    "utf-8",
    "utf-16",
    "utf-16-le",
    "utf-32",
    "utf-7",
    "us-ascii",
    "iso-8859-1",
    "iso-8859-8-i",
    "windows-1251",
    "koi8-r",
    "gb2312",
    "gb18030",
    "big5",
    "hz",
    "euc-jp",
    "iso-2022-jp",
    "iso-2022-kr",
    "shift_jis",
    "ks_c_5601-1987",
    "tis-620",
    "idna",
    "punycode",
    "unicode_escape",
    "rot13",
    "zlib",
    "hex",
    "base64",
    "cp65001",
    "x-unknown",
]
_ENCODINGS = ["7bit", "8bit", "binary", "base64", "quoted-printable", "x-uuencode", "BASE64", "base64;x"]
_TYPES = [
    "text/plain",
    "text/html",
    "multipart/alternative",
    "multipart/mixed",
    "multipart/related",
    "multipart/signed",
    "message/rfc822",
    "message/delivery-status",
    "message/partial",
    "application/octet-stream",
    "image/png",
    "text/calendar",
    "text",
    "text/",
    "/",
]
_PIECES = [
    "Your verification code is 482913",
    "4 8 2 9 1 3",
    "QK7-2MX",
    "验证码：482913",
    "رمز التحقق ٤٨٢٩١٣",
    "\u202e319284\u202c",
    "4\u200b8\u200b2\u200b9",
    "https://x.test/verify?token=k3Vd9QmX7pLw2RtY8sHn",
    "<a href='https://x.test/v/k3Vd9QmX7pLw2RtY8sHn'>Verify</a>",
    "<table><tr><td>4</td>",
    "<div style='display:none'>",
    "</div>",
    "<blockquote type=cite>",
    "<style>.a{display:none}@media x{",
    "<!--",
    "]]>",
    "&#x202e;&#0;&#xFFFFFFFF;",
    "On 3 May 2026, a@b.test wrote:\n> code 111222",
    "-----Original Message-----\nFrom: <a@b.test>\nTo: b\nSubject: c\n",
    "@x.test #482913",
    "=?utf-8?b?4pyTIGNvZGU=?=",
    "=?x?q?=?=",
    "--b\r\n",
    "--b--\r\n",
    "\r\n\r\n",
    "\r",
    "\x00",
    "\x1b$B",
    "~{",
    "+AGE-",
    "=E2=80=",
    "=\r\n",
    "USD 1,204.00",
    "03.11.2026 14:22",
    "DE89 3704 0044 0532 0130 00",
    "[::1]:8080",
    "()[]{}<>\"'",
    "12.345.678",
    "1-2-3-4-5-6-7",
    "AAAA-BBBB-CCCC-DDDD",
    "copper-violet-lantern",
]


@lru_cache(maxsize=1)
def _own() -> list[bytes]:
    return [file.read_bytes() for file in sorted(_FOLDER.glob("*.eml"))]


def _place(mail: bytearray, dice: random.Random) -> int:
    return dice.randint(0, len(mail))


def _flip(mail: bytearray, dice: random.Random) -> None:
    for _ in range(dice.randint(1, 40)):
        if mail:
            mail[dice.randrange(len(mail))] = dice.randrange(256)


def _truncate(mail: bytearray, dice: random.Random) -> None:
    del mail[_place(mail, dice) :]


def _cut(mail: bytearray, dice: random.Random) -> None:
    start = _place(mail, dice)
    del mail[start : start + dice.randint(1, 400)]


def _insert(mail: bytearray, dice: random.Random) -> None:
    place = _place(mail, dice)
    mail[place:place] = dice.choice(_PIECES).encode("utf-8", "surrogatepass")


def _repeat(mail: bytearray, dice: random.Random) -> None:
    start = _place(mail, dice)
    piece = bytes(mail[start : start + dice.randint(1, 60)])
    mail[start:start] = piece * min(dice.choice((3, 50, 1000, 20_000)), 300_000 // max(1, len(piece)))


def _repeat_piece(mail: bytearray, dice: random.Random) -> None:
    piece = dice.choice(_PIECES).encode("utf-8", "surrogatepass")
    place = _place(mail, dice)
    mail[place:place] = piece * min(dice.choice((5, 200, 5_000)), 200_000 // len(piece))


def _header(mail: bytearray, dice: random.Random) -> None:
    name = dice.choice(
        ("Subject", "From", "Content-Type", "Authentication-Results", "Content-Transfer-Encoding", "X-" + "a" * 90)
    )
    value = " ".join(dice.choices(_PIECES, k=dice.randint(0, 6)))
    mail[:0] = f"{name}: {value}\r\n".encode("utf-8", "surrogatepass")


def _relabel(mail: bytearray, dice: random.Random) -> None:
    boundary = dice.choice(("b", "", '"', "=" * 300, "é"))
    mail[:0] = (
        f"Content-Type: {dice.choice(_TYPES)}; charset={dice.choice(_CHARSETS)}; boundary={boundary}\r\n"
        f"Content-Transfer-Encoding: {dice.choice(_ENCODINGS)}\r\n"
    ).encode()


def _recode(mail: bytearray, dice: random.Random) -> None:
    """The body in one character set, the label of another."""
    head, gap, body = bytes(mail).partition(b"\r\n\r\n")
    try:
        text = body.decode("utf-8", "replace").encode(dice.choice(_CHARSETS), "replace")
    except (LookupError, ValueError, TypeError, AttributeError):
        return
    mail[:] = head + gap + text
    _relabel(mail, dice)


def _wrap(mail: bytearray, dice: random.Random) -> None:
    for level in range(dice.choice((1, 2, 9, 60))):
        kind = dice.choice(("multipart/mixed", "multipart/alternative", "message/rfc822"))
        start = f"From: a@b.test\r\nContent-Type: {kind}; boundary=n{level}\r\n\r\n"
        mail[:0] = (start if kind == "message/rfc822" else f"{start}--n{level}\r\n").encode()
        if dice.random() < 0.7:
            mail += f"\r\n--n{level}--\r\n".encode()


def _splice(mail: bytearray, dice: random.Random) -> None:
    other = dice.choice(_own())
    place = _place(mail, dice)
    start = dice.randint(0, len(other))
    mail[place:place] = other[start : start + dice.randint(0, 3000)]


_DAMAGES: tuple[Callable[[bytearray, random.Random], None], ...] = (
    _flip,
    _truncate,
    _cut,
    _insert,
    _insert,
    _repeat,
    _repeat_piece,
    _header,
    _relabel,
    _recode,
    _wrap,
    _splice,
)


def fuzzed(seed: int) -> bytes:
    """A damaged mail, always the same for one seed and one set of mails."""
    dice = random.Random(seed)
    mail = bytearray(dice.choice(_own()) if dice.random() < 0.95 else b"")
    for _ in range(dice.randint(1, 6)):
        dice.choice(_DAMAGES)(mail, dice)
    return bytes(mail[:1_000_000])


def read(mail: bytes) -> float:
    """Processor seconds that reading a mail takes, with and without a site that it must belong to."""
    began = time.process_time()
    extract(mail)
    if len(mail) < 20_000:
        extract(mail, site="x.test", senders=["x.test"])
    return time.process_time() - began


def _peak() -> float:
    """Megabytes that the process held at most (Linux counts kilobytes)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> int:
    """Run from the command line; ends with 1 when a mail raised or took too long, or the process grew."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--mails", type=int, default=10_000)
    options.add_argument("--first", type=int, default=1, help="seed of the first mail")
    options.add_argument("--seconds", type=float, default=float("inf"), help="stop after this long")
    arguments = options.parse_args()
    began = time.monotonic()
    worst, worst_seed, faults, settled = 0.0, arguments.first, 0, 0.0
    seed = arguments.first
    while seed < arguments.first + arguments.mails and time.monotonic() - began < arguments.seconds:
        try:
            took = read(fuzzed(seed))
        except Exception as error:  # noqa: BLE001 -- whatever it is, it is what this looks for
            faults += 1
            print(f"seed {seed}: raised {type(error).__name__}", file=sys.stderr)
            took = 0.0
        if took > worst:
            worst, worst_seed = took, seed
        if took > SECONDS_A_MAIL:
            faults += 1
            print(f"seed {seed}: took {took:.2f} s", file=sys.stderr)
        seed += 1
        done = seed - arguments.first
        if done == 1000:
            settled = _peak()
        if done % 5000 == 0:
            speed = f"{done / (time.monotonic() - began):.0f}/s, worst {worst * 1000:.0f} ms, peak {_peak():.0f} MB"
            print(f"{done} mails, {speed}; go on: --first {seed}", flush=True)
    grown = _peak() - settled if settled else 0.0
    print(f"{seed - arguments.first} mails from seed {arguments.first}, {faults} faults")
    print(f"worst {worst * 1000:.0f} ms (seed {worst_seed}), peak {_peak():.0f} MB, grown {grown:.0f} MB")
    return 1 if faults or grown > MEGABYTES_GROWN else 0


if __name__ == "__main__":
    sys.exit(main())
