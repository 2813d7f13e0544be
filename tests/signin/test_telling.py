"""What the timeline is told of a page: where it is, what it was taken for, and no value."""

from datetime import UTC, datetime

import pytest

from seezar.accounts.records import Account
from seezar.signin.outcome import Outcome
from seezar.signin.reading import Reading
from seezar.signin.telling import decided_on, place

URL = "https://shop.example/"
WHO = Account("ops", URL, URL, ("https://shop.example",), "harbour", None, None, "none", None, None, datetime.now(UTC))


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://shop.example/login?next=/a&token=s3cret#code=424242", "https://shop.example/login"),
        ("https://Shop.example:443/sign-in/step2", "https://shop.example/sign-in/step2"),
        ("https://user:s3cret@shop.example/login", ""),
        ("https://shop.example/verify/424242", "https://shop.example/verify/{}"),
        ("https://shop.example/magic/Zk3fQw9TzLbYpQmR", "https://shop.example/magic/{}"),
        ("https://shop.example/users/harbour/home", "https://shop.example/users/«secret:username»/home"),
        ("https://shop.example/a%20b/me@shop.example", "https://shop.example/{}/{}"),
        ("chrome-error://chromewebdata/", ""),
        ("about:blank", ""),
        ("https://[broken/login", ""),
    ],
)
def test_where_a_page_is(url: str, told: str) -> None:
    assert place(url, WHO) == told


def test_what_decided_comes_first_and_no_text_of_the_page_comes_along() -> None:
    reading = Reading("login", 0.9, evidence=["a", "b", "c", "d", "e"], alerts=("Wrong code 424242",), captcha=True)
    outcome = decided_on(Outcome("bad_credentials", "No.", evidence=("answer 401",)), reading)
    assert outcome.evidence == ("answer 401", "page: login", "captcha", "a", "b", "c", "d")
    # Evidence is for the timeline: it makes no other outcome of one.
    assert outcome == Outcome("bad_credentials", "No.")
