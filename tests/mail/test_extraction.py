"""Reading codes and links: the mails of `mails/`, written for this project, and mails that want to do harm."""

import re
import time
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seezar.mail.extraction import Extraction, extract

FOLDER = Path(__file__).parent / "mails"
LABELS: list[dict[str, Any]] = tomllib.loads((FOLDER / "labels.toml").read_text(encoding="utf-8"))["mail"]
RAW = {label["file"]: (FOLDER / label["file"]).read_bytes() for label in LABELS}


def _text(body: str, subject: str = "Your sign-in code", headers: str = "") -> bytes:
    return (
        f"From: Site <no-reply@site.test>\r\nTo: x@mail.test\r\nSubject: {subject}\r\n{headers}"
        f"Content-Type: text/plain; charset=utf-8\r\n\r\n{body}\r\n"
    ).encode()


def _html(body: str, subject: str = "Sign in to Site") -> bytes:
    return (
        f"From: Site <no-reply@site.test>\r\nTo: x@mail.test\r\nSubject: {subject}\r\n"
        f"Content-Type: text/html; charset=utf-8\r\n\r\n<html><body>{body}</body></html>\r\n"
    ).encode()


@pytest.mark.parametrize("label", LABELS, ids=[label["file"] for label in LABELS])
def test_mail_is_read_as_labelled(label: dict[str, Any]) -> None:
    found = extract(RAW[label["file"]], site=label.get("site"), senders=label.get("senders", ()))
    assert (found.code, found.link) == (label.get("code"), label.get("link")), found.reason


def test_corpus_is_wide_enough_to_mean_something() -> None:
    negatives = [label for label in LABELS if "code" not in label and "link" not in label]
    assert len(LABELS) >= 160
    assert len(negatives) >= 60
    assert sum("code" in label for label in LABELS) >= 60
    assert sum("link" in label for label in LABELS) >= 30


@pytest.mark.parametrize("label", LABELS, ids=[label["file"] for label in LABELS])
def test_reason_and_repr_hold_neither_code_nor_link(label: dict[str, Any]) -> None:
    found = extract(RAW[label["file"]], site=label.get("site"), senders=label.get("senders", ()))
    for secret in (found.code, found.link):
        if secret is not None:
            assert secret not in found.reason
            assert secret not in repr(found)
    assert 0.0 <= found.confidence <= 1.0


@pytest.mark.parametrize(
    ("href", "accepted"),
    [
        ("https://login.bank.test/m/k3Vd9QmX7pLw2RtY8sHn", True),
        ("https://BANK.test/m/k3Vd9QmX7pLw2RtY8sHn", True),
        ("http://bank.test/m/k3Vd9QmX7pLw2RtY8sHn", False),
        ("https://bank.test.evil.example/m/k3Vd9QmX7pLw2RtY8sHn", False),
        ("https://bank.test@evil.example/m/k3Vd9QmX7pLw2RtY8sHn", False),
        ("https://evil.example\\@bank.test/m/k3Vd9QmX7pLw2RtY8sHn", False),
        ("https://bаnk.test/m/k3Vd9QmX7pLw2RtY8sHn", False),
        ("https://xn--bnk-7cd.test/m/k3Vd9QmX7pLw2RtY8sHn", False),
        ("//bank.test/m/k3Vd9QmX7pLw2RtY8sHn", False),
        ("javascript:location='https://bank.test/m/k3Vd9QmX7pLw2RtY8sHn'", False),
        ("data:text/html,k3Vd9QmX7pLw2RtY8sHn", False),
        ("https://bank.test/verify?token=k3Vd9QmX7pLw2RtY8sHn&next=https://evil.example/", False),
        ("https://bank.test/verify?token=k3Vd9QmX7pLw2RtY8sHn&next=https://www.bank.test/", True),
        ("https://[::1/m/k3Vd9QmX7pLw2RtY8sHn", False),
    ],
)
def test_link_must_be_of_the_site(href: str, accepted: bool) -> None:
    found = extract(
        _html(f'<p>Use the button to sign in.</p><a href="{href}">Sign in</a>'), site="https://bank.test/login"
    )
    assert found.link == (href if accepted else None)


def test_public_suffix_is_not_a_site() -> None:
    mail = _html('<a href="https://evil.github.io/m/k3Vd9QmX7pLw2RtY8sHn">Sign in</a>')
    assert extract(mail, site="bank.github.io").link is None
    assert extract(mail, site="evil.github.io").link is not None


def test_visible_address_must_be_the_target() -> None:
    token = "k3Vd9QmX7pLw2RtY8sHn"
    shown = f'<p>Sign in:</p><a href="https://a.site.test/m/{token}">{{}}</a>'
    assert extract(_html(shown.format(f"https://site.test/m/{token}"))).link is not None
    assert extract(_html(shown.format(f"https://other.test/m/{token}"))).link is None


def test_sender_must_be_expected() -> None:
    mail = _text("Your verification code is 551203.")
    assert extract(mail, senders=["no-reply@site.test"]).code == "551203"
    assert extract(mail, senders=["site.test"]).code == "551203"
    assert extract(mail, senders=["mail.site.test"]).code == "551203"
    for other in ("help@site.test", "site.example", "ite.test"):
        refused = extract(mail, senders=[other])
        assert refused.code is None
        assert refused.reason.startswith("refused")


