"""Each way of signing in, through to the numbers behind it."""

import httpx
import pytest
from selectolax.lexbor import LexborHTMLParser

from playground.data import DASHBOARDS
from playground.world import DEMO_ACCOUNTS, DEMO_MAIL, DEMO_PASSWORD, DEMO_TOTP, DemoAccount


def rows(page: httpx.Response, table: str) -> list[list[str]]:
    return [
        [cell.text(strip=True) for cell in row.css("th,td")]
        for row in LexborHTMLParser(page.text).css(f"#{table} tbody tr")
    ]


@pytest.mark.parametrize("account", DEMO_ACCOUNTS, ids=lambda account: account.shape)
async def test_sign_in_leads_to_the_numbers_of_this_site(account: DemoAccount, server, visitor, inbox, clock):
    page = await visitor.sign_in(account, inbox, clock)

    assert (page.status_code, visitor.path) == (200, f"/{account.shape}/dashboard")
    truth = DASHBOARDS[account.shape]
    assert rows(page, "top-events") == [[r.event, f"{r.count:,}", r.change_text] for r in truth.events]
    assert rows(page, "customers") == [
        [r.customer, r.plan, f"{r.active_users:,}", f"{r.events:,}", r.error_text, f"€{r.revenue:,}"]
        for r in truth.customers
    ]
    [total] = LexborHTMLParser(page.text).css("#total-events")
    assert total.text() == f"{truth.total:,}"
    counters = server.state.counters(account.shape)
    assert (counters.login_pages, counters.password_submissions, counters.passwords_accepted) == (1, 1, 1)
    assert (counters.sign_ins, counters.dashboards) == (1, 1)
    assert counters.codes_sent == len(inbox.mails) == (1 if account.second_factor == "email" else 0)
    assert counters.codes_accepted == counters.code_submissions == (0 if account.second_factor == "none" else 1)


@pytest.mark.parametrize("account", DEMO_ACCOUNTS, ids=lambda account: account.shape)
async def test_protected_page_redirects_the_anonymous(account: DemoAccount, server):
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.get(account.verify_url(server.base_url))
    assert answer.status_code == 302
    assert answer.headers["location"] == f"/{account.shape}/login?next=/{account.shape}/dashboard"
    assert server.state.counters(account.shape).sent_to_login == 1


@pytest.mark.parametrize("account", [DEMO_MAIL, DEMO_TOTP], ids=lambda account: account.shape)
async def test_password_alone_opens_nothing(account: DemoAccount, visitor):
    await visitor.give_password(account)
    assert visitor.path == f"/{account.shape}/code"
    await visitor.open(f"/{account.shape}/dashboard")
    assert visitor.path == f"/{account.shape}/login"


async def test_code_page_without_a_password_leads_to_sign_in(visitor):
    await visitor.open("/mail/code")
    assert visitor.path == "/mail/login"


async def test_username_is_taken_in_any_case_and_with_spaces_around(visitor):
    await visitor.open("/plain/login")
    await visitor.submit("sign-in", username=f" {DEMO_PASSWORD.username.upper()} ", password=DEMO_PASSWORD.password)
    assert visitor.path == "/plain/dashboard"


async def test_code_may_be_typed_in_groups(visitor, inbox):
    await visitor.give_password(DEMO_MAIL)
    code = inbox.code()
    await visitor.submit("verify", code=f"{code[:3]} {code[3:]}")
    assert visitor.path == "/mail/dashboard"


async def test_sign_out_ends_the_session_on_the_server(server, visitor, inbox, clock):
    await visitor.sign_in(DEMO_PASSWORD, inbox, clock)
    old_id = visitor.http.cookies["plain_session"]
    await visitor.submit("sign-out")
    assert visitor.path == "/plain/login"
    assert "You have signed out" in visitor.page.text
    visitor.http.cookies.set("plain_session", old_id, domain="127.0.0.1", path="/plain")
    await visitor.open("/plain/dashboard")
    assert visitor.path == "/plain/login"
    assert server.state.counters("plain").sign_outs == 1


async def test_signed_in_user_is_not_asked_again(server, visitor, inbox, clock):
    await visitor.sign_in(DEMO_PASSWORD, inbox, clock)
    await visitor.open("/plain/login")
    assert visitor.path == "/plain/dashboard"
    assert server.state.counters("plain").login_pages == 1


@pytest.mark.parametrize(
    ("asked", "reached"),
    [
        ("/plain/dashboard?view=all", "/plain/dashboard"),
        ("//evil.test/plain/", "/plain/dashboard"),
        ("https://evil.test/", "/plain/dashboard"),
        ("/plain/\\evil.test", "/plain/dashboard"),
        ("/plain/x\r\nSet-Cookie: a=b", "/plain/dashboard"),
        ("/mail/dashboard", "/plain/dashboard"),
    ],
)
async def test_next_is_followed_within_the_site_only(visitor, asked, reached):
    await visitor.open("/plain/login")
    await visitor.submit("sign-in", username=DEMO_PASSWORD.username, password=DEMO_PASSWORD.password, next=asked)
    assert visitor.path == reached
    assert str(visitor.page.url).startswith(str(visitor.http.base_url))
    assert (visitor.page.url.query == b"view=all") == ("view=all" in asked)


async def test_index_lists_every_site_and_no_secret(visitor):
    page = await visitor.open("/")
    for account in DEMO_ACCOUNTS:
        assert account.name in page.text
        assert f'href="/{account.shape}/login"' in page.text
        assert not any(secret in page.text for secret in account.secrets)
