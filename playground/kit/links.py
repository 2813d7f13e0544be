"""Sign-in links by mail: one works once, and only in the browser that asked for it."""

import hmac
import secrets
from collections.abc import Mapping, Sequence

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from playground.kit.mails import send_link
from playground.kit.site import JourneySite, Reply, Step
from playground.kit.walks import Walk
from playground.shape import PageLabel


def link_step() -> Step:
    """The page that waits for the link; entering it mails one."""
    label = PageLabel(kind="await_link")
    return Step("sent", _resend, "journeys/link_sent.html", label, where="resend", enter=_mail_link)


def link_routes(site: JourneySite) -> Sequence[BaseRoute]:
    """Where the links lead."""
    spent: set[str] = set()

    async def follow(request: Request) -> Response:
        walk = site.walk_of(request)
        site.counters.code_submissions += 1
        token = request.query_params.get("token", "")
        if walk is not None:
            site.state.note(site.shape.name, walk.username, "reused" if token in spent else "code")
        good = walk is not None and hmac.compare_digest(walk.notes.get("token", "-").encode(), token.encode())
        if walk is None or not good:
            return RedirectResponse(f"{site.shape.home}/login", 303)
        spent.add(walk.notes.pop("token"))
        site.counters.codes_accepted += 1
        await site.finish(walk)
        return site.with_cookie(RedirectResponse(f"{site.shape.home}/dashboard", 303), walk)

    return [Route(f"{site.shape.home}/open", follow)]


async def _mail_link(site: JourneySite, walk: Walk) -> None:
    """Mail a fresh link; the one before it is good no more."""
    walk.notes["token"] = secrets.token_urlsafe(24)
    await send_link(site, walk, f"{walk.base}{site.shape.home}/open?token={walk.notes['token']}")


async def _resend(site: JourneySite, walk: Walk, form: Mapping[str, str]) -> Reply:
    await _mail_link(site, walk)
    return Reply(notice="We sent another link.")
