"""Which cookies keep a session, as far as can be told without trying: a cookie that is left out on trial may end it."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from seezar.accounts.records import Account

type CookieKey = tuple[str, str, str]


def key_of(cookie: dict[str, Any]) -> CookieKey:
    """(name, domain, path), which is what tells one cookie from another."""
    return cookie["name"], cookie["domain"], cookie["path"]


def kept_by(
    account: Account, before: Sequence[dict[str, Any]], after: Sequence[dict[str, Any]]
) -> tuple[CookieKey, ...]:
    """The cookies of the account's origins that the sign-in set or changed and that say when they expire.

    Where some of them are out of reach of scripts (HttpOnly), only those: what a script may read is a preference or a
    form token more often than a session.

    Args:
        before: the browser's cookies before the password was submitted, as Playwright gives them.
        after: those of the signed-in browser.
    """
    old = {key_of(cookie): cookie["value"] for cookie in before}
    hosts = [urlsplit(origin).hostname or "" for origin in account.origins]
    set_by_it = [
        cookie
        for cookie in after
        if cookie.get("expires", -1) > 0
        and old.get(key_of(cookie)) != cookie["value"]
        and any(_sent_to(cookie["domain"], host) for host in hosts)
    ]
    hidden = [cookie for cookie in set_by_it if cookie.get("httpOnly")]
    return tuple(key_of(cookie) for cookie in hidden or set_by_it)


def _sent_to(domain: str, host: str) -> bool:
    bare = domain.lstrip(".").lower()
    return host == bare or (domain.startswith(".") and host.endswith(f".{bare}"))
