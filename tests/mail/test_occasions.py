"""What a mail is about other than signing in: pairs of everyday mails, and each rule that tells their links apart."""

import time
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from seezar.mail.document import from_plain
from seezar.mail.extraction import extract
from seezar.mail.occasions import Choices, dated, numbered, priced, timed

FOLDER = Path(__file__).parent / "mails"
LABELS: list[dict[str, Any]] = tomllib.loads((FOLDER / "labels-occasions.toml").read_text(encoding="utf-8"))["mail"]
TOKEN = "k3Vd9QmX7pLw2RtY8sHn"
OTHER_TOKEN = "Qh7RzT2nWm4KxB9cVd6P"


@pytest.mark.parametrize("label", LABELS, ids=[label["file"] for label in LABELS])
def test_mail_is_read_as_labelled(label: dict[str, Any]) -> None:
    found = extract((FOLDER / label["file"]).read_bytes())
    assert (found.code, found.link) == (label.get("code"), label.get("link")), found.reason


def test_every_mail_has_its_twin() -> None:
    names = [label["file"].removesuffix(".eml") for label in LABELS]
    assert len({name.split("-")[1] for name in names}) >= 30
    kinds = Counter(name.rpartition("-")[0] for name in names)
    assert all(times == 2 for times in kinds.values()), kinds
    for label in LABELS:
        assert label["file"].endswith("-p.eml") == ("code" in label or "link" in label), label["file"]


def _html(subject: str, body: str) -> bytes:
    return (
        f"From: Site <no-reply@site.test>\r\nTo: x@mail.test\r\nSubject: {subject}\r\n"
        f"Content-Type: text/html; charset=utf-8\r\n\r\n<html><body>{body}</body></html>\r\n"
    ).encode()


def _plain(subject: str, body: str) -> bytes:
    return (
        f"From: no-reply@site.test\r\nSubject: {subject}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{body}\r\n"
    ).encode()


def _taken(subject: str, *paragraphs: str, button: str, path: str = "q/{}", beside: str = "") -> bool:
    """Whether the button of a mail is taken; `beside` is more of its HTML."""
    url = f"https://site.test/{path.format(TOKEN)}"
    text = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    found = extract(_html(subject, f'{text}<p><a href="{url}">{button}</a></p>{beside}'))
    assert found.link in (None, url)
    return found.link == url


# --- days, times, amounts and numbers of meetings


@pytest.mark.parametrize(
    "text",
    [
        "See you on March 4",
        "am 12. Dezember",
        "le 12 août",
        "el 19 de noviembre",
        "1º de maio",
        "14 listopada",
        "5. listopadu",
        "14 marraskuuta",
        "november 14-én",
        "17. novembril",
        "14 Kasım'da",
        "5 січня",
        "17 ноября",
        "17 Νοεμβρίου",
        "14 نوفمبر",
        "11月17日",
        "11월 17일",
        "on 2026-11-17",
        "20/11",
        "17.11.",
    ],
)
def test_a_day_is_told(text: str) -> None:
    assert dated(text)


@pytest.mark.parametrize(
    "text",
    [
        "3 members",
        "4 Marketing people",
        "Step 1 Set up your account",
        "2 out of 3",
        "10 augmented views",
        "7 separate steps",
        "3 julelege",
        "march on",
        "10 minutes",
        "marca 3 opciones",
        "version 4.12",
        "24/7",
    ],
)
def test_words_that_begin_like_a_month_are_no_day(text: str) -> None:
    assert not dated(text)


def test_a_time_belongs_to_a_day() -> None:
    assert timed("Thursday 19 November at 18:30")
    assert timed("12. Januar, 19 Uhr")
    assert timed("17 november kl. 16")
    assert not timed("Thursday 19 November")
    assert not timed("at 18:30")
    assert not timed("5 November, 09:20 UTC")


def test_an_amount_and_the_number_of_a_meeting_are_told() -> None:
    assert priced("EUR 48.50")
    assert not priced("48 people")
    for text in ("614 220 9931", "Room 812 4471 9036, no PIN", "418-220-907"):
        assert numbered(text), text
    for text in ("+44 20 7946 0112", "020 794 6011", "4111 222 333 444", "482 913", "1 614 220 9931"):
        assert not numbered(text), text


def test_dates_are_looked_for_in_linear_time() -> None:
    for text in ("1 " * 200_000, "1 mar" * 100_000, "may " * 100_000, "123 " * 100_000, "a" * 500_000 + " 1"):
        began = time.process_time()
        dated(text)
        timed(text)
        numbered(text)
        assert time.process_time() - began < 2.0


# --- links side by side


