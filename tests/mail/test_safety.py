"""Mails that want to do harm: links to other hosts, senders that are not who they seem, codes for another site."""

import time

import pytest

from seezar.mail.extraction import Extraction, extract
from seezar.mail.mime import parse, parse_envelope
from seezar.mail.safety import imitates

T = "k3Vd9QmX7pLw2RtY8sHn"


def _link(href: str, text: str = "Sign in", site: str | None = "https://bank.test/login") -> Extraction:
    href = href.replace("&", "&amp;").replace("'", "%27")
    return extract(
        (
            "From: Bank <no-reply@bank.test>\r\nSubject: Sign in to Bank\r\n"
            "Content-Type: text/html; charset=utf-8\r\n\r\n"
            f"<p>Use the button to sign in.</p><p><a href='{href}'>{text}</a></p>\r\n"
        ).encode(),
        site=site,
    )


def _code(
    sender: str, senders: list[str], headers: str = "", body: str = "Your verification code is 551203."
) -> str | None:
    raw = f"{headers}From: {sender}\r\nSubject: Sign in\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{body}\r\n"
    return extract(raw.encode(), senders=senders).code


@pytest.mark.parametrize(
    "href",
    [
        f"https://bank.test/m/{T}",
        f"https://www.bank.test/m/{T}",
        f"https://login.eu.bank.test:8443/m/{T}",
        f"HTTPS://Bank.Test/m/{T}",
        f"https://bank.test./m/{T}",
        f"https://bank.test/m/{T}?next=%2Fhome",
        f"https://bank.test/m/{T}?next=https%3A%2F%2Fapp.bank.test%2F",
        f"https://bank.test/m/{T}?utm_source=https%3A%2F%2Fmail.example",
        f"https://bank.test/m/{T}#https://bank.test/done",
    ],
)
def test_links_of_the_site_are_opened(href: str) -> None:
    assert _link(href).link == href


@pytest.mark.parametrize(
    "href",
    [
        # Another host that looks like it.
        f"https://bank.test.evil.example/m/{T}",
        f"https://bank-test.example/m/{T}",
        f"https://evilbank.test/m/{T}",
        f"https://bank.example/m/{T}",
        f"https://bank.test%2eevil.example/m/{T}",
        f"https://bank.test\u3002evil.example/m/{T}",
        f"https://b\u0430nk.test/m/{T}",
        f"https://xn--bnk-7cd.test/m/{T}",
        f"https://b\u00e1nk.test/m/{T}",
        # A host hidden by a user name, or by what parsers disagree on.
        f"https://bank.test@evil.example/m/{T}",
        f"https://bank.test:443@evil.example/m/{T}",
        f"https://bank.test%40evil.example/m/{T}",
        f"https://user:pass@bank.test/m/{T}",
        f"https://evil.example\\@bank.test/m/{T}",
        f"https://evil.example\\.bank.test/m/{T}",
        f"https://evil.example%00.bank.test/m/{T}",
        f"https://bank.test:99999/m/{T}",
        f"https://bank.test:x/m/{T}",
        f"https:///evil.example/m/{T}",
        f"https:evil.example/m/{T}",
        f"https://[::1/m/{T}",
        # No https.
        f"http://bank.test/m/{T}",
        f"//bank.test/m/{T}",
        f"ftp://bank.test/m/{T}",
        f"bankapp://bank.test/m/{T}",
        f"javascript:location=%22https://bank.test/m/{T}%22",
        f"data:text/html,https://bank.test/m/{T}",
        f"intent://bank.test/m/{T}#Intent;scheme=https;end",
        # Passed on to another site.
        f"https://bank.test/m/{T}?next=https://evil.example/",
        f"https://bank.test/m/{T}?next=//evil.example/",
        f"https://bank.test/m/{T}?next=%2F%2Fevil.example",
        f"https://bank.test/m/{T}?next=https%253A%252F%252Fevil.example",
        f"https://bank.test/m/{T}?redirect_uri=evilapp://callback",
        f"https://bank.test/m/{T}?next=https:/\\evil.example/",
        f"https://bank.test/m/{T}?q=https://evil.example/",
        f"https://bank.test/m/{T}#/go?continue=https://evil.example/",
        f"https://bank.test/out/https://evil.example/m/{T}",
        f"https://bank.test/out/https%3A%2F%2Fevil.example/m/{T}",
        # Addresses in place of names.
        f"https://2130706433/m/{T}",
        f"https://0x7f.1/m/{T}",
        f"https://127.1/m/{T}",
        f"https://192.0.2.7/m/{T}",
    ],
)
def test_links_that_leave_the_site_are_refused(href: str) -> None:
    found = _link(href)
    assert found.link is None
    assert "evil" not in found.reason


