"""`seezar report` in a real home."""

import asyncio
import json
from pathlib import Path

from seezar.application import Application
from seezar.reports import NewFile, NewReport
from seezar.settings import Settings
from tests.service.conftest import Home


def _made(home: Home) -> str:
    url = home.seezar("db", "url").out.strip()

    async def make() -> str:
        settings = Settings(home=home.path)
        async with await Application.open(settings, url, application_name="seezar-client-test") as application:
            picture = NewFile("orders.png", "image/png", b"\x89PNG 4711")
            report = NewReport("Orders in October", "**1717** orders", "run-1", files=[picture])
            return (await application.reports.add(report)).id

    return asyncio.run(make())


def test_a_report_is_listed_shown_taken_out_and_deleted(home: Home, tmp_path: Path) -> None:
    assert home.seezar("report", "list", "--json").json == {"reports": []}
    report = _made(home)
    assert report in home.seezar("report", "list").out
    shown = home.seezar("report", "show", report)
    assert "**1717** orders" in shown.out
    assert "orders.png (image/png, 9 bytes)" in shown.out
    assert home.seezar("report", "show", report, "--json").json["text"] == "**1717** orders"
    output = tmp_path / "orders.png"
    assert home.seezar("report", "file", report, "orders.png", "--output", str(output)).code == 0
    assert output.read_bytes() == b"\x89PNG 4711"
    assert home.seezar("report", "file", report, "orders.png", "--output", str(output)).code == 1
    assert home.seezar("report", "remove", report).code == 0
    gone = home.seezar("report", "show", report, "--json")
    assert (gone.code, json.loads(gone.out)["status"]) == (1, "unknown_report")