def test_choices_are_links_of_one_form() -> None:
    yes, no = f"https://site.test/e/{TOKEN}/yes", f"https://site.test/e/{OTHER_TOKEN}/no"
    far = f"https://site.test/other/{TOKEN}/page"
    choices = Choices([yes, no, far, "https://site.test/e/about/yes", "https://[::1"])
    assert choices.others(yes) == [no]
    assert choices.others(no) == [yes]
    assert choices.others(far) == []
    assert choices.declines(no)
    assert not choices.declines(yes)
    assert not choices.declines(far)


@pytest.mark.parametrize(
    ("url", "beside", "declines"),
    [
        (f"https://site.test/no/verify/{TOKEN}", None, False),
        (f"https://site.test/ne/verify/{TOKEN}", f"https://site.test/ne/help/{TOKEN}", False),
        (f"https://site.test/verify/{TOKEN}?mobile=false", None, False),
        (f"https://site.test/verify/{TOKEN}?n=1", None, False),
        (f"https://site.test/q/{TOKEN}?a=0", f"https://site.test/q/{TOKEN}?a=1", True),
        (f"https://site.test/q/{TOKEN}?a=1", f"https://site.test/q/{TOKEN}?a=0", False),
        (f"https://site.test/q/{TOKEN}/nein", f"https://site.test/q/{TOKEN}/ja", True),
        (f"https://site.test/decline/{TOKEN}", None, True),
        (f"https://site.test/q?revert={TOKEN}", None, True),
    ],
)
def test_a_short_no_counts_beside_another_answer_only(url: str, beside: str | None, declines: bool) -> None:
    assert Choices([url, beside] if beside else [url]).declines(url) is declines


def _two(first: str, second: str, said: str = "No") -> dict[str, str]:
    return {"path": first, "beside": f'<p><a href="https://site.test/{second.format(OTHER_TOKEN)}">{said}</a></p>'}


def test_a_choice_is_no_step_of_signing_in_unless_an_account_is_named() -> None:
    pair = _two("e/{}/yes", "e/{}/no")
    assert not _taken("Please confirm", "Your place at the table. Confirm or decline.", button="Confirm", **pair)
    assert _taken("Please confirm your account", "Confirm or decline.", button="Confirm", **pair)
    assert not _taken("Please confirm", "Your account is new.", "Hello Ann.", button="Confirm", **pair)
    assert _taken("Please confirm", "Your account is new.", "Hello Ann.", button="Confirm")
    assert _taken("Invitation to Site", "Ada invited you.", button="Accept", **pair)


def test_what_the_link_beside_undoes_is_what_the_button_does() -> None:
    pair = _two("change/{}/keep", "change/{}/back", said="Undo")
    said = ("You asked us to send a mail to confirm.", "Hello Ann.")
    assert _taken("The new e-mail address of your account", *said, button="Go on", **pair)
    assert not _taken("The new e-mail address of your account", *said, button="Go on")
    assert not _taken("The e-mail address of your account was changed", *said, button="Go on", **pair)


# --- what "confirm", "accept" and "join" are said of


def test_confirm_needs_something_of_an_account_to_be_said_of() -> None:
    assert not _taken("Please confirm", "Your order of lamps.", button="Confirm")
    assert not _taken("Please confirm", "Ann made a list.", button="Confirm")
    assert _taken("Please confirm", "Ann made an account.", button="Confirm")
    assert _taken("Please verify", "Ann made a list.", button="Verify")


def test_a_day_in_the_subject_makes_an_invitation_one_to_an_event() -> None:
    assert not _taken("Invitation: our team, 4 March", "Ada invited you.", button="Accept")
    assert _taken("Invitation: our team, 4 Marketing people", "Ada invited you.", button="Accept")
    assert _taken("Invitation to Site", "Ada invited you.", button="Accept")


def test_a_day_and_time_before_the_link_make_it_one_of_an_event() -> None:
    assert not _taken("Please confirm", "Ann comes on 4 March at 10:30.", button="Confirm")
    assert not _taken("Invitation", "Ada invited you, 4 March at 10:30.", button="Accept")
    # Below the link there are footers.
    footer = {"beside": "<p>Sent on 4 March at 10:30.</p>"}
    assert _taken("Invitation", "Ada invited you.", button="Accept", **footer)


def test_the_number_of_a_meeting_near_a_link_to_join() -> None:
    assert not _taken("Invitation", "Ada invited you.", "614 220 9931", button="Join")
    assert _taken("Invitation", "Ada invited you.", "Call Ada: 020 794 60112", button="Join")
    assert _taken("Invitation", "Ada invited you.", button="Join")


def test_one_registers_for_a_course_as_for_an_account() -> None:
    said = "The workshop is on 4 March at 10:30. Please confirm your sign-up."
    assert not _taken("Confirm your sign-up", said, button="Confirm sign-up")
    assert _taken("Confirm your sign-up", f"{said} It needs an account.", button="Confirm sign-up")
    assert _taken("Confirm your sign-up", "Please confirm your sign-up.", button="Confirm sign-up")


