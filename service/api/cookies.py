"""The `Cookie` header that a browser with a stored session would send."""

import urllib.request

import httpx

from seezar.accounts import Account, SessionState
from seezar.errors import InvalidInput, OriginNotAllowed
from seezar.signin.plain_check import cookie_of
from seezar.vault.origins import origin_of


def cookie_header(state: SessionState, account: Account, url: str | None) -> str:
    """The header for `url`, by the rules of domain, path, expiry and `Secure` (RFC 6265 section 5.4).

    Args:
        url: a page on a registered origin of the account; its verify URL when None.

    Raises:
        InvalidInput: not a web address.
        OriginNotAllowed: it is on another origin.
    """
    target = url or account.verify_url
    if (origin := origin_of(target)) not in account.origins:
        raise OriginNotAllowed(
            f"The session of {account.name!r} is not for {origin}.",
            kept="Nothing left seezar.",
            next_step=f"Its origins: {', '.join(account.origins)}.",
        )
    cookies = httpx.Cookies()
    for cookie in state.storage.get("cookies", []):
        cookies.jar.set_cookie(cookie_of(cookie))
    request = urllib.request.Request(target)  # noqa: S310 - nothing is opened: the jar of cookies wants one
    cookies.jar.add_cookie_header(request)
    header = request.get_header("Cookie") or ""
    if not header.isprintable():
        raise InvalidInput("A cookie of the site cannot stand in a header.", next_step="Export the storage_state.")
    return header
