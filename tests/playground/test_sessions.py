"""Session ids: random, rotated, bound to a site, forgotten in time."""

import httpx

from playground.world import DEMO_MAIL, DEMO_PASSWORD, DEMO_TOTP


async def test_id_rotates_at_the_password_and_at_sign_in(visitor, inbox):
    await visitor.open("/mail/login")
    ids = [visitor.http.cookies["mail_session"]]
    await visitor.submit("sign-in", username=DEMO_MAIL.username, password=DEMO_MAIL.password)
    ids.append(visitor.http.cookies["mail_session"])
    await visitor.submit("verify", code=inbox.code())
    ids.append(visitor.http.cookies["mail_session"])
    assert len(set(ids)) == 3
    assert all(len(session_id) >= 40 for session_id in ids)


async def test_id_known_before_sign_in_is_worth_nothing_after_it(server, visitor, inbox, clock):
    await visitor.open("/plain/login")
    fixed = visitor.http.cookies["plain_session"]
    await visitor.submit("sign-in", username=DEMO_PASSWORD.username, password=DEMO_PASSWORD.password)
    assert visitor.path == "/plain/dashboard"
    async with httpx.AsyncClient(
        base_url=server.base_url, cookies={"plain_session": fixed}, trust_env=False
    ) as attacker:
        assert (await attacker.get("/plain/dashboard")).status_code == 302


async def test_id_that_a_visitor_brings_along_is_not_adopted(server):
    async with httpx.AsyncClient(base_url=server.base_url, trust_env=False) as http:
        answer = await http.get("/plain/login", headers={"Cookie": "plain_session=chosen-by-attacker"})
    assert "chosen-by-attacker" not in answer.headers["set-cookie"]


async def test_cookie_flags(visitor, inbox, clock):
    page = await visitor.open("/mail/login")
    header = page.headers["set-cookie"].lower()
    assert "httponly" in header
    assert "samesite=lax" in header
    assert "path=/mail" in header
    assert "max-age" not in header


async def test_remembered_session_lives_long_and_says_so(server, new_visitor, inbox, clock):
    remembered, ordinary = new_visitor(), new_visitor()
    await remembered.sign_in(DEMO_MAIL, inbox, clock, remember="1")
    header = remembered.page.history[-1].headers["set-cookie"].lower()
    assert f"max-age={30 * 24 * 3600}" in header
    await ordinary.sign_in(DEMO_MAIL, inbox, clock)
    clock.advance(server.state.knobs.session_lifetime)
    await ordinary.open("/mail/dashboard")
    assert ordinary.path == "/mail/login"
    await remembered.open("/mail/dashboard")
    assert remembered.path == "/mail/dashboard"


async def test_session_of_one_site_is_none_of_another(server, visitor, inbox, clock):
    await visitor.sign_in(DEMO_PASSWORD, inbox, clock)
    session_id = visitor.http.cookies["plain_session"]
    async with httpx.AsyncClient(base_url=server.base_url, trust_env=False) as http:
        answer = await http.get("/totp/dashboard", headers={"Cookie": f"totp_session={session_id}"})
    assert answer.status_code == 302


async def test_dropping_the_sessions_of_a_site_signs_everybody_out_there(server, visitor, inbox, clock):
    await visitor.sign_in(DEMO_PASSWORD, inbox, clock)
    await visitor.sign_in(DEMO_TOTP, inbox, clock)
    assert server.state.sessions.drop_all("plain") >= 1
    await visitor.open("/plain/dashboard")
    assert visitor.path == "/plain/login"
    await visitor.open("/totp/dashboard")
    assert visitor.path == "/totp/dashboard"
    assert server.state.sessions.signed_in("totp") == 1


async def test_slow_visitor_starts_over(visitor, inbox, clock):
    await visitor.give_password(DEMO_MAIL)
    clock.advance(1800)
    page = await visitor.submit("verify", code=inbox.code())
    assert page.status_code == 403
    await visitor.open("/mail/code")
    assert visitor.path == "/mail/login"
