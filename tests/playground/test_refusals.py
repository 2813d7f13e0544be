"""What a site says no to, and how."""

import pytest

from playground.world import DEMO_MAIL, DEMO_PASSWORD, DEMO_TOTP


async def test_wrong_password_keeps_the_username_and_not_the_password(server, visitor):
    page = await visitor.give_password(DEMO_PASSWORD, "guess-4711")
    assert page.status_code == 422
    assert visitor.alert == "That username and password do not match. Please try again."
    assert DEMO_PASSWORD.username in page.text
    assert "guess-4711" not in page.text
    assert server.state.counters("plain").sign_ins == 0
    await visitor.submit("sign-in", password=DEMO_PASSWORD.password)
    assert visitor.path == "/plain/dashboard"


@pytest.mark.parametrize("username", ["nobody@fieldnote.test", DEMO_MAIL.username, "", "' OR 1=1 --", "<b>x</b>"])
async def test_unknown_user_hears_what_a_wrong_password_hears(visitor, username):
    await visitor.open("/plain/login")
    page = await visitor.submit("sign-in", username=username, password="")
    assert page.status_code == 422
    assert visitor.alert == "That username and password do not match. Please try again."
    assert "<b>x</b>" not in page.text


@pytest.mark.parametrize("code", ["", "12345", "\uff11\uff12\uff13\uff14\uff15\uff16", "abcdef", "0" * 5000])
async def test_wrong_code(visitor, code):
    await visitor.give_password(DEMO_TOTP)
    page = await visitor.submit("verify", code=code)
    assert page.status_code == 422
    assert visitor.alert == "That code is not correct. Please check it and try again."


async def test_mailed_code_expires(server, visitor, inbox, clock):
    await visitor.give_password(DEMO_MAIL)
    clock.advance(server.state.knobs.code_lifetime - 1)
    early = inbox.code()
    clock.advance(1)
    page = await visitor.submit("verify", code=early)
    assert (page.status_code, visitor.alert) == (422, "This code has expired. Please request a new one.")
    await visitor.submit("resend")
    await visitor.submit("verify", code=inbox.code())
    assert visitor.path == "/mail/dashboard"


async def test_mailed_code_is_good_until_it_expires(server, visitor, inbox, clock):
    await visitor.give_password(DEMO_MAIL)
    clock.advance(server.state.knobs.code_lifetime - 1)
    await visitor.submit("verify", code=inbox.code())
    assert visitor.path == "/mail/dashboard"


async def test_used_code_is_refused(new_visitor, inbox, clock):
    first, second = new_visitor(), new_visitor()
    await first.sign_in(DEMO_MAIL, inbox, clock)
    used = inbox.code()
    await second.give_password(DEMO_MAIL)
    page = await second.submit("verify", code=used)
    assert (page.status_code, second.alert) == (422, "This code has already been used. Please use a new one.")


async def test_code_form_sent_twice_signs_in_once(server, visitor, inbox):
    await visitor.give_password(DEMO_MAIL)
    code_page, code, cookies = visitor.page, inbox.code(), dict(visitor.http.cookies)
    await visitor.submit("verify", code=code)
    visitor.page = code_page
    visitor.http.cookies.clear()
    visitor.http.cookies.update(cookies)
    page = await visitor.submit("verify", code=code)
    assert page.status_code == 403
    assert server.state.counters("mail").sign_ins == 1


async def test_code_of_another_sign_in_is_wrong(new_visitor, inbox):
    first, second = new_visitor(), new_visitor()
    await first.give_password(DEMO_MAIL)
    await second.give_password(DEMO_MAIL)
    page = await second.submit("verify", code=inbox.code(0))
    assert (page.status_code, second.path) == (422, "/mail/code")


async def test_resend_makes_the_older_code_void(visitor, inbox):
    await visitor.give_password(DEMO_MAIL)
    await visitor.submit("resend")
    assert "We have sent you a new code." in visitor.page.text
    assert inbox.code(0) != inbox.code(1)
    page = await visitor.submit("verify", code=inbox.code(0))
    assert (page.status_code, visitor.alert) == (422, "A newer code has been sent. Please use the latest one.")
    await visitor.submit("verify", code=inbox.code(1))
    assert visitor.path == "/mail/dashboard"


async def test_too_many_passwords(server, visitor, clock):
    limit = server.state.knobs.max_failures
    for _ in range(limit):
        assert (await visitor.give_password(DEMO_PASSWORD, "wrong")).status_code == 422
    clock.advance(20)
    page = await visitor.give_password(DEMO_PASSWORD)
    assert (page.status_code, page.headers["retry-after"]) == (429, "40")
    assert visitor.alert == "Too many attempts. Please try again in 40 seconds."
    assert server.state.counters("plain").rate_limited == 1
    clock.advance(39.5)
    assert (await visitor.give_password(DEMO_PASSWORD)).headers["retry-after"] == "1"
    clock.advance(0.5)
    await visitor.give_password(DEMO_PASSWORD)
    assert visitor.path == "/plain/dashboard"


