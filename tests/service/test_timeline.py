"""How a timeline is drawn: on a wide terminal, a narrow one, and none at all."""

import io
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from seezar.accounts import RunEvent
from seezar.errors import InvalidInput
from service.moments import since
from service.timeline import Timeline

BEGAN = datetime(2026, 11, 1, 10, 0, tzinfo=UTC)


def event(
    at: float, step: str, message: str, worker: str | None = None, attempt: int | None = None, **detail: object
) -> RunEvent:
    return RunEvent(1, "r", BEGAN + timedelta(seconds=at), step, message, detail, attempt, worker)


EVENTS = (
    event(0.2, "begin", "Looking at the stored session", "worker-1", 1),
    event(
        *(0.9, "password", "Typed the password into the form of the sign-in page of the site", "worker-1", 1),
        kind="login",
        confidence=0.976,
        evidence=["a password field", "the word for signing in"],
    ),
    event(13.4, "adopted", "worker-1 died here; worker-2 goes on", "worker-2", 1),
    event(13.5, "done", "captcha: A challenge for people", "worker-2", 2),
    event(4013.5, "done", "cancelled"),
)


def drawn(width: int, *, terminal: bool, encoding: str = "utf-8", evidence: bool = False) -> list[str]:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding)
    console = Console(file=file, width=width, force_terminal=terminal, color_system=None, soft_wrap=True, markup=False)
    timeline = Timeline(console, began=BEGAN, evidence=evidence)
    for one in EVENTS:
        timeline.line(one)
    file.flush()
    return raw.getvalue().decode(encoding).splitlines()


def test_wide() -> None:
    lines = drawn(120, terminal=True)
    assert lines[0] == "   0.2 s  begin         worker-1 #1  Looking at the stored session"
    # A pause of less than a second is not drawn; one of twelve is, a character a second.
    assert lines[1].startswith("   0.9 s  password")
    assert lines[2] == "       ┊     12.5 s " + "━" * 12
    assert lines[3] == "  13.4 s  ─── worker-1 died here; worker-2 goes on ───"
    assert lines[4].endswith("worker-2 #2  captcha: A challenge for people")
    assert lines[5].strip() == "┊  66 m 40 s " + "━" * 40 + ">"
    assert all(len(line) <= 120 for line in lines)


def test_what_an_action_was_based_on_is_told_where_it_is_asked_for() -> None:
    assert "a password field" not in "".join(drawn(300, terminal=False))
    lines = drawn(300, terminal=False, evidence=True)
    assert lines[1].endswith("the site (login, 98%: a password field, the word for signing in)")


@pytest.mark.parametrize("width", [60, 45])
def test_narrow(width: int) -> None:
    lines = drawn(width, terminal=True)
    assert all(len(line) <= width for line in lines), lines
    text = " ".join(" ".join(lines).split())
    assert "Typed the password into the form of the sign-in page of the site" in text
    assert "worker-1 died here; worker-2 goes on" in text
    assert [line.strip() for line in lines].count("worker-1 #1") == 1
    assert "worker-2 #2" in text


def test_no_terminal_has_one_line_an_event() -> None:
    lines = drawn(1000, terminal=False)
    assert len(lines) == len(EVENTS) + 2
    assert not any("\x1b" in line for line in lines)


def test_ascii_terminal() -> None:
    lines = drawn(120, terminal=True, encoding="ascii")
    assert lines[2] == "       |     12.5 s " + "=" * 12
    assert lines[3] == "  13.4 s  --- worker-1 died here; worker-2 goes on ---"


def test_moments() -> None:
    now = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
    assert since("2h", now=now) == now - timedelta(hours=2)
    assert since("7d", now=now) == now - timedelta(days=7)
    assert since("2026-11-01T10:00+00:00") == BEGAN
    assert since("2026-11-01").astimezone().strftime("%F %T") == "2026-11-01 00:00:00"
    for wrong in ("soon", "2x", "-1h", "99999999999999w", "2026-13-01", ""):
        with pytest.raises(InvalidInput):
            since(wrong)
