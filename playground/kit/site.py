"""A site as a row of steps: each is a page with a form; the last one done, the visitor is signed in.

Steps have to be taken in order and live on the server. A page asked for out of turn leads to the one whose turn it is;
the first page starts anew. Every page works as a form (`POST /<site>/<step>`) and as JSON (`POST /<site>/api/<step>`).
"""

import hmac
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from playground.kit.journal import BAIT, Entry
from playground.kit.walks import Walk
from playground.pages import FormRefusedError, read_form, render_page
from playground.shape import PageLabel, Shape
from playground.state import PlaygroundState
from playground.world import DemoAccount

# Pages of journeys carry their own small scripts, and some of them a frame of another origin.
_POLICY = {
    "Content-Security-Policy": "default-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-src http:; "
    "form-action 'self'"
}


@dataclass(frozen=True, slots=True)
class Reply:
    """What a step says when the visitor does not simply go on.

    Attributes:
        alert: what was wrong; the page is shown again.
        notice: what happened; the page is shown again.
        to: path of another step to go to.
        status: of the answer.
        headers: of the answer.
    """

    alert: str = ""
    notice: str = ""
    to: str = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


type Take = Callable[["JourneySite", Walk, Mapping[str, str]], Awaitable[Reply | None]]
type Enter = Callable[["JourneySite", Walk], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Step:
    """One page on the way in.

    Attributes:
        path: below the site's home.
        take: judges what was sent in; None lets the visitor go on.
        template: of the page.
        label: the truth about the page.
        where: what the journal calls the form.
        enter: done when a visitor gets here.
        values: for the template.
    """

    path: str
    take: Take
    template: str
    label: PageLabel
    where: str = "login"
    enter: Enter | None = None
    values: Mapping[str, Any] = field(default_factory=dict[str, Any])


type Extra = Callable[["JourneySite"], Sequence[BaseRoute]]


def journey(
    *,
    name: str,
    brand: str,
    summary: str,
    steps: Sequence[Step],
    extra: Extra | None = None,
    labels: Mapping[str, PageLabel] | None = None,
    lang: str = "en",
    dashboard: bool = True,
) -> Shape:
    """A site of steps.

    Args:
        name: as `Shape.name`.
        brand: as `Shape.brand`; its mails come from `<name>.test`.
        summary: as `Shape.summary`.
        steps: the way in, in order.
        extra: more routes, which win over those of the steps.
        labels: the truth about pages besides those of the steps, by path below the site's home.
        lang: language of the pages; `ar` is written from right to left.
        dashboard: False when nobody gets to see the page behind the login.
    """
    known = {step.path: step.label for step in steps} | dict(labels or {})
    if steps and dashboard:
        known["dashboard"] = PageLabel(kind="signed_in")

    def build(shape: Shape, state: PlaygroundState) -> Sequence[BaseRoute]:
        return JourneySite(shape, state, steps, extra=extra, lang=lang).routes()

    return Shape(
        name=name,
        brand=brand,
        domain=f"{name}.test",
        summary=summary,
        build=build,
        labels={f"/{name}/{path}": label for path, label in known.items()},
    )


class JourneySite:
    """The pages of one journey in one running playground. `memory` is what the site remembers of all its visitors."""

    def __init__(
        self, shape: Shape, state: PlaygroundState, steps: Sequence[Step], *, extra: Extra | None, lang: str
    ) -> None:
        self.shape = shape
        self.state = state
        self.counters = state.counters(shape.name)
        self.lang = lang
        self.memory: dict[str, str] = {}
        self._steps = {step.path: step for step in steps}
        self._order = [step.path for step in steps]
        self._extra = extra
        self._cookie = f"{shape.name}_session"

    def routes(self) -> list[BaseRoute]:
        """The routes of this site."""
        home = self.shape.home
        routes = list(self._extra(self)) if self._extra else []
        for step in self._steps.values():
            routes.append(Route(f"{home}/{step.path}", self._shower(step), methods=["GET"]))
            routes.append(Route(f"{home}/{step.path}", self._taker(step), methods=["POST"]))
            routes.append(Route(f"{home}/api/{step.path}", self._json_taker(step), methods=["POST"]))
        return [
            *routes,
            Route(f"{home}/api/step", self._tell_step),
            Route(f"{home}/dashboard", self.dashboard),
            Route(f"{home}/logout", self._logout, methods=["POST"]),
            Route(f"{home}/_watch", self._watch, methods=["POST"]),
            Route(f"{home}/bait/{{which}}", self._bait, methods=["POST"]),
        ]

    def account(self, username: str) -> DemoAccount | None:
        """The account of this site with this username."""
        return self.state.account(self.shape.name, username)

    def walk_of(self, request: Request) -> Walk | None:
        """The walk of the browser that asks."""
        return self.state.walks.find(self.shape.name, request.cookies.get(self._cookie))

    def begin(self, request: Request) -> Walk:
        """A new walk for the browser that asks, at the first step."""
        walk = self.state.walks.begin(self.shape.name, self._order[0] if self._order else "login")
        walk.base = str(request.base_url).rstrip("/")
        return walk

    def page(self, template: str, walk: Walk | None = None, reply: Reply | None = None, **values: object) -> Response:
        """A page of this site; keeps the visitor's cookie."""
        reply = reply or Reply()
        shown: dict[str, object] = {
            "shape": self.shape,
            "home": self.shape.home,
            "lang": self.lang,
            "walk": walk,
            "alert": reply.alert,
            "notice": reply.notice,
            **values,
        }
        response = render_page(template, shown, status=reply.status, headers={**_POLICY, **reply.headers})
        # A visit does not move the end of a cookie that has one.
        ends = walk is not None and walk.signed_in and self.state.knobs.cookie_lifetime is not None
        return self.with_cookie(response, walk) if walk and not ends else response

    def with_cookie(self, response: Response, walk: Walk) -> Response:
        """The answer with the cookie of this walk."""
        lifetime = self.state.knobs.cookie_lifetime if walk.signed_in else None
        max_age = int(lifetime) if lifetime is not None else None
        response.set_cookie(self._cookie, walk.id, max_age=max_age, path=self.shape.home, httponly=True, samesite="lax")
        return response

    async def finish(self, walk: Walk) -> None:
        """The visitor is signed in."""
        walk.signed_in = True
        self.counters.sign_ins += 1
        self.state.walks.renew(walk)

    def _shower(self, step: Step) -> Callable[[Request], Awaitable[Response]]:
        async def show(request: Request) -> Response:
            walk = self.walk_of(request)
            if walk is not None and walk.signed_in:
                return RedirectResponse(f"{self.shape.home}/dashboard", 303)
            if step.path == self._order[0] and (walk is None or walk.step != step.path):
                walk = self.begin(request)
            if walk is None or walk.step != step.path:
                return RedirectResponse(f"{self.shape.home}/{walk.step if walk else 'login'}", 303)
            if step.path == self._order[0]:
                self.counters.login_pages += 1
            return self._show(step, walk)

        return show

    def _taker(self, step: Step) -> Callable[[Request], Awaitable[Response]]:
        async def take(request: Request) -> Response:
            form = await read_form(request)
            walk = self.walk_of(request)
            if walk is None or not hmac.compare_digest(walk.csrf.encode(), form.get("csrf_token", "").encode()):
                self.counters.forms_refused += 1
                raise FormRefusedError(403, "This form is no longer valid. Please reload the page and try again.")
            reply = await self._take(step, walk, form)
            if reply is not None and not reply.to:
                return self._show(step, walk, reply)
            return self.with_cookie(RedirectResponse(self._whereto(walk), 303), walk)

        return take

    def _json_taker(self, step: Step) -> Callable[[Request], Awaitable[Response]]:
        async def take(request: Request) -> Response:
            form: dict[str, str] = {str(key): str(value) for key, value in (await request.json()).items()}
            walk = self.walk_of(request)
            if walk is None:
                return JSONResponse({"error": "Your visit has expired. Please reload the page."}, 401)
            reply = await self._take(step, walk, form)
            if reply is not None and reply.alert:
                status = reply.status if reply.status >= 400 else 401
                return JSONResponse({"error": reply.alert}, status, headers=dict(reply.headers))
            return self.with_cookie(JSONResponse({"next": self._whereto(walk), "step": walk.step}), walk)

        return take

    async def _take(self, step: Step, walk: Walk, form: Mapping[str, str]) -> Reply | None:
        self.state.journal.posted(self.shape.name, step.where, form)
        if walk.signed_in or walk.step != step.path:
            return Reply(to=walk.step)
        reply = await step.take(self, walk, form)
        if reply is None:
            await self.advance(walk)
        elif reply.to:
            walk.step = reply.to
        return reply

    async def advance(self, walk: Walk) -> None:
        """Let the visitor go on to the next step, or in."""
        at = self._order.index(walk.step) + 1
        if at == len(self._order):
            await self.finish(walk)
            return
        following = self._steps[self._order[at]]
        walk.step = following.path
        if following.enter is not None:
            await following.enter(self, walk)

    def _show(self, step: Step, walk: Walk, reply: Reply | None = None) -> Response:
        action = f"{self.shape.home}/{step.path}"
        return self.page(step.template, walk, reply, action=action, where=step.where, **step.values)

    def _whereto(self, walk: Walk) -> str:
        return f"{self.shape.home}/{'dashboard' if walk.signed_in else walk.step}"

    async def _tell_step(self, request: Request) -> Response:
        walk = self.walk_of(request)
        return JSONResponse({"step": walk.step if walk else "login", "in": bool(walk and walk.signed_in)})

    async def dashboard(self, request: Request) -> Response:
        """The page behind the login; others are sent to the login."""
        walk = self.walk_of(request)
        if walk is None or not walk.signed_in:
            self.counters.sent_to_login += 1
            return RedirectResponse(f"{self.shape.home}/login", 302)
        self.counters.dashboards += 1
        return self.page("journeys/dashboard.html", walk)

    async def _logout(self, request: Request) -> Response:
        if walk := self.walk_of(request):
            self.state.walks.drop(walk)
            self.counters.sign_outs += 1
        return RedirectResponse(f"{self.shape.home}/login", 303)

    async def _watch(self, request: Request) -> Response:
        seen = json.loads(await request.body())
        entry = Entry(str(seen["where"]), str(seen["name"]), str(seen["value"]), seen["how"])
        self.state.journal.note(self.shape.name, entry)
        return Response(status_code=204)

    async def _bait(self, request: Request) -> Response:
        where = f"{BAIT}:{request.path_params['which']}"
        self.state.journal.posted(self.shape.name, where, await read_form(request))
        return self.page("journeys/thanks.html", self.walk_of(request))
