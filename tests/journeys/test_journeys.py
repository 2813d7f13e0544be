"""Whole sign-ins through worker, browser, SMTP and site: how each ends, and what was typed where."""

import re
from dataclasses import dataclass, field

import pytest

from playground.journeys import JourneyAccount, journey_of
from playground.kit.journal import BAIT
from seezar.accounts import NewAccount
from tests.world import World

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser, pytest.mark.timeout(300)]


class TouchedError(Exception):
    """Something was typed, sent or chosen where it must not be; no journey may do that, passing today or not."""


@dataclass(frozen=True)
class Expected:
    """How the journey of `shape` ends.

    Attributes:
        shape: name of the site.
        status: of the sign-in.
        passwords: times that a password was sent to the site.
        chosen: questions of the site with the answers that are right.
        reason: what the result's reason says, among other things.
        within: seconds that the run may take; generous, for a busy machine.
    """

    shape: str
    status: str = "signed_in"
    passwords: int = 1
    chosen: dict[str, tuple[str, ...]] = field(default_factory=dict)
    reason: str = ""
    within: float = 120


JOURNEYS = [
    Expected("two-page"),
    Expected("spa"),
    Expected("split-auto"),
    Expected("split-masked"),
    Expected("framed"),
    Expected("sealed"),
    Expected("side-by-side"),
    Expected("dialog"),
    Expected("link", passwords=0),
    Expected("link-confirm"),
    Expected("lang-de"),
    Expected("lang-fr"),
    Expected("lang-es"),
    Expected("lang-ja"),
    Expected("lang-ar"),
    Expected("phished", "needs_person", passwords=0, reason="not registered"),
    Expected("decoy"),
    Expected("leads-away", "needs_person", passwords=0),
    Expected("signup-start"),
    Expected("signup-only", "needs_person", passwords=0),
    Expected("cookie-wall"),  # going past the dialog is fine, accepting is not
    Expected("cookie-gate", chosen={"cookies": ("reject",)}),
    Expected("stay-signed-in", chosen={"stay": ("yes", "no")}),
    Expected("trust-browser", chosen={"trust": ("trust", "not-now")}),
    Expected("passkey-offer", chosen={"passkey": ("not-now",)}),
    Expected("new-terms", "needs_person"),
    Expected("wizard"),
    Expected("send-code"),
    # The one form is sent twice: for the code, and with it.
    Expected("same-form", passwords=2),
    Expected("letters"),
    Expected("remembered"),
    Expected("choose"),
    Expected("methods", chosen={"method": ("app",)}),
    Expected("way-password"),
    Expected("passkey-first"),
    Expected("approval", "needs_person", reason="another device"),
    Expected("sms", "needs_person", reason="no second factor"),
    Expected("onboarding"),
    Expected("code-beside"),
    Expected("late-form"),
    Expected("hash-spa"),
    Expected("captcha", "captcha", passwords=0),
    Expected("passkey-only", "passkey_only", passwords=0),
    Expected("server-error", "site_error", reason="500"),
    Expected("too-many", "rate_limited", reason="17"),
    Expected("too-many-words", "rate_limited"),
    Expected("locked", "locked"),
    Expected("locked-words", "locked"),
    Expected("circle", "site_error", passwords=0),
    Expected("circle-after", "site_error"),
    Expected("endless", "site_error", passwords=0, within=60),
    Expected("long-poll", within=30),
    Expected("dialogs"),
    Expected("popup"),
    Expected("popup-target"),
]

# Sites that a wrong password is tried on; the site says so in its own way.
REFUSING = ["two-page", "spa", "framed", "sealed", "side-by-side", "wizard", "hash-spa"]
LANGUAGES = ["lang-de", "lang-fr", "lang-es", "lang-ja", "lang-ar"]


@pytest.mark.parametrize("expected", JOURNEYS, ids=lambda expected: expected.shape)
async def test_journey(world: World, expected: Expected) -> None:
    account = journey_of(expected.shape)
    journal = world.state.journal
    journal.clear(expected.shape)
    result = await signed_in(world, account.name)
    story = await story_of(world, result)

    check_untouched(world, account, story)
    assert result["status"] == expected.status, story
    assert result["model_calls"] == 0
    assert expected.reason in str(result["reason"]), story
    counters = world.state.counters(expected.shape)
    assert counters.password_submissions == expected.passwords, story
    chosen = journal.chosen(expected.shape)
    assert chosen.keys() >= expected.chosen.keys(), story
    assert all(chosen[question] in answers for question, answers in expected.chosen.items()), (chosen, story)
    assert float(str(result["duration_s"])) <= expected.within, story
    stored = await world.application.sessions.info(account.name)
    if expected.status == "signed_in":
        assert (result["attempts"], counters.sign_ins) == (1, 1), story
        assert result["second_factor"] == account.second_factor
        assert stored is not None
    else:
        assert (result["session_id"], stored) == (None, None)


