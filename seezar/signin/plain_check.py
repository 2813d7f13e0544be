"""Is a stored session still good? Asked by one plain HTTP request, where the site's answer tells."""

import asyncio
import ssl
from dataclasses import replace
from functools import cache
from http.cookiejar import Cookie
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx

from seezar.accounts.records import Account, PlainCheck, SessionState
from seezar.egress import EgressPolicy, EgressRefused, gated_client
from seezar.errors import InvalidInput
from seezar.signin.outcome import Outcome
from seezar.telemetry.spans import traced
from seezar.vault.origins import origin_of

_REDIRECTS = 8


@traced("session.learn_check")
async def learn_plain_check(
    account: Account, state: SessionState, *, timeout: float, policy: EgressPolicy
) -> PlainCheck | None:
    """Ask for the verify URL with and without the session; None when the answers do not differ.

    Args:
        timeout: seconds for each of the two requests.
        policy: what may be reached for the account.
    """
    nobody = SessionState({"cookies": [], "origins": []}, {}, state.user_agent)
    signed_in, anonymous = await asyncio.gather(
        _ask(account, state, timeout, policy), _ask(account, nobody, timeout, policy)
    )
    if signed_in is None or signed_in[0].status >= 400:
        return None
    if anonymous is None or anonymous[0] == signed_in[0]:
        return None
    return signed_in[0]


@traced("session.ask")
async def still_signed_in(
    account: Account, state: SessionState, *, timeout: float, policy: EgressPolicy
) -> tuple[Outcome, SessionState]:
    """Ask for the verify URL with the session of a state that has a `plain_check`.

    Args:
        timeout: seconds that the site may take.
        policy: what may be reached for the account.

    Returns:
        The outcome (`signed_in`, `signed_out`, `site_error` or `rate_limited`), and the state with the cookies that
        the site renewed.
    """
    got = await _ask(account, state, timeout, policy)
    if got is None:
        return Outcome("site_error", "The site cannot be reached or does not answer."), state
    answer, jar = got
    if answer == state.plain_check:
        return Outcome("signed_in", "The site answers as to a signed-in visitor."), _renewed(state, jar)
    if answer.status == 429:
        return Outcome("rate_limited", "The site answered 429: too many requests."), state
    if answer.status >= 500:
        return Outcome("site_error", f"The site answered {answer.status}."), state
    return Outcome("signed_out", "The site answers as to a visitor who is not signed in."), state


@cache
def _trust() -> ssl.SSLContext:
    """The certificates that httpx trusts; reading them takes longer than a request on the same machine."""
    return httpx.create_ssl_context(trust_env=False)


async def _ask(
    account: Account, state: SessionState, timeout: float, policy: EgressPolicy
) -> tuple[PlainCheck, list[Cookie]] | None:
    headers = {"user-agent": state.user_agent} if state.user_agent else {}
    headers["accept"] = "text/html,application/xhtml+xml,application/json;q=0.9,*/*;q=0.8"
    url = account.verify_url
    # The site is asked as the browser would ask it: through the same gate, by no proxy of this process's environment.
    async with gated_client(policy, verify=_trust(), timeout=timeout, headers=headers) as client:
        for cookie in state.storage.get("cookies", []):
            _set(client, cookie)
        try:
            for _ in range(_REDIRECTS):
                async with client.stream("GET", url) as response:
                    status, location = response.status_code, response.headers.get("location")
                if not (300 <= status < 400 and location):
                    parts = urlsplit(url)
                    return PlainCheck(status, f"{parts.scheme}://{parts.netloc}{parts.path}"), list(client.cookies.jar)
                url = urljoin(url, location)
                # The session's cookies belong to these origins; whatever leads elsewhere is not followed.
                if origin_of(url) not in account.origins:
                    return PlainCheck(status, origin_of(url)), list(client.cookies.jar)
        # A redirect to what is no address is no answer either.
        except (httpx.HTTPError, httpx.InvalidURL, InvalidInput, EgressRefused, ValueError):
            return None
    return None


def _set(client: httpx.AsyncClient, cookie: dict[str, Any]) -> None:
    client.cookies.jar.set_cookie(cookie_of(cookie))


def cookie_of(cookie: dict[str, Any]) -> Cookie:
    """A cookie of Playwright's `storage_state` as the standard library has it."""
    return Cookie(
        version=0,
        name=cookie["name"],
        value=cookie["value"],
        port=None,
        port_specified=False,
        domain=cookie["domain"],
        domain_specified=cookie["domain"].startswith("."),
        domain_initial_dot=cookie["domain"].startswith("."),
        path=cookie["path"],
        path_specified=True,
        secure=cookie.get("secure", False),
        expires=int(cookie["expires"]) if cookie.get("expires", -1) > 0 else None,
        discard=cookie.get("expires", -1) <= 0,
        comment=None,
        comment_url=None,
        rest={"HttpOnly": ""} if cookie.get("httpOnly") else {},
    )


def _renewed(state: SessionState, jar: list[Cookie]) -> SessionState:
    """`state` with the values and expiry times that the site set anew for cookies that it holds."""
    now = {(cookie.name, cookie.domain.lstrip("."), cookie.path): cookie for cookie in jar}
    cookies: list[dict[str, Any]] = []
    for old in state.storage.get("cookies", []):
        new = now.get((old["name"], old["domain"].lstrip("."), old["path"]))
        if new is not None and new.value is not None:
            cookies.append({**old, "value": new.value, "expires": float(new.expires) if new.expires else -1})
    return replace(state, storage={**state.storage, "cookies": cookies})
