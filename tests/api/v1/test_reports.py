"""`/v1/reports` and the kept pages of `/v1/knowledge`: kept, listed in pages, read, deleted."""

from datetime import UTC, datetime

from seezar.access import Scope
from seezar.accounts.records import Page
from seezar.reports import NewFile, NewReport
from tests.api.v1.server import ApiServer


async def test_a_report_is_kept_read_and_deleted(api: ApiServer) -> None:
    async with await api.client(Scope.REPORTS_WRITE, Scope.REPORTS_READ) as client:
        made = await client.post("/v1/reports", json={"title": "Orders", "text": "**1717** orders"})
        assert made.status_code == 201, made.text
        url = made.headers["location"]
        read = await client.get(url)
        assert read.json() == made.json() | {"text": "**1717** orders"}
        assert read.json()["made_by"] == "client:client1"
        assert (await client.get(url, headers={"if-none-match": read.headers["etag"]})).status_code == 304
        assert (await client.get("/v1/reports")).json() == {"items": [made.json()], "next": None}
        assert (await client.delete(url)).status_code == 204
        gone = await client.get(url)
        assert (gone.status_code, gone.json()["code"]) == (404, "unknown_report")


async def test_evidence_that_is_not_here_is_refused(api: ApiServer) -> None:
    async with await api.client(Scope.REPORTS_WRITE, Scope.REPORTS_READ) as client:
        body = {"title": "Orders", "text": "x", "sources": [{"kind": "run", "id": "nope"}]}
        refused = await client.post("/v1/reports", json=body)
        assert (refused.status_code, refused.json()["kept"]) == (422, "Nothing was stored.")
        unknown = await client.post("/v1/reports", json={"title": "Orders", "text": "x", "account": "nobody"})
        assert unknown.status_code == 404
        assert (await client.get("/v1/reports")).json()["items"] == []


async def test_pages_of_reports_fit_together(api: ApiServer) -> None:
    async with await api.client(Scope.REPORTS_WRITE, Scope.REPORTS_READ) as client:
        made = [(await client.post("/v1/reports", json={"title": str(n), "text": "x"})).json() for n in range(5)]
        seen: list[object] = []
        cursor: dict[str, str] = {}
        while True:
            page = (await client.get("/v1/reports", params={"limit": 2, **cursor})).json()
            seen += page["items"]
            if page["next"] is None:
                break
            cursor = {"cursor": page["next"]}
        assert seen == made[::-1]
        assert (await client.get("/v1/reports?cursor=nonsense")).status_code == 422


async def test_no_file_of_a_report_runs_in_the_origin_of_the_api(api: ApiServer) -> None:
    page = NewFile("chart.html", "text/html", b"<script>steal()</script>")
    picture = NewFile("chart.png", "image/png", b"\x89PNG")
    report = await api.application.reports.add(NewReport("Orders", "x", "run-1", files=[page, picture]))
    async with await api.client(Scope.REPORTS_READ) as client:
        for file in (page, picture):
            answer = await client.get(f"/v1/reports/{report.id}/files/{file.name}")
            assert answer.content == file.content
            assert "sandbox" in answer.headers["content-security-policy"]
            assert answer.headers["x-content-type-options"] == "nosniff"
            shown = "inline" if file is picture else "attachment"
            assert answer.headers["content-disposition"].startswith(shown)
        assert (await client.get(f"/v1/reports/{report.id}/files/other.png")).status_code == 404


async def test_a_kept_page_is_listed_and_forgotten(api: ApiServer) -> None:
    now = datetime.now(UTC)
    page = Page("p", "r", "ops", "https://a.example/orders", "Orders", "Shipping of 1717 crates", False, now)
    saved = await api.application.knowledge.save(page)
    async with await api.client(Scope.KNOWLEDGE_READ, Scope.KNOWLEDGE_WRITE) as client:
        (kept,) = (await client.get("/v1/knowledge/documents?account=ops")).json()["items"]
        assert (kept["id"], kept["url"], kept["passages"]) == (saved.id, page.url, 1)
        assert len((await client.get("/v1/knowledge/search?q=crates")).json()) == 1
        assert (await client.delete(f"/v1/knowledge/documents/{saved.id}")).status_code == 204
        assert (await client.get("/v1/knowledge/search?q=crates")).json() == []
        gone = await client.delete(f"/v1/knowledge/documents/{saved.id}")
        assert (gone.status_code, gone.json()["code"]) == (404, "unknown_document")
