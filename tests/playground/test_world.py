"""The accounts, the numbers, the registry of sites and the labels of their pages."""

from collections import Counter

import pytest
from selectolax.lexbor import LexborHTMLParser

from playground.data import DASHBOARDS
from playground.shapes import all_shapes
from playground.world import DEMO_ACCOUNTS, DEMO_MAIL, DEMO_TOTP


@pytest.mark.parametrize("name", DASHBOARDS)
def test_numbers_of_a_site_agree_with_each_other(name):
    dashboard = DASHBOARDS[name]
    assert dashboard.total == sum(row.events for row in dashboard.customers) == dashboard.daily[-1]
    assert len(dashboard.daily) == 14
    assert [row.count for row in dashboard.events] == sorted((row.count for row in dashboard.events), reverse=True)
    assert [row.events for row in dashboard.customers] == sorted(
        (row.events for row in dashboard.customers), reverse=True
    )


def test_no_count_is_on_two_sites():
    counts = Counter(
        number
        for dashboard in DASHBOARDS.values()
        for number in {dashboard.total}
        | {row.count for row in dashboard.events}
        | {row.events for row in dashboard.customers}
        | {row.revenue for row in dashboard.customers}
    )
    assert [number for number, sites in counts.items() if sites > 1] == []


def test_every_account_has_a_site_with_numbers_and_distinct_secrets():
    for account in DEMO_ACCOUNTS:
        assert account.shape in all_shapes()
        assert account.shape in DASHBOARDS
    secrets = [secret for account in DEMO_ACCOUNTS for secret in account.secrets]
    assert len(set(secrets)) == len(secrets) == 4
    assert min(len(secret) for secret in secrets) >= 24


def test_urls():
    assert DEMO_MAIL.url("http://127.0.0.1:8090/") == "http://127.0.0.1:8090/mail/login"
    assert DEMO_TOTP.verify_url("http://127.0.0.1:8090") == "http://127.0.0.1:8090/totp/dashboard"


async def test_labels_name_exactly_one_element_of_the_page_they_are_for(server, visitor, inbox, clock):
    checked = set()
    for account in DEMO_ACCOUNTS:
        shape = all_shapes()[account.shape]
        pages = [await visitor.open(f"{shape.home}/login"), await visitor.give_password(account)]
        if account.second_factor != "none":
            pages.append(await visitor.sign_in(account, inbox, clock))
        for page in pages:
            label = shape.labels[page.url.path]
            checked.add(page.url.path)
            tree = LexborHTMLParser(page.text)
            selectors = [label.username, label.password, label.submit, label.remember, *label.otp]
            for selector in filter(None, selectors):
                assert len(tree.css(selector)) == 1, f"{selector} on {page.url.path}"
            fields = [node for node in tree.css("form input") if node.attributes.get("type") != "hidden"]
            assert len(fields) == len([s for s in selectors if s and s != label.submit]), page.url.path
    # The pages of the journeys need a browser: see tests/journeys/test_pages.py.
    assert checked == {path for account in DEMO_ACCOUNTS for path in all_shapes()[account.shape].labels}
