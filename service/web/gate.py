"""The gate in front of ADK Web where others can reach it: the tokens of the HTTP API, as a header or in a cookie.

ADK's server asks nobody who they are. Whoever can reach it can use every account, so behind this gate nothing of it is
served without a token for the audience `seezar-web` with the scope `chat`.
"""

import json
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, urlsplit

from seezar.access import WEB_AUDIENCE, Access, InvalidClient, Scope, ScopeMissing, TokenInvalid
from seezar.access.errors import TooManyAttempts
from seezar.audit import acting_as
from seezar.errors import SeezarError
from service.web.entrance import PATH, page
from service.web.page import MOUNT

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Receive, Send
    from starlette.types import Scope as AsgiScope

COOKIE = "seezar_web"
# A form with an id and a secret.
_LONGEST_FORM = 4096


class Gate:
    """ASGI middleware.

    Args:
        app: what is behind the gate.
        access: verifies tokens; called once the server runs.
        secure: the cookie is for https only.
    """

    def __init__(self, app: "ASGIApp", *, access: "Callable[[], Access]", secure: bool) -> None:
        self._app = app
        self._access = access
        self._secure = secure

    async def __call__(self, scope: "AsgiScope", receive: "Receive", send: "Send") -> None:
        """Hand the request on if it carries a token that counts."""
        if scope["type"] not in ("http", "websocket") or _is_open(scope):
            await self._app(scope, receive, send)
            return
        if scope["path"] == PATH:
            await self._entrance(scope, receive, send)
            return
        try:
            caller = await self._access().verify(_token(scope), audience=WEB_AUDIENCE)
            caller.require(Scope.CHAT)
        except SeezarError as error:
            await _refuse(scope, send, error)
            return
        with acting_as(f"client:{caller.name}"):
            await self._app(scope, receive, send)

    async def _entrance(self, scope: "AsgiScope", receive: "Receive", send: "Send") -> None:
        """The page where somebody signs in, and what it sends."""
        if scope["type"] != "http" or scope["method"] not in ("GET", "POST"):
            await _answer(send, 405, b"", "text/plain")
            return
        wanted = _local(dict(parse_qsl(scope["query_string"].decode("latin-1"))).get("next", "/"))
        if scope["method"] == "GET":
            await _answer(send, 200, page(wanted).encode(), "text/html; charset=utf-8")
            return
        if not _same_origin(scope):
            await _answer(send, 403, b"", "text/plain")
            return
        fields = await _form(receive)
        try:
            pair = await self._access().tokens.issue_for_browser(
                fields.get("client_id", ""), fields.get("client_secret", "")
            )
        except (InvalidClient, ScopeMissing, TooManyAttempts) as error:
            await _answer(send, 401, page(wanted, str(error)).encode(), "text/html; charset=utf-8")
            return
        cookie = f"{COOKIE}={pair.access_token}; Path=/; HttpOnly; SameSite=Strict; Max-Age={pair.expires_in}"
        cookie += "; Secure" if self._secure else ""
        headers = [(b"location", wanted.encode()), (b"set-cookie", cookie.encode())]
        await _answer(send, 303, b"", "text/plain", headers)


def _is_open(scope: "AsgiScope") -> bool:
    """What the entrance needs, and what tells a probe whether the server is well."""
    path = scope["path"]
    return scope["type"] == "http" and (path == "/health" or path.startswith(f"{MOUNT}/"))


def _token(scope: "AsgiScope") -> str:
    headers = _headers(scope)
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    jar = SimpleCookie()
    try:
        jar.load(headers.get("cookie", ""))
    except CookieError:
        jar.clear()
    if COOKIE not in jar:
        raise TokenInvalid("The request has no token.")
    # Another site cannot have it sent (SameSite=Strict), and a page that shares the host is asked for its origin.
    if not _same_origin(scope):
        raise TokenInvalid("The request comes from a page of another origin.")
    return jar[COOKIE].value


def _same_origin(scope: "AsgiScope") -> bool:
    """Whether a request that names its origin names this server's."""
    headers = _headers(scope)
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")


def _headers(scope: "AsgiScope") -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


def _local(address: str) -> str:
    """A path on this server; anything else becomes its root."""
    fine = address.startswith("/") and not address.startswith(("//", "/\\")) and address.isprintable()
    return quote(address, safe="/?&=%:+,;@-._~") if fine and len(address) < 1000 else "/"


async def _form(receive: "Receive") -> dict[str, str]:
    body = b""
    while len(body) <= _LONGEST_FORM:
        message = await receive()
        if message["type"] != "http.request":
            return {}
        body += message.get("body", b"")
        if not message.get("more_body"):
            return dict(parse_qsl(body.decode("ascii", "replace").replace("\0", "")))
    return {}


async def _refuse(scope: "AsgiScope", send: "Send", error: SeezarError) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 4401})
        return
    headers = _headers(scope)
    status = 403 if isinstance(error, ScopeMissing) else 401 if isinstance(error, TokenInvalid) else 503
    if status == 401 and scope["method"] == "GET" and "text/html" in headers.get("accept", ""):
        query = scope["query_string"].decode("latin-1")
        wanted = quote(scope["path"] + (f"?{query}" if query else ""), safe="")
        await _answer(send, 303, b"", "text/plain", [(b"location", f"{PATH}?next={wanted}".encode())])
        return
    body = json.dumps({"status": status, "code": error.status, "detail": str(error)}).encode()
    await _answer(send, status, body, "application/problem+json", [(b"www-authenticate", b"Bearer")])


async def _answer(
    send: "Send", status: int, body: bytes, kind: str, headers: list[tuple[bytes, bytes]] | None = None
) -> None:
    own = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
    own.append((b"cache-control", b"no-store"))
    await send({"type": "http.response.start", "status": status, "headers": [*own, *(headers or [])]})
    await send({"type": "http.response.body", "body": body})
