"""The way out of a browser: each context shows credentials of its own to our allow-list proxy, and reaches what the
policy of whoever uses it allows.
"""

from contextlib import suppress
from typing import Any, Final, cast
from urllib.parse import urlsplit

from playwright.async_api import BrowserContext, Error, Page, Request, Response

from seezar.accounts.records import Account
from seezar.domains import is_loopback, normal_host
from seezar.egress import EgressPolicy, EgressProxy, EgressUnreachable, HostPattern, PrivateHosts
from seezar.egress.connection import READY_URL
from seezar.egress.identities import Identity
from seezar.settings import Settings

# Chromium asks once, and shows what it was given then by itself, in every connection of the context.
_FETCH: Final = f"fetch({READY_URL!r}, {{mode: 'no-cors', cache: 'no-store'}}).then(() => true, () => false)"
_POLICY_HEADER: Final = "content-security-policy"


def policy_of(account: Account, settings: Settings) -> EgressPolicy:
    """What the browser of `account` may reach."""
    return EgressPolicy(
        origins=account.origins,
        hosts=[HostPattern.parse(host) for host in account.hosts],
        private=PrivateHosts.parse(settings.private_host_list),
    )


class WayOut:
    """The proxy of a pool of browsers, and whose each of their contexts is.

    Args:
        settings: where the browser runs.
        proxy: to go through; by default one of its own.
    """

    def __init__(self, settings: Settings, proxy: EgressProxy | None = None) -> None:
        self.proxy = proxy or EgressProxy()
        self._settings = settings
        self._identities: dict[BrowserContext, Identity] = {}
        self._policies: dict[BrowserContext, EgressPolicy] = {}

    async def server(self) -> str | None:
        """The address of the proxy; None for a browser elsewhere that may go out past it.

        Raises:
            EgressUnreachable: the browser runs elsewhere, and the proxy listens on this machine only.
        """
        url = self._settings.cdp_url
        if url is not None and not is_loopback(urlsplit(url).hostname or ""):
            if self._settings.cdp_ungated:
                return None
            raise EgressUnreachable(
                "The browser at SEEZAR_CDP_URL runs on another machine, and our allow-list proxy on this one.",
                kept="It was not used.",
                next_step="Use a browser on this machine, or let it go out directly: SEEZAR_CDP_UNGATED=true.",
            )
        return await self.proxy.start()

    async def identity(self) -> Identity | None:
        """Credentials for one more context; None where there is no proxy.

        Raises:
            EgressUnreachable: as `server`.
        """
        return self.proxy.new_identity() if await self.server() is not None else None

    def own(self, context: BrowserContext, identity: Identity | None) -> None:
        """`context` shows these credentials."""
        if identity is not None:
            self._identities[context] = identity

    def is_current(self, context: BrowserContext) -> bool:
        """Whether the proxy that `context` was made for still listens."""
        identity = self._identities.get(context)
        return identity is None or identity.server == self.proxy.server

    def bind(self, context: BrowserContext, policy: EgressPolicy | None) -> None:
        """Let `context` reach what `policy` allows, from now on; nothing without one."""
        identity = self._identities.get(context)
        if policy is None or identity is None:
            return
        self._policies[context] = policy
        watch(context, policy)
        self.proxy.bind(identity, policy)

    def policy(self, context: BrowserContext) -> EgressPolicy | None:
        """What was bound to `context`."""
        return self._policies.get(context)

    async def release(self, context: BrowserContext) -> None:
        """`context` is closed: its credentials are good for nothing any more."""
        self._policies.pop(context, None)
        identity = self._identities.pop(context, None)
        if identity is not None:
            await self.proxy.release(identity)

    async def close(self) -> None:
        """End the proxy."""
        self._identities.clear()
        self._policies.clear()
        await self.proxy.close()


async def show_credentials(page: Page, identity: Identity) -> None:
    """Teach the context of `page`, a blank one, to show the credentials of `identity`.

    Playwright can do so too, by stopping every request of a page for as long as it lives; here it is one request.

    Raises:
        EgressUnreachable: the proxy is not reached from there.
        playwright.async_api.Error: the browser broke.
    """
    session = cast("Any", await page.context.new_cdp_session(page))

    async def answer(event: dict[str, Any]) -> None:
        response = {"response": "ProvideCredentials", "username": identity.username, "password": identity.password}
        await _sent(session, "Fetch.continueWithAuth", event, authChallengeResponse=response)

    async def go_on(event: dict[str, Any]) -> None:
        await _sent(session, "Fetch.continueRequest", event)

    session.on("Fetch.authRequired", answer)
    session.on("Fetch.requestPaused", go_on)
    await session.send("Fetch.enable", {"handleAuthRequests": True, "patterns": [{"urlPattern": READY_URL}]})
    reached = await page.evaluate(_FETCH)
    await session.detach()
    if not reached:
        raise EgressUnreachable(
            "The browser does not reach our allow-list proxy, so it reaches nothing.",
            kept="Nothing was sent anywhere.",
            next_step="A browser at the end of a tunnel does not share this machine's loopback: see docs/egress.md.",
        )


async def _sent(session: Any, method: str, event: dict[str, Any], **more: Any) -> None:
    # The page may be closed meanwhile; then nobody waits for it.
    with suppress(Error):
        await session.send(method, {"requestId": event["requestId"], **more})


def watch(context: BrowserContext, policy: EgressPolicy) -> None:
    """Tell `policy` of the documents that come to `context`, and what its pages want from where."""

    def asked(request: Request) -> None:
        host = normal_host(urlsplit(request.url).hostname or "")
        if host:
            policy.decisions.wanted(host, request.resource_type)
        if request.is_navigation_request():
            policy.document_asked(request, request.url)

    def answered(response: Response) -> None:
        request = response.request
        if request.is_navigation_request():
            header = response.headers.get(_POLICY_HEADER)
            policy.document_answered(request, response.url, [header] if header else [])

    def failed(request: Request) -> None:
        policy.document_answered(request, request.url)

    context.on("request", asked)
    context.on("response", answered)
    context.on("requestfailed", failed)


def gate_said(response: Response | None) -> str | None:
    """What our proxy answered in the place of the site (a type of RFC 9209); None when the site did."""
    said = response.headers.get("proxy-status", "") if response is not None else ""
    name, _, parameters = said.partition("; error=")
    return parameters.replace("_", " ") if name == "seezar" and parameters else None
