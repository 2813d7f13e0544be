"""Raw mails of the tests."""

import base64


def plain(number: int = 1, *, subject: str = "Code", body: str = "Your code is 482913.") -> bytes:
    """A small mail; `number` makes it another one."""
    return (
        f"From: Site <no-reply@site.test>\r\nTo: reader@mail.seezar.test\r\nSubject: {subject} {number}\r\n"
        f"Message-ID: <m{number}@site.test>\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{body}\r\n"
    ).encode()


def with_parts() -> bytes:
    """HTML with a picture, a document and a forwarded mail."""
    picture = base64.b64encode(bytes(range(256))).decode()
    return (
        "From: =?utf-8?q?J=C3=B6rg_M=C3=BCller?= <Joerg@Site.test>\r\n"
        'To: "Reader, Ann" <ann@mail.seezar.test>, bob@mail.seezar.test\r\n'
        "Cc: =?utf-8?b?w4RubmU=?= <aenne@site.test>\r\n"
        "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nMessage-ID: <parts@site.test>\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/mixed; boundary="b1"\r\n\r\n'
        '--b1\r\nContent-Type: multipart/related; boundary="b2"\r\n\r\n'
        "--b2\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Your code is <b>482913</b>.</p>\r\n"
        "--b2\r\nContent-Type: image/png; name=logo.png\r\nContent-Transfer-Encoding: base64\r\n"
        f"Content-ID: <logo>\r\nContent-Disposition: inline; filename=logo.png\r\n\r\n{picture}\r\n--b2--\r\n"
        "--b1\r\nContent-Type: application/pdf\r\n"
        "Content-Disposition: attachment; filename*=utf-8''Rechnung%20%C3%A4.pdf\r\n\r\n%PDF-1\r\n"
        "--b1\r\nContent-Type: text/html; charset=utf-8\r\n"
        "Content-Disposition: attachment; filename=page.html\r\n\r\n<script>alert(1)</script>\r\n"
        "--b1\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ninner text\r\n--b1--\r\n"
    ).encode()


def hostile() -> bytes:
    """Names and types that would break a header, a page or a JSON text."""
    return (
        b"From: \xff\xfe<a@b\r\nTo: <>, ;,@, undisclosed:;\r\nSubject: =?utf-7?q?+2AA-?= \x00\x1b[31m\r\n"
        b"Message-ID: no brackets\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n"
        b"--x\r\nContent-Type: text/plain; charset=utf-7\r\n\r\n+2AA- half\r\n"
        b"--x\r\nContent-Type: tex\x80t/ht;ml\r\nContent-Disposition: attachment;"
        b" filename=\"../../etc/a\\\"b%0d%0aX-Evil: 1.html\"\r\n\r\nx\r\n"
        b"--x\r\nContent-Type: application/x\r\nContent-Disposition: attachment; filename*=nonsense''%ff%00\r\n\r\n\xff"
    )  # fmt: skip
