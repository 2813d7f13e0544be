"""The mails with codes, and TOTP."""

import asyncio
import socket
from email.utils import parsedate_to_datetime

import pytest

from playground.codes import CodeVerdict, MailChallenge, MailCodes
from playground.knobs import Knobs
from playground.limits import FailureLimiter
from playground.world import DEMO_MAIL, DEMO_TOTP
from seezar.mail.extraction import extract


async def test_mail_looks_like_that_of_a_real_site(visitor, inbox, clock):
    await visitor.give_password(DEMO_MAIL)
    [mail] = inbox.mails
    assert mail["To"] == DEMO_MAIL.mailbox
    assert mail["From"] == "Harbor <no-reply@harbor.test>"
    assert mail["Subject"] == "Your Harbor verification code"
    assert mail["Message-ID"].endswith("@harbor.test>")
    assert parsedate_to_datetime(mail["Date"]).timestamp() == int(clock.now())
    assert mail.get_content_type() == "multipart/alternative"
    html = mail.get_body(("html",))
    assert html is not None
    assert f">{inbox.code()}<" in html.get_content()
    assert "valid for 10 minutes" in html.get_content()


async def test_seezar_reads_the_code_out_of_the_mail(visitor, inbox):
    await visitor.give_password(DEMO_MAIL)
    assert extract(inbox.raw[0]).code == inbox.code()


async def test_code_in_the_subject(server, visitor, inbox):
    server.state.knobs.code_in_subject = True
    await visitor.give_password(DEMO_MAIL)
    assert inbox.mails[0]["Subject"] == f"{inbox.code()} is your Harbor verification code"


async def test_code_length(server, visitor, inbox):
    server.state.knobs.code_length = 8
    await visitor.give_password(DEMO_MAIL)
    assert len(inbox.code()) == 8
    assert "8-digit code" in visitor.page.text


async def test_every_mail_twice(server, visitor, inbox):
    server.state.knobs.mail_twice = True
    await visitor.give_password(DEMO_MAIL)
    assert len(inbox.raw) == server.state.counters("mail").codes_sent == 2
    assert inbox.raw[0] == inbox.raw[1]


async def test_lost_mail(server, visitor, inbox):
    server.state.knobs.mail_lost = True
    await visitor.give_password(DEMO_MAIL)
    assert visitor.path == "/mail/code"
    assert inbox.raw == []
    assert server.state.counters("mail").codes_sent == 0


async def test_late_mail(server, visitor, inbox):
    server.state.knobs.mail_delay = 0.05
    await visitor.give_password(DEMO_MAIL)
    assert visitor.path == "/mail/code"
    await server.state.settle()
    await visitor.submit("verify", code=inbox.code())
    assert visitor.path == "/mail/dashboard"


async def test_site_without_mail_says_so_and_recovers(server, visitor, inbox):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        server.state.mailer.port = unused.getsockname()[1]
        page = await visitor.give_password(DEMO_MAIL)
    assert (page.status_code, page.headers["retry-after"]) == (503, "30")
    assert visitor.alert.startswith("We could not send your code")
    assert server.state.counters("mail").mails_failed == 1
    server.state.mailer.port = inbox.port
    await visitor.submit("sign-in", password=DEMO_MAIL.password)
    await visitor.submit("verify", code=inbox.code())
    assert visitor.path == "/mail/dashboard"


async def test_resend_without_mail_leaves_the_code_before_it_good(server, visitor, inbox):
    await visitor.give_password(DEMO_MAIL)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        server.state.mailer.port = unused.getsockname()[1]
        assert (await visitor.submit("resend")).status_code == 503
    await visitor.submit("verify", code=inbox.code())
    assert visitor.path == "/mail/dashboard"


async def test_no_secret_travels_in_the_mail(visitor, inbox):
    await visitor.give_password(DEMO_MAIL)
    assert DEMO_MAIL.password.encode() not in inbox.raw[0]


@pytest.mark.parametrize(("steps", "good"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
async def test_totp_takes_one_step_of_drift(visitor, totp_code, clock, steps, good):
    await visitor.give_password(DEMO_TOTP)
    await visitor.submit("verify", code=totp_code(DEMO_TOTP, clock, steps=steps))
    assert visitor.path == ("/totp/dashboard" if good else "/totp/code")


async def test_totp_may_be_reused_unless_the_site_refuses(server, new_visitor, totp_code, clock):
    code = totp_code(DEMO_TOTP, clock)
    for _ in range(2):
        visitor = new_visitor()
        await visitor.give_password(DEMO_TOTP)
        await visitor.submit("verify", code=code)
        assert visitor.path == "/totp/dashboard"
    server.state.knobs.refuse_totp_reuse = True
    visitor = new_visitor()
    await visitor.give_password(DEMO_TOTP)
    page = await visitor.submit("verify", code=code)
    assert (page.status_code, visitor.alert) == (422, "This code has already been used. Please use a new one.")
    await visitor.submit("verify", code=totp_code(DEMO_TOTP, clock, steps=-1))
    assert visitor.path == "/totp/code"
    clock.advance(30)
    await visitor.submit("verify", code=totp_code(DEMO_TOTP, clock))
    assert visitor.path == "/totp/dashboard"


async def test_many_at_once_each_with_a_code_of_their_own(server, new_visitor, inbox):
    visitors = [new_visitor() for _ in range(8)]
    await asyncio.gather(*(visitor.give_password(DEMO_MAIL) for visitor in visitors))
    codes = [inbox.code(index) for index in range(8)]
    assert len(set(codes)) == 8
    server.state.knobs.max_failures = 100
    for visitor in visitors:
        for code in codes:
            await visitor.submit("verify", code=code)
            if visitor.path == "/mail/dashboard":
                break
        assert visitor.path == "/mail/dashboard"
    assert server.state.counters("mail").sign_ins == 8


def test_accepted_code_is_spent_even_for_the_same_sign_in(clock):
    codes, challenge, user = MailCodes(clock, Knobs()), MailChallenge(), ("mail", "x")
    mailed = codes.issue(user, challenge)
    assert codes.check(user, challenge, mailed.code) is CodeVerdict.ACCEPTED
    assert codes.check(user, challenge, mailed.code) is CodeVerdict.USED


def test_spent_codes_are_not_drawn_again_while_they_could_be_mistaken(clock):
    codes, user = MailCodes(clock, Knobs(code_length=1)), ("mail", "x")
    drawn = set()
    for _ in range(10):
        challenge = MailChallenge()
        mailed = codes.issue(user, challenge)
        drawn.add(mailed.code)
        codes.check(user, challenge, mailed.code)
    assert drawn == set("0123456789")


def test_limiter_waits_for_the_oldest_failure_that_counts(clock):
    limiter = FailureLimiter(clock)
    for _ in range(4):
        limiter.record("key")
        clock.advance(10)
    assert limiter.retry_after("key", allowed=3, window=60) == 30
    clock.advance(30)
    assert limiter.retry_after("key", allowed=3, window=60) == 0
    limiter.record("key")
    assert limiter.retry_after("key", allowed=3, window=60) == 10
    assert limiter.retry_after("other", allowed=1, window=60) == 0