@pytest.mark.parametrize(
    "href",
    [
        f"http://localhost:3000/m/{T}",
        f"http://app.localhost/m/{T}",
        f"http://127.0.0.1:8080/m/{T}",
        f"http://[::1]:8080/m/{T}",
        f"https://b\u00fccher.example/m/{T}",
    ],
)
def test_loopback_and_international_names_may_be_opened(href: str) -> None:
    assert _link(href, site=None).link == href


@pytest.mark.parametrize(
    "href",
    [
        f"http://localhost.evil.example/m/{T}",
        f"http://127.0.0.1.evil.example/m/{T}",
        f"http://0.0.0.0/m/{T}",
        f"http://127.1/m/{T}",
        f"https://127.1/m/{T}",
        f"https://0x7f.0x1/m/{T}",
        f"https://2130706433/m/{T}",
        f"http://2130706433/m/{T}",
        f"http://192.168.1.4/m/{T}",
        f"http://[::ffff:192.0.2.7]/m/{T}",
        f"https://b\u0430nk.test/m/{T}",
        f"https://\u0430\u0440\u0440\u04cf\u0435.example/m/{T}",
        f"https://xn--80ak6aa92e.example/m/{T}",
        f"https://\u03bfnline-bank.test/m/{T}",
    ],
)
def test_without_a_site_plain_http_and_imitations_are_refused(href: str) -> None:
    assert _link(href, site=None).link is None


def test_names_of_one_script_are_no_imitations() -> None:
    for name in ("xn--e1aybc.xn--p1ai", "xn--mgbh0fb.xn--kgbechtv", "xn--fsqu00a.xn--0zwm56d", "xn--bcher-kva.example"):
        assert not imitates(name)


@pytest.mark.parametrize(
    ("text", "opened"),
    [
        ("https://bank.test/m", True),
        ("bank.test", True),
        ("www.bank.test/login", True),
        ("https://other.test/m", False),
        ("other.test", False),
        ("www.other.test", False),
        ("https://bank.test.other.test/", False),
        ("https://b\u0430nk.test/", False),
        ("https://\u200bother.test/m", False),
    ],
)
def test_the_host_that_is_shown_is_the_host_that_is_opened(text: str, opened: bool) -> None:
    assert (_link(f"https://bank.test/m/{T}", text, site=None).link is not None) is opened


@pytest.mark.parametrize(
    ("sender", "trusted"),
    [
        ("Bank <support@bank.example>", True),
        ("Bank <SUPPORT@Bank.Example>", True),
        ("Bank, Inc. <support@mail.bank.example>", True),
        ('"x@evil.example" <support@bank.example>', True),
        ('"support@bank.example" <x@evil.example>', False),
        ("support@bank.example <x@evil.example>", False),
        ("<support@bank.example> <x@evil.example>", False),
        ("support@bank.example, x@evil.example", False),
        ("x@evil.example, support@bank.example", False),
        ("x@evil.example (support@bank.example)", False),
        ("=?utf-8?q?support=40bank.example?= <x@evil.example>", False),
        ("=?utf-8?q?support=40bank.example_=3C?= <x@evil.example>", False),
        ('"support@bank.example"@evil.example', False),
        ("support@bank.example@evil.example", False),
        ("support@bank.example\x00@evil.example", False),
        ("<@bank.example:x@evil.example>", False),
        ("bank.example: x@evil.example;", False),
        ("support@bank.example.evil.example", False),
        ("support@evilbank.example", False),
        ("support@b\u0430nk.example", False),
        ("Bank", False),
        ("", False),
    ],
)
def test_sender_is_the_address_and_not_what_looks_like_it(sender: str, trusted: bool) -> None:
    assert (_code(sender, ["bank.example"]) is not None) is trusted


def test_exact_sender_and_public_suffix() -> None:
    assert _code("no-reply@bank.example", ["no-reply@bank.example"])
    assert _code("help@bank.example", ["no-reply@bank.example"]) is None
    assert _code("x@evil.github.io", ["bank.github.io"]) is None
    assert _code("x@evil.co.uk", ["co.uk"]) is None


