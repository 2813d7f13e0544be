"""Which link is the one to open: pairs of mails that differ in wording or structure alone, and reading of URLs."""

import time
import tomllib
from pathlib import Path
from typing import Any

import pytest

from seezar.mail.extraction import extract
from seezar.mail.urls import path_score, shared_values, token_strength, token_value

FOLDER = Path(__file__).parent / "mails"
LABELS: list[dict[str, Any]] = tomllib.loads((FOLDER / "labels-links.toml").read_text(encoding="utf-8"))["mail"]
TOKEN = "k3Vd9QmX7pLw2RtY8sHn"


@pytest.mark.parametrize("label", LABELS, ids=[label["file"] for label in LABELS])
def test_mail_is_read_as_labelled(label: dict[str, Any]) -> None:
    found = extract((FOLDER / label["file"]).read_bytes())
    assert (found.code, found.link) == (label.get("code"), label.get("link")), found.reason


def test_pairs_are_many_and_in_many_languages() -> None:
    assert sum("link" in label for label in LABELS) >= 60
    assert sum("link" not in label for label in LABELS) >= 60
    assert len({label["file"].split("-")[1] for label in LABELS}) >= 30


def _html(body: str, subject: str) -> bytes:
    return (
        f"From: Site <no-reply@site.test>\r\nTo: x@mail.test\r\nSubject: {subject}\r\n"
        f"Content-Type: text/html; charset=utf-8\r\n\r\n<html><body>{body}</body></html>\r\n"
    ).encode()


def _text(body: str, subject: str) -> bytes:
    return f"From: no-reply@site.test\r\nSubject: {subject}\r\nContent-Type: text/plain\r\n\r\n{body}\r\n".encode()


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("Verify address", True),
        ("Click here", True),
        ("Continue", True),
        ("→", True),
        ("", True),
        ("Yes", True),
        ("No", False),
        ("Cancel", False),
        ("Secure your account", False),
        ("This wasn't me", False),
        ("Unsubscribe", False),
        ("Learn more", False),
        ("View invoice", False),
    ],
)
def test_text_of_the_only_link_decides(text: str, taken: bool) -> None:
    url = f"https://site.test/q/{TOKEN}"
    found = extract(_html(f'<p>Hello.</p><p><a href="{url}">{text}</a></p>', "Verify your e-mail address"))
    assert found.link == (url if taken else None), found.reason


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("{}", "{}"),
        ("<{}>", "{}"),
        ("({})", "{}"),
        ("Open {}.", "{}"),
        ("Open {}, then go on", "{}"),
        ("[sign in]({})", "{}"),
        ("Open {}", "{}"),
        ('"{}"', "{}"),
    ],
)
@pytest.mark.parametrize(
    "url",
    [
        f"https://site.test/login/{TOKEN}",
        f"https://site.test/login?token={TOKEN}&mail=a%40b.test",
        f"https://site.test/#/login/{TOKEN}",
        f"https://site.test/app#token={TOKEN}&type=magic",
        "https://site.test/login/9b2d7c1e-4f7a-4c3e-a1b2-0c9d8e7f6a5b",
        "https://site.test/login?t=Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MA==",
        "https://site.test/login?t=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjMifQ.k3Vd9QmX7pLw2RtY8sHnk3Vd9QmX7p",
        f"http://localhost:3000/login/{TOKEN}",
        f"http://127.0.0.1:8080/login/{TOKEN}",
        f"https://192.0.2.7:8443/login/{TOKEN}",
    ],
)
def test_bare_url_is_cut_from_its_sentence(written: str, read: str, url: str) -> None:
    body = f"Use this link to sign in:\r\n\r\n{written.format(url)}\r\n"
    assert extract(_text(body, "Your sign-in link")).link == read.format(url)


def test_the_shown_code_in_a_url_is_as_good_as_a_token() -> None:
    body = "Your verification code is 551203.\r\n\r\nOr sign in here: https://site.test/in?code=551203&u=7"
    found = extract(_text(body, "551203 is your sign-in code"))
    assert (found.code, found.link) == ("551203", "https://site.test/in?code=551203&u=7")


