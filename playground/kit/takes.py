"""What the steps of a journey do with what was sent in."""

import hmac
from collections.abc import Mapping

from playground.codes import CodeVerdict
from playground.kit.journal import Entry
from playground.kit.mails import send_code
from playground.kit.site import JourneySite, Reply, Take
from playground.kit.walks import Walk

WRONG_PASSWORD = "That username and password do not match. Please try again."
WRONG_CODE = "That code is not correct. Please check it and try again."
USED_CODE = "This code has already been used. Please wait for a new one."


def takes_username() -> Take:
    """Any name is taken; whether it exists shows at the password, as careful sites do."""

    async def take(site: JourneySite, walk: Walk, form: Mapping[str, str]) -> Reply | None:
        walk.username = form.get("username", "").strip()
        return None if walk.username else Reply("Please enter your username.")

    return take


def takes_password(*, wrong: str = WRONG_PASSWORD, status: int = 200) -> Take:
    """The password of `walk.username`, and the username where the form has one.

    Args:
        wrong: what a wrong password is told.
        status: of that answer; very many sites answer 200.
    """

    async def take(site: JourneySite, walk: Walk, form: Mapping[str, str]) -> Reply | None:
        site.counters.password_submissions += 1
        username = form.get("username", walk.username)
        account = site.account(username)
        expected = account.password if account else ""
        if account is None or not hmac.compare_digest(expected.encode(), form.get("password", "").encode()):
            return Reply(wrong, status=status)
        site.counters.passwords_accepted += 1
        walk.username = account.username
        return None

    return take


def takes_code(*, wrong: str = WRONG_CODE, status: int = 200) -> Take:
    """The code of the account's second factor: in the field `code`, or in `code-0`, `code-1`, … one character each."""

    async def take(site: JourneySite, walk: Walk, form: Mapping[str, str]) -> Reply | None:
        verdict = judge_code(site, walk, typed_code(form))
        if verdict is CodeVerdict.ACCEPTED:
            site.counters.codes_accepted += 1
            return None
        return Reply(USED_CODE if verdict is CodeVerdict.USED else wrong, status=status)

    return take


def takes_choice(*answers: str, bait: Mapping[str, str] | None = None) -> Take:
    """A question with buttons named `choice`; any of `answers` goes on.

    Args:
        answers: values of the buttons.
        bait: what is told to those who choose what must not be chosen, by value.
    """

    async def take(site: JourneySite, walk: Walk, form: Mapping[str, str]) -> Reply | None:
        chosen = form.get("choice", "")
        where = walk.step
        if bait and chosen in bait:
            site.state.journal.note(site.shape.name, Entry(f"bait:{where}", "choice", chosen, "chosen"))
            return Reply(bait[chosen])
        site.state.journal.note(site.shape.name, Entry(where, "choice", chosen, "chosen"))
        return None if chosen in answers else Reply("Please choose.")

    return take


def takes_back(take: Take, to: str) -> Take:
    """A step whose form also has a button "Back": `choice=back` leads to the step `to`."""

    async def with_back(site: JourneySite, walk: Walk, form: Mapping[str, str]) -> Reply | None:
        if form.get("choice") == "back":
            site.state.journal.note(site.shape.name, Entry(walk.step, "choice", "back", "chosen"))
            return Reply(to=to)
        return await take(site, walk, form)

    return with_back


async def mails_code(site: JourneySite, walk: Walk) -> None:
    """On entering a step: mail a code to the account's mailbox."""
    await send_code(site, walk)


def typed_code(form: Mapping[str, str]) -> str:
    """The code that was sent in; spaces and hyphens do not count."""
    boxes = [form[name] for name in sorted(form) if name == "code" or name.startswith("code-")]
    return "".join(boxes).replace(" ", "").replace("-", "")


def judge_code(site: JourneySite, walk: Walk, typed: str) -> CodeVerdict:
    """What the site says to a code."""
    site.counters.code_submissions += 1
    account = site.account(walk.username)
    if account is None:
        return CodeVerdict.WRONG
    user = (site.shape.name, account.username.casefold())
    if account.second_factor == "totp" and account.totp_secret:
        return site.state.totp_codes.check(user, account.totp_secret, typed)
    return site.state.mail_codes.check(user, walk.mail, typed)
