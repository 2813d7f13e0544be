"""The ordinary pages of a sign-in: a password page, a code page, a dashboard, a sign-out button. No script.

Answers: a wrong password or code 422 (as Rails and Turbo do), too many 429 with Retry-After, a locked account 423, no
mail 503, a form without its CSRF token 403, an anonymous visit to a protected page 302 to the sign-in page.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from playground.chart import HEIGHT, WIDTH, bars
from playground.data import DASHBOARDS
from playground.gate import Answer, Decision, Gate
from playground.pages import FormRefusedError, read_form, render_page
from playground.sessions import Session
from playground.shape import PageLabel, Shape
from playground.state import PlaygroundState
from playground.world import SecondFactor


@dataclass(frozen=True, slots=True)
class Wording:
    """What the sign-in page of a site says.

    Attributes:
        heading: of the page.
        lead: the sentence below it.
        username_label: of the username field.
        username_type: `email` or `text`.
        submit: of the button.
        remember: of the box that keeps the user signed in; empty for no box.
    """

    heading: str
    lead: str
    username_label: str
    username_type: str
    submit: str
    remember: str = ""


_MESSAGES = {
    Answer.WRONG_PASSWORD: (422, "That username and password do not match. Please try again."),
    Answer.LOCKED: (423, "This account is locked after too many failed attempts. Please contact your administrator."),
    Answer.MAIL_DOWN: (503, "We could not send your code: email delivery is not available. Please try again shortly."),
    Answer.WRONG_CODE: (422, "That code is not correct. Please check it and try again."),
    Answer.EXPIRED_CODE: (422, "This code has expired. Please request a new one."),
    Answer.USED_CODE: (422, "This code has already been used. Please use a new one."),
    Answer.SUPERSEDED_CODE: (422, "A newer code has been sent. Please use the latest one."),
}


def standard_shape(
    *, name: str, brand: str, domain: str, summary: str, wording: Wording, second_factor: SecondFactor
) -> Shape:
    """A site with the ordinary pages; the arguments are those of `Shape` and what makes this site different."""
    login = PageLabel(
        kind="login",
        username="#username",
        password="#password",
        submit="#sign-in",
        remember="#remember" if wording.remember else None,
    )
    labels = {f"/{name}/login": login, f"/{name}/dashboard": PageLabel(kind="signed_in")}
    if second_factor != "none":
        labels[f"/{name}/code"] = PageLabel(kind="otp", otp=("#code",), submit="#verify")

    def build(shape: Shape, state: PlaygroundState) -> Sequence[BaseRoute]:
        return StandardSite(shape, state, wording, second_factor).routes()

    return Shape(name=name, brand=brand, domain=domain, summary=summary, build=build, labels=labels)


class StandardSite:
    """The pages of one site in one running playground."""

    def __init__(self, shape: Shape, state: PlaygroundState, wording: Wording, second_factor: SecondFactor) -> None:
        self._shape = shape
        self._state = state
        self._wording = wording
        self._second_factor = second_factor
        self._counters = state.counters(shape.name)
        self._gate = Gate(shape, state)
        self._cookie = f"{shape.name}_session"

    def routes(self) -> list[BaseRoute]:
        """The routes of this site."""
        home = self._shape.home
        routes: list[BaseRoute] = [
            Route(home, self._to_dashboard),
            Route(f"{home}/", self._to_dashboard),
            Route(f"{home}/login", self._show_login, methods=["GET"]),
            Route(f"{home}/login", self._submit_login, methods=["POST"]),
            Route(f"{home}/dashboard", self._show_dashboard),
            Route(f"{home}/logout", self._sign_out, methods=["POST"]),
        ]
        if self._second_factor != "none":
            routes.append(Route(f"{home}/code", self._show_code, methods=["GET"]))
            routes.append(Route(f"{home}/code", self._submit_code, methods=["POST"]))
        if self._second_factor == "email":
            routes.append(Route(f"{home}/code/resend", self._resend, methods=["POST"]))
        return routes

    async def _to_dashboard(self, request: Request) -> Response:
        return RedirectResponse(f"{self._shape.home}/dashboard", 302)

    async def _show_login(self, request: Request) -> Response:
        session = self._find_session(request)
        if session is not None and session.username:
            return RedirectResponse(self._next_path(request.query_params.get("next")), 303)
        if session is None:
            session = self._state.sessions.create(self._shape.name)
        self._counters.login_pages += 1
        notice = "You have signed out." if "signed-out" in request.query_params else ""
        return self._login_page(session, next_path=self._next_path(request.query_params.get("next")), notice=notice)

    async def _submit_login(self, request: Request) -> Response:
        form, session = await self._checked_form(request)
        if session.username:
            return RedirectResponse(f"{self._shape.home}/dashboard", 303)
        next_path = self._next_path(form.get("next"))
        decision = await self._gate.submit_password(
            session,
            form.get("username", ""),
            form.get("password", ""),
            remember="remember" in form,
            next_path=next_path,
        )
        if decision.answer is Answer.SIGNED_IN:
            return self._signed_in(decision)
        if decision.answer is Answer.SECOND_FACTOR:
            return self._with_cookie(RedirectResponse(f"{self._shape.home}/code", 303), decision.session)
        return self._login_page(
            decision.session, next_path=next_path, username=form.get("username", ""), decision=decision
        )

    async def _show_code(self, request: Request) -> Response:
        session = self._find_session(request)
        if session is None or session.pending is None:
            return RedirectResponse(f"{self._shape.home}/login", 303)
        notice = "We have sent you a new code." if "sent" in request.query_params else ""
        return self._code_page(session, notice=notice)

    async def _submit_code(self, request: Request) -> Response:
        form, session = await self._checked_form(request)
        decision = self._gate.submit_code(session, form.get("code", ""))
        if decision.answer is Answer.SIGNED_IN:
            return self._signed_in(decision)
        if decision.answer is Answer.START_OVER:
            return RedirectResponse(f"{self._shape.home}/login", 303)
        return self._code_page(decision.session, decision=decision)

    async def _resend(self, request: Request) -> Response:
        _, session = await self._checked_form(request)
        decision = await self._gate.resend_code(session)
        if decision.answer is Answer.CODE_SENT:
            return RedirectResponse(f"{self._shape.home}/code?sent=1", 303)
        if decision.answer is Answer.START_OVER:
            return RedirectResponse(f"{self._shape.home}/login", 303)
        return self._code_page(decision.session, decision=decision)

    async def _show_dashboard(self, request: Request) -> Response:
        session = self._find_session(request)
        if session is None or not session.username:
            self._counters.sent_to_login += 1
            return RedirectResponse(f"{self._shape.home}/login?next={quote(request.url.path)}", 302)
        self._counters.dashboards += 1
        dashboard = DASHBOARDS[self._shape.name]
        chart = {"bars": bars(dashboard.daily), "width": WIDTH, "height": HEIGHT}
        return render_page("dashboard.html", self._values(dashboard=dashboard, chart=chart, session=session))

    async def _sign_out(self, request: Request) -> Response:
        _, session = await self._checked_form(request)
        self._gate.sign_out(session)
        response = RedirectResponse(f"{self._shape.home}/login?signed-out=1", 303)
        response.delete_cookie(self._cookie, path=self._shape.home)
        return response

    def _find_session(self, request: Request) -> Session | None:
        return self._state.sessions.find(self._shape.name, request.cookies.get(self._cookie))

    async def _checked_form(self, request: Request) -> tuple[dict[str, str], Session]:
        form = await read_form(request)
        session = self._find_session(request)
        if session is None or not hmac.compare_digest(session.csrf.encode(), form.get("csrf_token", "").encode()):
            self._counters.forms_refused += 1
            raise FormRefusedError(403, "This form is no longer valid. Please go back, reload the page and try again.")
        return form, session

    def _next_path(self, asked: str | None) -> str:
        # Only a path of this very site is followed, so that the sign-in page is no open redirect.
        if asked and asked.startswith(f"{self._shape.home}/") and "\\" not in asked and asked.isprintable():
            return asked
        return f"{self._shape.home}/dashboard"

    def _signed_in(self, decision: Decision) -> Response:
        return self._with_cookie(RedirectResponse(decision.next_path, 303), decision.session)

    def _with_cookie(self, response: Response, session: Session) -> Response:
        told = session.remembered or (session.username and self._state.knobs.cookie_lifetime is not None)
        max_age = int(session.expires_at - self._state.clock.now()) if told else None
        response.set_cookie(
            self._cookie, session.id, max_age=max_age, path=self._shape.home, httponly=True, samesite="lax"
        )
        return response

    def _login_page(
        self,
        session: Session,
        *,
        next_path: str,
        username: str = "",
        notice: str = "",
        decision: Decision | None = None,
    ) -> Response:
        status, alert, headers = _explain(decision)
        values = self._values(
            wording=self._wording,
            session=session,
            username=username,
            next_path=next_path,
            notice=notice,
            alert=alert,
            invalid=decision is not None and decision.answer is Answer.WRONG_PASSWORD,
        )
        return self._with_cookie(render_page("login.html", values, status=status, headers=headers), session)

    def _code_page(self, session: Session, *, notice: str = "", decision: Decision | None = None) -> Response:
        status, alert, headers = _explain(decision)
        account = self._state.account(self._shape.name, session.pending.username) if session.pending else None
        values = self._values(
            session=session,
            notice=notice,
            alert=alert,
            invalid=status == 422,
            destination=_masked(account.mailbox) if account and account.mailbox else "",
            code_length=self._state.knobs.code_length if self._second_factor == "email" else 6,
            minutes=max(1, round(self._state.knobs.code_lifetime / 60)),
        )
        return render_page("code_page.html", values, status=status, headers=headers)

    def _values(self, **values: object) -> dict[str, object]:
        return {"shape": self._shape, "second_factor": self._second_factor, **values}


def _explain(decision: Decision | None) -> tuple[int, str, dict[str, str]]:
    if decision is None:
        return 200, "", {}
    if decision.answer is Answer.RATE_LIMITED:
        wait = decision.retry_after
        unit = "second" if wait == 1 else "seconds"
        return 429, f"Too many attempts. Please try again in {wait} {unit}.", {"Retry-After": str(wait)}
    status, message = _MESSAGES[decision.answer]
    return status, message, {"Retry-After": "30"} if status == 503 else {}


def _masked(address: str) -> str:
    local, _, domain = address.partition("@")
    return f"{local[:1]}•••{local[-1:]}@{domain}"