def test_other_headers_do_not_make_a_sender() -> None:
    headers = (
        "Sender: support@bank.example\r\nReply-To: support@bank.example\r\nReturn-Path: <support@bank.example>\r\n"
    )
    assert _code("x@evil.example", ["bank.example"], headers) is None
    assert _code("x@evil.example", ["bank.example"], "From: support@bank.example\r\n") is None
    assert _code("support@bank.example", ["bank.example"], "From: x@evil.example\r\n") is None


@pytest.mark.parametrize(
    ("written", "sender"),
    [
        ("Bank <support@bank.example>", "support@bank.example"),
        ("support@bank.example <x@evil.example>", "x@evil.example"),
        ("<support@bank.example> <x@evil.example>", "x@evil.example"),
        ('"support@bank.example"@evil.example', '"support@bank.example"@evil.example'),
        ("support@bank.example@evil.example", ""),
        ("support@bank.example\x00@evil.example", ""),
    ],
)
def test_envelope_and_mail_name_the_same_sender(written: str, sender: str) -> None:
    raw = f"From: {written}\r\nSubject: s\r\n\r\nb".encode()
    assert parse_envelope(raw)[0] == parse(raw).sender == sender


@pytest.mark.parametrize(
    "claim", ["bank.example; dmarc=pass", "mx.evil.example; spf=pass; dkim=pass; dmarc=pass", "localhost; dmarc=pass"]
)
def test_a_claimed_pass_does_not_replace_the_sender(claim: str) -> None:
    assert _code("x@evil.example", ["bank.example"], f"Authentication-Results: {claim}\r\n") is None


def test_a_failure_is_believed_beside_a_pass() -> None:
    headers = "Authentication-Results: a.test; dmarc=pass\r\nAuthentication-Results: b.test; dmarc=fail\r\n"
    assert _code("support@bank.example", ["bank.example"], headers) is None


@pytest.mark.parametrize(
    ("last", "site", "code"),
    [
        ("@bank.test #551203", "https://bank.test/", "551203"),
        ("@login.bank.test #551203", "bank.test", "551203"),
        ("@evil.example #551203", "bank.test", None),
        ("@bank.test.evil.example #551203", "bank.test", None),
        ("@b\u0430nk.test #551203", "bank.test", None),
    ],
)
def test_a_bound_code_is_for_its_host(last: str, site: str, code: str | None) -> None:
    head = "From: a@bank.test\r\nSubject: Sign in\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
    raw = f"{head}Your code is 551203.\r\n\r\n{last}\r\n"
    assert extract(raw.encode(), site=site).code == code


@pytest.mark.parametrize(
    "body",
    [
        f"<base href='https://bank.test/'><a href='/m/{T}'>Sign in</a>",
        f"<form action='https://bank.test/m/{T}'><button>Sign in</button></form>",
        f"<a href='https://bank.test/m/{T}' style='display:none'>Sign in</a>",
        f"<div hidden><a href='https://bank.test/m/{T}'>Sign in</a></div>",
        f"<!-- <a href='https://bank.test/m/{T}'>Sign in</a> -->",
        f"<script>location='https://bank.test/m/{T}'</script>",
        f"<img src='https://bank.test/sign-in/{T}'>",
        f"<meta http-equiv=refresh content='0;url=https://bank.test/m/{T}'>",
    ],
)
def test_only_a_visible_link_with_a_full_address_counts(body: str) -> None:
    raw = f"From: a@bank.test\r\nSubject: Sign in\r\nContent-Type: text/html\r\n\r\n<p>Sign in here:</p>{body}\r\n"
    assert extract(raw.encode(), site="bank.test").link is None


@pytest.mark.parametrize("piece", ["<", "(", '"', "a@", "<a@b.c>", "\\", "(a@b ", "=?utf-8?q?", ", "])
def test_hostile_senders_take_linear_time(piece: str) -> None:
    raw = (
        b"From: "
        + piece.encode() * (200_000 // len(piece))
        + b"\r\nSubject: s\r\n\r\nYour verification code is 551203."
    )
    began = time.process_time()
    extract(raw, senders=["bank.example"])
    assert time.process_time() - began < 2.0