def test_joining_needs_an_invitation() -> None:
    assert not _taken("News of your team", "Ada wrote.", button="Join")
    assert not _taken("Hello from Ada", "Ada invited you.", button="Accept")
    assert _taken("Hello from Ada", "Ada invited you to her group.", button="Accept")
    assert _taken("News of your team", "Ada invited you.", button="Join")
    assert _taken("News of your team", "Ada wrote.", button="Join the team")


def test_what_somebody_else_asks_for_is_not_approved() -> None:
    assert not _taken("Ada wants to join your team", "She asks you.", button="Approve")
    assert _taken("Ada: your team", "Approve this sign-in.", button="Approve")


def test_what_costs_money_is_not_joined() -> None:
    assert not _taken("Invitation", "Ada invited you.", "The amount is EUR 48.50.", button="Accept")
    assert _taken("Invitation", "Ada invited you.", "The amount is 48.", button="Accept")
    assert not _taken("Please confirm", "Ada has an account.", "The amount is EUR 48.50.", button="Confirm")


# --- labels before URLs


@pytest.mark.parametrize(
    ("label", "taken"),
    [
        ("Sign in:", True),
        ("Sign in ->", True),
        ("Sign in", True),
        ("Cancel:", False),
        ("Unsubscribe:", False),
        ("Read the handbook:", False),
        ("This wasn't me:", False),
    ],
)
@pytest.mark.parametrize("between", [" ", "\r\n", "\r\n\r\n"], ids=["same line", "line above", "paragraph above"])
def test_a_label_names_what_a_url_is_for(label: str, taken: bool, between: str) -> None:
    url = f"https://site.test/q/{TOKEN}"
    found = extract(_plain("Your account", f"Hello Ann.\r\n\r\n{label}{between}{url}\r\n"))
    assert found.link == (url if taken else None), found.reason


@pytest.mark.parametrize("between", [" ", "\r\n"], ids=["same line", "line above"])
def test_a_label_that_refuses_a_url_refuses_it_everywhere(between: str) -> None:
    url = f"https://site.test/q/{TOKEN}"
    body = f"Cancel:{between}{url}\r\n\r\nSign in:{between}{url}"
    assert extract(_plain("Sign in to your account", body)).link is None


@pytest.mark.parametrize("label", ["No:", "If you did not ask, ignore this or cancel:"])
def test_a_label_that_ends_with_a_refusal_refuses(label: str) -> None:
    body = f"Hello Ann.\r\n\r\n{label}\r\nhttps://site.test/q/{TOKEN}"
    assert extract(_plain("Verify your account", body)).link is None


def test_the_label_belongs_to_the_url_behind_it() -> None:
    wrong, right = f"https://site.test/q/{OTHER_TOKEN}", f"https://site.test/q/{TOKEN}"
    body = f"Hello Ann.\r\n\r\nCancel:\r\n{wrong}\r\n\r\nSign in:\r\n{right}\r\n"
    assert extract(_plain("Your account", body)).link == right


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("開く(https://a.test/v/{})から", "https://a.test/v/{}"),
        ("https://a.test/v/{}로 접속하세요", "https://a.test/v/{}"),
        ("请打开https://a.test/v/{}完成", "https://a.test/v/{}"),
        ("https://例え.test/v/{}", "https://例え.test/v/{}"),
    ],
)
def test_a_url_ends_where_a_script_without_spaces_goes_on(written: str, read: str) -> None:
    links = from_plain(written.format(TOKEN)).links
    assert [link.href for link in links] == [read.format(TOKEN)]


# --- codes


def test_a_list_of_numbers_has_the_label_above_it() -> None:
    lead = "When you sign in we ask for a code."
    numbers = "\r\n".join(("48219037", "77102264", "91530048"))
    assert extract(_plain("Sign-in codes", f"{lead}\r\n\r\nRecovery codes:\r\n{numbers}")).code is None
    assert extract(_plain("Sign-in codes", f"{lead}\r\n\r\nYour code:\r\n48219037")).code == "48219037"


@pytest.mark.parametrize(
    "term",
    [
        "Your invite code",
        "Your team code",
        "Dein Gruppencode",
        "Votre code d'équipe",
        "Tu código de grupo",
        "Il codice del team",
        "Din gruppkod",
        "Twój kod zespołu",
        "Tiimikoodi",
        "Csapatkód",
        "Takım kodu",
        "招待コード",
        "팀 코드",
        "班级码",
    ],
)
def test_a_code_to_join_something_does_not_sign_in(term: str) -> None:
    assert extract(_plain("News", f"{term}: 482913")).code is None