def test_a_mail_with_a_code_gives_no_link_by_its_subject_alone() -> None:
    body = f'<p>Your verification code is 551203.</p><a href="https://video.test/channel/{TOKEN}"></a>'
    found = extract(_html(body, "Verify your sign-in"))
    assert (found.code, found.link) == ("551203", None)


def test_a_value_that_all_links_share_names_the_reader() -> None:
    links = "".join(f'<p><a href="https://news.test/{i}?m={TOKEN}">How we verify {i}</a></p>' for i in range(5))
    assert extract(_html(links, "Verify: what changed")).link is None
    assert shared_values(f"https://news.test/{i}?m={TOKEN}" for i in range(4)) == {TOKEN}
    assert not shared_values(f"https://site.test/{i}?m={TOKEN}" for i in ("yes", "no", "report"))


def test_what_a_subject_quotes_is_a_title() -> None:
    body = f'<p>Have a look.</p><a href="https://site.test/q/{TOKEN}">Go there</a>'
    assert extract(_html(body, 'Ann wrote in "Verify your account"')).link is None
    assert extract(_html(body, "Verify your account")).link is not None


@pytest.mark.parametrize(
    ("value", "least"),
    [
        (TOKEN, 3.0),
        ("9b2d7c1e-4f7a-4c3e-a1b2-0c9d8e7f6a5b", 3.0),
        ("xkqzvbnmwrtpsdfghjklc", 2.0),
        ("K7M4QX", 1.0),
    ],
)
def test_tokens_are_told(value: str, least: float) -> None:
    assert token_value(value) >= least
    assert token_strength(f"https://site.test/v/{value}") >= min(least, 2.0)


@pytest.mark.parametrize(
    "value", ["verify-your-email", "getting-started", "2026-11-05", "en-US", "iphone15", "RoadmapOverview", "v2"]
)
def test_words_are_no_tokens(value: str) -> None:
    assert token_strength(f"https://site.test/page/{value}") == 0.0


def test_path_words() -> None:
    assert path_score("https://site.test/privacy-requests/confirm/1") >= 0
    assert path_score("https://site.test/privacy") < 0
    assert path_score("https://site.test/confirm/undo/1") < 0
    assert path_score("https://site.test/verify-email/1") > 0


@pytest.mark.parametrize(
    "body",
    [
        "".join(f"<a href='https://x.test/{i}?t={TOKEN}{i}'>No, verify</a> or " for i in range(12_000)),
        "<a href='https://x.test/?" + "&".join(f"a{i}=b" for i in range(100_000)) + "'>verify</a>",
        "<a href='https://x.test/" + "a-" * 400_000 + "'>verify</a>",
        "<a href='https://x.test/" + "%25" * 300_000 + "'>verify</a>",
        "verify " * 100_000 + f"https://x.test/{TOKEN}",
        ("<p>" + "open. " * 300 + f"<a href='https://x.test/{TOKEN}'>x</a></p>") * 400,
        '"' * 1_000_000,
    ],
    ids=["links", "parameters", "dashes", "percents", "words", "sentences", "quotes"],
)
@pytest.mark.parametrize("site", [None, "x.test"])
def test_hostile_links_take_linear_time(body: str, site: str | None) -> None:
    raw = _html(body, "Verify your account " + '"' * 400)
    extract(raw[:2000])
    began = time.process_time()
    extract(raw, site=site)
    assert time.process_time() - began < 4.0


def test_a_name_is_not_what_a_mail_is_about() -> None:
    """ "Pine Tickets" writes of its accounts; whoever has no such name, of tickets."""
    link = f"https://pine.test/enroll/{TOKEN}"
    raw = _text(f"To go on, open this:\r\n\r\n{link}", "Your Pine Tickets account")
    named = raw.replace(b"From: no-reply@site.test", b"From: Pine Tickets <no-reply@pine.test>")
    assert (extract(named).link, extract(raw).link) == (link, None)
