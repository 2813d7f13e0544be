"""Which cookies say when a session expires."""

from datetime import UTC, datetime
from typing import Any

from seezar.accounts import SessionState
from seezar.signin.expiry import kept_by
from tests.signin.driving import account
from tests.site import Site

HERE = account(Site({}, "shop.test"), origins=("https://shop.test",))


def cookie(
    name: str, value: str = "1", *, expires: float = -1, http: bool = True, domain: str = "shop.test"
) -> dict[str, Any]:
    return {"name": name, "value": value, "domain": domain, "path": "/", "expires": expires, "httpOnly": http}


def names(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> list[str]:
    return [name for name, _, _ in kept_by(HERE, before, after)]


def test_what_the_sign_in_set_and_what_says_when_it_ends() -> None:
    before = [cookie("seen", expires=2e9), cookie("sid", "anonymous", expires=2e9)]
    after = [cookie("seen", expires=2e9), cookie("sid", "mine", expires=2e9), cookie("tab"), cookie("new", expires=2e9)]
    assert names(before, after) == ["sid", "new"]


def test_what_a_script_may_read_counts_only_where_there_is_nothing_else() -> None:
    token = cookie("csrf", expires=2e9, http=False)
    assert names([], [token, cookie("sid", expires=2e9)]) == ["sid"]
    assert names([], [token]) == ["csrf"]


def test_only_cookies_that_the_site_gets() -> None:
    own = cookie("own", expires=2e9, domain=".shop.test")
    foreign = [cookie("ad", expires=2e9, domain=".ads.test"), cookie("near", expires=2e9, domain="other.shop.test")]
    assert names([], [own, *foreign, cookie("bad", expires=2e9, domain=".hop.test")]) == ["own"]


def test_the_first_of_them_ends_the_session() -> None:
    cookies = [cookie("a", expires=2e9 + 0.7), cookie("b", expires=2.1e9), cookie("other", expires=1e9)]
    keys = (("a", "shop.test", "/"), ("b", "shop.test", "/"))
    state = SessionState({"cookies": cookies}, {}, kept_by=keys)
    assert state.expires_at == datetime.fromtimestamp(2e9, UTC)
    assert SessionState.from_json(state.to_json()) == state
    assert SessionState({"cookies": cookies}, {}).expires_at is None
    # A session that was stored before the cookies were noted.
    old = '{"storage": {"cookies": []}, "session_storage": {}, "user_agent": "", "plain_check": null}'
    assert SessionState.from_json(old).kept_by == ()