@pytest.mark.parametrize(
    ("results", "trusted"),
    [
        ("mx.test; spf=pass; dkim=pass; dmarc=pass", True),
        ("mx.test; spf=softfail; dkim=pass; dmarc=pass", True),
        ("mx.test; spf=fail; dkim=none; dmarc=fail", False),
        ("mx.test; spf=pass; dkim=pass header.d=evil.example; dmarc=fail", False),
        ("mx.test; spf=fail; dkim=none; dmarc=none", False),
        ("mx.test; dkim=fail", False),
        ("mx.test; none", True),
    ],
)
def test_failed_authentication_is_believed(results: str, trusted: bool) -> None:
    mail = _text("Your verification code is 551203.", headers=f"Authentication-Results: {results}\r\n")
    assert (extract(mail).code == "551203") is trusted


def test_two_from_addresses_are_refused_when_a_sender_is_expected() -> None:
    mail = _text("Your verification code is 551203.", headers="From: <eve@evil.example>\r\n")
    assert extract(mail, senders=["no-reply@site.test"]).code is None


def test_code_bound_to_a_host_is_for_that_host() -> None:
    mail = _text("Your code is 551203\r\n\r\n@login.site.test #551203")
    assert extract(mail).code == "551203"
    assert extract(mail, site="site.test").code == "551203"
    assert extract(mail, site="other.test").code is None


def test_nested_forward_is_read() -> None:
    inner = _text("Your verification code is 551203.").decode()
    raw = (
        "From: bob@mail.test\r\nSubject: Fwd: code\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        "--b\r\nContent-Type: text/plain\r\n\r\nsee below\r\n"
        f"--b\r\nContent-Type: message/rfc822\r\n\r\n{inner}\r\n--b--\r\n"
    )
    assert extract(raw.encode()).code == "551203"


# --- any input: no exception, no hang


_PIECES = st.sampled_from(
    [
        *(
            "Your code is |482913|\r\n|\n\n|<td>|</td>|<a href='https://x.test/v/k3Vd9QmX7pLw2RtY8sHn'>|verify|--b\r\n"
            "|Content-Type: multipart/mixed; boundary=b\r\n\r\n|Content-Type: message/rfc822\r\n\r\n|=?utf-8?b?|?="
            "|> |https://|Content-Transfer-Encoding: base64\r\n|@a.test #1234|On 3 May 2026, a@b.test wrote:\n|&#x202e;"
            "|charset=idna|%|\x00|[[[[[[[[|0000000000000|<style>.a{display:none}</style>|<p class=a>|From: "
            "|charset=utf-7|验证码|Subject: "
        )
        .encode()
        .split(b"|"),
        b"\xff\xfe",
        b"\xe2\x80",
    ]
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(raw=st.one_of(st.binary(max_size=2000), st.lists(_PIECES, max_size=60).map(b"".join)))
def test_any_bytes_are_read_without_an_exception(raw: bytes) -> None:
    assert isinstance(extract(raw, site="x.test", senders=["x.test"]), Extraction)
    assert isinstance(extract(raw), Extraction)


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_damaged_mails_are_read_without_an_exception(data: st.DataObject) -> None:
    raw = bytearray(RAW[data.draw(st.sampled_from(sorted(RAW)))])
    for _ in range(data.draw(st.integers(1, 6))):
        start = data.draw(st.integers(0, len(raw)))
        raw[start : start + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=20))
    assert isinstance(extract(bytes(raw)), Extraction)


@pytest.mark.parametrize(
    "body",
    [
        "<div>" * 100_000,
        "<a href='https://x.test/verify?token=k3Vd9QmX7pLw2RtY8sHn'>verify</a>" * 20_000,
        "<table><tr><td>" * 30_000,
        "your code is 482913 " * 50_000,
        "4 8 2 9 1 3 " * 60_000,
        "1-" * 200_000,
        "a" * 500_000,
        "code " * 100_000,
        "https://x.test/" + "a/" * 200_000,
        "(" * 200_000,
        ">" * 100_000 + "\n>" * 20_000,
        "验证码" * 100_000,
        "\n" * 300_000,
    ],
    ids=lambda body: re.sub(r"\W+", "_", body[:20]),
)
@pytest.mark.parametrize("kind", ["plain", "html"])
def test_hostile_bodies_take_linear_time(body: str, kind: str) -> None:
    raw = _html(body) if kind == "html" else _text(body)
    extract(raw[:2000])
    began = time.process_time()
    extract(raw)
    # A megabyte of anything; quadratic time would be minutes.
    assert time.process_time() - began < 4.0


def test_hostile_structure_takes_linear_time() -> None:
    nested = b"From: a@b.test\r\n"
    for number in range(3000):
        nested += b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (number, number)
    many = (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
        + b"--b\r\nContent-Type: text/html\r\n\r\n<p>code 482913</p>\r\n" * 20_000
    )
    headers = b"Subject: x\r\n" + b"X-A: " + b"y" * 100 + b"\r\n" * 1 + b" folded\r\n" * 200_000
    words = b"Subject: " + b"=?utf-8?b?YQ==?= " * 100_000 + b"\r\n\r\nx"
    for raw in (nested, many, headers, words):
        began = time.process_time()
        extract(raw)
        assert time.process_time() - began < 4.0