@pytest.mark.parametrize("shape", REFUSING + LANGUAGES)
async def test_wrong_password_is_bad_credentials(world: World, shape: str) -> None:
    account = journey_of(shape)
    name = await add_like(world, account, f"wrong-password-{shape}", password="Mistaken-Lemon-1184-ripple")
    before = world.state.counters(shape).password_submissions
    world.state.journal.clear(shape)
    result = await signed_in(world, name)
    story = await story_of(world, result)
    check_untouched(world, account, story, password="Mistaken-Lemon-1184-ripple")
    assert (result["status"], result["attempts"], result["model_calls"]) == ("bad_credentials", 1, 0), story
    assert world.state.counters(shape).password_submissions == before + 1, story


@pytest.mark.parametrize("shape", ["spa", "lang-ja"])
async def test_wrong_authenticator_is_bad_code(world: World, shape: str) -> None:
    account = journey_of(shape)
    name = await add_like(world, account, f"wrong-totp-{shape}", totp="MNQXEZDJNZTXG33NMV2GQ2LOM5XXEZLT")
    before = world.state.counters(shape).code_submissions
    world.state.journal.clear(shape)
    result = await signed_in(world, name)
    story = await story_of(world, result)
    check_untouched(world, account, story)
    assert (result["status"], result["attempts"], result["model_calls"]) == ("bad_code", 1, 0), story
    assert world.state.counters(shape).code_submissions <= before + 2, story


async def test_an_authenticator_code_is_not_used_twice(world: World) -> None:
    account = journey_of("totp-once")
    for _ in range(2):
        result = await signed_in(world, account.name)
        story = await story_of(world, result)
        check_untouched(world, account, story)
        assert (result["status"], result["attempts"]) == ("signed_in", 1), story
    counters = world.state.counters("totp-once")
    assert (counters.code_submissions, counters.codes_accepted) == (2, 2)


async def test_the_browser_is_healthy_after_all_that(world: World) -> None:
    result = await signed_in(world, journey_of("two-page").name)
    assert result["status"] == "signed_in", await story_of(world, result)


async def signed_in(world: World, name: str) -> dict[str, object]:
    """The result of a sign-in from scratch."""
    return await world.client.result(await world.client.sign_in(name, fresh=True), timeout=240)


async def add_like(world: World, account: JourneyAccount, name: str, **changes: object) -> str:
    """Another account on the site of `account`, with changed fields; returns its name."""
    base = world.playground.base_url
    values: dict[str, object] = {
        "name": name,
        "url": account.url(base),
        "verify_url": account.verify_url(base),
        "username": account.username,
        "password": account.password,
        "totp": account.totp_secret,
        "second_factor": account.second_factor,
    }
    await world.application.accounts.add(NewAccount(**(values | changes)))  # pyright: ignore[reportArgumentType]
    return name


async def story_of(world: World, result: dict[str, object]) -> str:
    """The timeline of a run, for the message of a test that fails."""
    events = await world.application.runs.events(str(result["run_id"]))
    return "\n".join([f"{result['status']}: {result['reason']}", *(f"  {e.step}: {e.message}" for e in events)])


def check_untouched(world: World, account: JourneyAccount, story: str, *, password: str = "") -> None:
    """Make sure that every value went into a field that it belongs to.

    Raises:
        TouchedError: names the fields, not the values.
    """
    password = password or account.password
    fits = {
        "username": account.username.startswith,
        "password": password.startswith,
        "code": lambda value: bool(re.fullmatch(r"\d{1,6}|[A-Za-z]{1,3}-?|[A-Za-z]{3}-?\d{1,3}", value)),
        "remember": lambda value: value in ("1", "on"),
    }
    wrong: list[str] = []
    for entry in world.state.journal.entries(account.shape):
        bait = entry.where.startswith(BAIT)
        if not entry.value or (entry.how == "chosen" and not bait):
            continue
        fit = fits.get(entry.name.partition("-")[0])
        if bait or fit is None or not fit(entry.value):
            wrong.append(f"{entry.how} {entry.where}/{entry.name} ({len(entry.value)} characters)")
    if wrong:
        raise TouchedError("\n".join([*wrong, story]))