async def test_limit_is_of_one_user(server, visitor):
    for _ in range(server.state.knobs.max_failures):
        await visitor.give_password(DEMO_PASSWORD, "wrong")
    assert (await visitor.give_password(DEMO_PASSWORD, "wrong")).status_code == 429
    await visitor.give_password(DEMO_TOTP)
    assert visitor.path == "/totp/code"


async def test_right_password_clears_the_count(server, new_visitor):
    server.state.knobs.max_failures = 2
    await new_visitor().give_password(DEMO_PASSWORD, "wrong")
    await new_visitor().give_password(DEMO_PASSWORD)
    assert (await new_visitor().give_password(DEMO_PASSWORD, "wrong")).status_code == 422
    assert (await new_visitor().give_password(DEMO_PASSWORD, "wrong")).status_code == 422


async def test_too_many_codes_and_a_new_sign_in_does_not_help(server, visitor, totp_code, clock):
    await visitor.give_password(DEMO_TOTP)
    for _ in range(server.state.knobs.max_failures):
        assert (await visitor.submit("verify", code="000000x")).status_code == 422
    page = await visitor.submit("verify", code=totp_code(DEMO_TOTP, clock))
    assert (page.status_code, page.headers["retry-after"]) == (429, "60")
    await visitor.give_password(DEMO_TOTP)
    assert (await visitor.submit("verify", code=totp_code(DEMO_TOTP, clock))).status_code == 429
    clock.advance(60)
    await visitor.submit("verify", code=totp_code(DEMO_TOTP, clock))
    assert visitor.path == "/totp/dashboard"


async def test_too_many_mails(server, visitor, inbox):
    await visitor.give_password(DEMO_MAIL)
    for _ in range(server.state.knobs.max_sends - 1):
        assert (await visitor.submit("resend")).status_code == 200
    page = await visitor.submit("resend")
    assert (page.status_code, page.headers["retry-after"]) == (429, "60")
    assert len(inbox.mails) == server.state.knobs.max_sends
    await visitor.submit("verify", code=inbox.code())
    assert visitor.path == "/mail/dashboard"


async def test_locked_account_stays_locked_until_it_is_opened(server, visitor, clock):
    server.state.knobs.lock_after = 3
    for _ in range(2):
        assert (await visitor.give_password(DEMO_PASSWORD, "wrong")).status_code == 422
    assert (await visitor.give_password(DEMO_PASSWORD, "wrong")).status_code == 423
    clock.advance(24 * 3600)
    assert (await visitor.give_password(DEMO_PASSWORD)).status_code == 423
    assert visitor.alert.startswith("This account is locked")
    server.state.unlock("plain", DEMO_PASSWORD.username)
    await visitor.give_password(DEMO_PASSWORD)
    assert visitor.path == "/plain/dashboard"


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/plain/login", {"username": DEMO_PASSWORD.username, "password": DEMO_PASSWORD.password}),
        ("/plain/logout", {}),
        ("/mail/code", {"code": "123456"}),
        ("/mail/code/resend", {}),
    ],
)
@pytest.mark.parametrize("token", [None, "", "x", "é"])
async def test_form_without_its_token_is_refused(server, visitor, inbox, clock, path, fields, token):
    shape = path.split("/")[1]
    await visitor.open(f"/{shape}/login")
    page = await visitor.http.post(
        path, data={"next": "", **fields, **({} if token is None else {"csrf_token": token})}
    )
    assert page.status_code == 403
    assert server.state.counters(shape).forms_refused == 1
    assert server.state.counters(shape).password_submissions == 0


async def test_form_without_a_session_is_refused(visitor):
    page = await visitor.http.post("/plain/login", data={"csrf_token": "", "username": "x", "password": "y"})
    assert page.status_code == 403


async def test_forms_that_are_none(visitor):
    assert (await visitor.http.post("/plain/login", json={"username": "x"})).status_code == 415
    assert (await visitor.http.post("/plain/login", data={"username": "x" * 100_000})).status_code == 413
    assert (await visitor.http.post("/plain/login", data={f"f{n}": "x" for n in range(101)})).status_code == 400
    assert (await visitor.http.put("/plain/login")).status_code == 405
    assert (await visitor.http.get("/plain/logout")).status_code == 405
    assert (await visitor.http.get("/nowhere")).status_code == 404
