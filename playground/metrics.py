"""The pages behind the login of the analytics site: a list of customers over several pages, and a page of each.

What a customer's page draws, its script asks for as JSON; tables and files hold the rest. The numbers are those of
`playground.customers`.
"""

import csv
import io
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, date, datetime
from urllib.parse import quote

from openpyxl import Workbook
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from playground.customers import Customer, customers, days
from playground.pages import SECURITY_HEADERS, render_page
from playground.sessions import Session
from playground.shape import Shape
from playground.standard import StandardSite, Wording
from playground.state import PlaygroundState

PER_PAGE = 12
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

type Page = Callable[[Request, Session], Awaitable[Response]]


class MetricsSite(StandardSite):
    """The analytics site in one running playground."""

    def __init__(self, shape: Shape, state: PlaygroundState, wording: Wording) -> None:
        super().__init__(shape, state, wording, "totp")

    def routes(self) -> list[BaseRoute]:
        """The routes of a sign-in, and those behind it."""
        home = self._shape.home
        pages: Sequence[tuple[str, Page]] = (
            ("/dashboard", self._overview),
            ("/customers", self._list),
            ("/customers/{slug}", self._customer),
            ("/customers/{slug}/events.csv", self._csv),
            ("/customers/{slug}/events.xlsx", self._xlsx),
            ("/api/customers/{slug}/events", self._events),
        )
        own = [Route(f"{home}{path}", self._behind_login(page)) for path, page in pages]
        return [*own, *super().routes()]

    def _behind_login(self, page: Page) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            session = self._find_session(request)
            if session is None or not session.username:
                self._counters.sent_to_login += 1
                return RedirectResponse(f"{self._shape.home}/login?next={quote(request.url.path)}", 302)
            self._counters.dashboards += 1
            return await page(request, session)

        return answer

    async def _overview(self, request: Request, session: Session) -> Response:
        there = customers(self._today())
        busiest = sorted(there, key=lambda each: -each.total(1))[:8]
        total = sum(each.total(1) for each in there)
        values = self._values(session=session, customers=busiest, count=len(there), total=total)
        return render_page("metrics/overview.html", values)

    async def _list(self, request: Request, session: Session) -> Response:
        there = sorted(customers(self._today()), key=lambda each: each.name)
        last = (len(there) + PER_PAGE - 1) // PER_PAGE
        number = request.query_params.get("page", "1")
        at = int(number) if number.isascii() and number.isdigit() and 1 <= int(number) <= last else 0
        if not at:
            raise HTTPException(404)
        shown = there[(at - 1) * PER_PAGE : at * PER_PAGE]
        return render_page("metrics/list.html", self._values(session=session, customers=shown, page=at, last=last))

    async def _customer(self, request: Request, session: Session) -> Response:
        customer = self._named(request)
        return render_page("metrics/customer.html", self._values(session=session, customer=customer))

    async def _events(self, request: Request, session: Session) -> Response:
        body = {
            "customer": {"name": self._named(request).name},
            "updated": self._today().isoformat(),
            "days": [{"day": day, "event": event, "count": count} for day, event, count in self._rows(request)],
        }
        return JSONResponse(body, headers={"Cache-Control": "no-store"})

    async def _csv(self, request: Request, session: Session) -> Response:
        text = io.StringIO()
        csv.writer(text).writerows([("Day", "Event", "Count"), *self._rows(request)])
        return self._file(request, text.getvalue().encode(), "text/csv; charset=utf-8", "csv")

    async def _xlsx(self, request: Request, session: Session) -> Response:
        book = Workbook(write_only=True)
        sheet = book.create_sheet("Events")
        for row in (("Day", "Event", "Count"), *self._rows(request)):
            sheet.append(row)
        content = io.BytesIO()
        book.save(content)
        return self._file(request, content.getvalue(), _XLSX, "xlsx")

    def _file(self, request: Request, content: bytes, media_type: str, suffix: str) -> Response:
        name = f"{self._named(request).slug}-events.{suffix}"
        headers = {**SECURITY_HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
        return Response(content, media_type=media_type, headers=headers)

    def _rows(self, request: Request) -> list[tuple[str, str, int]]:
        counts = self._named(request).counts
        return [
            (day.isoformat(), event, each[index])
            for index, day in enumerate(days(self._today()))
            for event, each in counts.items()
        ]

    def _named(self, request: Request) -> Customer:
        slug = request.path_params["slug"]
        found = next((each for each in customers(self._today()) if each.slug == slug), None)
        if found is None:
            raise HTTPException(404)
        return found

    def _today(self) -> date:
        return datetime.fromtimestamp(self._state.clock.now(), UTC).date()
