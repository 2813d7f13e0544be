"""Templates of addresses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seezar.signin.address import template


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.test/login", "/login"),
        ("https://a.test/login?next=/private/4711&token=abc", "/login?next&token"),
        ("https://a.test/realms/main/login-actions/authenticate", "/realms/main/login-actions/authenticate"),
        ("https://a.test/u/jane@corp.test/edit", "/u/{}/edit"),
        ("https://a.test/flow/3f2b8c1a-77aa-4e0e-9a1c-aaaaaaaaaaaa", "/flow/{}"),
        ("https://a.test/orders/20419/step2", "/orders/{}/step2"),
        ("https://a.test/app#/login?x=1", "/app#/login"),
        ("https://a.test/app#section", "/app"),
        ("https://a.test", ""),
        ("about:blank", "blank"),
        ("http://[broken", ""),
    ],
)
def test_template(url: str, expected: str) -> None:
    assert template(url) == expected


@given(st.text(alphabet="0123456789abcdefABCDEF@%", min_size=8, max_size=40))
def test_no_token_is_left(token: str) -> None:
    assert token not in template(f"https://a.test/x/{token}?{token}={token}#/{token}")


@given(st.text())
def test_any_text_has_a_template(text: str) -> None:
    template(text)
