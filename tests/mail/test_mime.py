"""From raw bytes to text: what the wild does to charsets, encodings, headers and boundaries."""

import base64

import pytest

from seezar.mail.mime import MAX_PARTS, decode_bytes, parse, parse_envelope


def _only_text(raw: bytes) -> str:
    [part] = parse(raw).parts
    return part.text.strip()


@pytest.mark.parametrize(
    ("charset", "text"),
    [
        ("utf-8", "Prüfcode 验证码"),
        ("iso-8859-1", "Prüfcode „4711“".replace("„", '"').replace("“", '"')),
        ("windows-1251", "Код подтверждения"),
        ("koi8-r", "Код подтверждения"),
        ("iso-2022-jp", "認証コード"),
        ("shift_jis", "認証コード"),
        ("gb2312", "验证码"),
        ("big5", "驗證碼"),
        ("euc-kr", "인증번호"),
        ("windows-1256", "رمز التحقق"),
        ("iso-8859-8-i", "קוד אימות"),
        ("utf-16", "Kód"),
    ],
)
def test_charsets(charset: str, text: str) -> None:
    codec = {"iso-8859-8-i": "iso-8859-8"}.get(charset, charset)
    body = base64.encodebytes(text.encode(codec))
    head = f"Content-Type: text/plain; charset={charset}\r\nContent-Transfer-Encoding: base64\r\n\r\n".encode()
    assert _only_text(head + body) == text


def test_missing_unknown_and_wrong_charsets_still_give_text() -> None:
    utf8 = "Código 482913".encode()
    for declared in (
        b"",
        b"; charset=x-unknown",
        b"; charset=us-ascii",
        b"; charset=idna",
        b'; charset=""',
        b"; charset=hex",
    ):
        assert _only_text(b"Content-Type: text/plain" + declared + b"\r\n\r\n" + utf8) == "Código 482913"
    assert _only_text(b"Content-Type: text/plain\r\n\r\n" + "Código".encode("cp1252")) == "Código"
    meta = b'Content-Type: text/html\r\n\r\n<meta charset="windows-1251">' + "Код".encode("cp1251")
    assert _only_text(meta).endswith("Код")
    assert decode_bytes(b"\xff", "no\0such") == "ÿ"


def test_headers_in_every_state() -> None:
    raw = (
        b"From: =?utf-8?q?J=C3=BCrgen?= <JB@Site.Test>\r\nSubject: =?utf-8?b?UHLDvGY=?=\r\n =?utf-8?b?Y29kZQ==?= 42\r\n"
        b"Message-ID: <a@b>\r\nAuthentication-Results: mx.test;\r\n\tdmarc=pass\r\n\r\nx"
    )
    mail = parse(raw)
    assert (mail.sender, mail.sender_name, mail.subject) == ("jb@site.test", "Jürgen", "Prüfcode 42")
    assert mail.authentication_results == ("mx.test; dmarc=pass",)
    assert parse_envelope(raw) == ("jb@site.test", "Prüfcode 42", "<a@b>")
    assert parse("Subject: Raw ütf-8\r\n\r\nx".encode()).subject == "Raw ütf-8"
    assert parse(b"Subject: Code =?utf-8?b?!!!?=\r\n\r\nx").subject.startswith("Code")
    assert parse(b"Subject: =?no-such?q?abc?=\r\n\r\nx").subject == "abc"
    assert parse(b"no header at all\r\njust text").parts[0].text.startswith("no header")
    assert parse(b"").parts == ()


def test_multipart_in_every_state() -> None:
    head = b'Content-Type: multipart/alternative; boundary="b b"\r\n\r\n'
    plain = b"--b b\r\nContent-Type: text/plain\r\n\r\none\r\n"
    html = b"--b b\r\nContent-Type: text/html\r\n\r\n<p>two</p>\r\n"
    assert [
        (p.kind, p.text.strip()) for p in parse(head + b"preamble\r\n" + plain + html + b"--b b--\r\nepilogue").parts
    ] == [
        ("plain", "one"),
        ("html", "<p>two</p>"),
    ]
    assert len(parse(head + plain + html).parts) == 2, "a missing end"
    assert len(parse((head + plain + html).replace(b"\r\n", b"\n")).parts) == 2, "bare line feeds"
    attached = (
        b"--b b\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; filename=a.txt\r\n\r\nthree\r\n--b b--"
    )
    assert [p.text.strip() for p in parse(head + plain + attached).parts] == ["one"]


def test_parts_and_depth_are_capped() -> None:
    many = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 500 + b"--b--"
    assert len(parse(many).parts) < MAX_PARTS
    deep = b""
    for number in range(50):
        deep += b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (number, number)
    assert parse(deep + b"Content-Type: text/plain\r\n\r\nx").parts == ()


def test_broken_transfer_encodings() -> None:
    base = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    assert _only_text(base + b"NDgy OTEz\r\n!!") == "482913"
    assert parse(base + b"A").parts == ()
    quoted = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: Quoted-Printable\r\n\r\n"
    assert _only_text(quoted + b"48=\r\n29=31=zz") == "48291=zz"
    assert _only_text(quoted.replace(b"Quoted-Printable", b"x-none") + b"a=41") == "a=41"


@pytest.mark.parametrize(("joined", "between"), [("yes", ""), ("no", " ")])
def test_flowed_text_is_laid_out_as_it_was_written(joined: str, between: str) -> None:
    """RFC 3676: with DelSp a URL may go over lines."""
    raw = (
        f"From: a@b.test\r\nContent-Type: text/plain; format=flowed; delsp={joined}\r\n\r\n"
        "Open https://b.test/con \r\nfirm/4242 \r\nnow.\r\n-- \r\nIda\r\n>quoted \r\n stuffed\r\n"
    ).encode()
    (part,) = parse(raw).parts
    assert part.text.split("\n")[:5] == [
        f"Open https://b.test/con{between}firm/4242{between}now.",
        "-- ",
        "Ida",
        ">quoted ",
        "stuffed",
    ]
