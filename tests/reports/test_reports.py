"""Reports: kept whole or not at all, encrypted, listed newest first, deleted with their files."""

from dataclasses import replace

import pytest

from seezar.audit import Audit
from seezar.database import Database
from seezar.errors import InvalidInput
from seezar.reports import NewFile, NewReport, Reports, ReportUnknown, Source
from seezar.reports.store import MAX_FILE, MAX_TEXT
from seezar.vault import Cipher

REPORT = NewReport(
    "Orders in October",
    "## Orders\n1,717 orders, *three* of them late.",
    "client:analyst",
    files=[NewFile("orders.png", "image/png", b"\x89PNG 4711"), NewFile("orders.csv", "text/csv", b"day,orders\n1,17")],
)


@pytest.fixture
def reports(database: Database, cipher: Cipher) -> Reports:
    return Reports(database, cipher, Audit(database, cipher))


async def test_what_was_kept_is_read_again(reports: Reports, database: Database) -> None:
    await database.run(
        "INSERT INTO app.run (id, workflow_id, kind, status) VALUES ('run-1', 'run-1', 'open_page', 'done')"
    )
    source = Source("run", "run-1", quote="1,717")
    kept = await reports.add(replace(REPORT, account="ops", sources=[source]))
    assert kept == await reports.get(kept.id)
    assert (kept.title, kept.account, kept.made_by, kept.sources) == (REPORT.title, "ops", "client:analyst", (source,))
    assert [(file.name, file.media_type, file.size) for file in kept.files] == [
        ("orders.csv", "text/csv", 15),
        ("orders.png", "image/png", 9),
    ]
    assert await reports.text(kept.id) == REPORT.text
    assert await reports.file(kept.id, "orders.png") == REPORT.files[0]


async def test_text_and_files_are_encrypted_and_belong_to_their_report(reports: Reports, database: Database) -> None:
    first, second = await reports.add(REPORT), await reports.add(REPORT)
    stored = await database.all("SELECT body AS part FROM app.report UNION ALL SELECT content FROM app.report_file")
    assert len(stored) == 6
    assert not any(b"orders" in bytes(row["part"]) or b"4711" in bytes(row["part"]) for row in stored)
    await database.run(
        "UPDATE app.report SET body = (SELECT body FROM app.report WHERE id::text = %s) WHERE id::text = %s",
        first.id,
        second.id,
    )
    with pytest.raises(Exception, match="key"):
        await reports.text(second.id)


async def test_a_list_in_pages_tells_each_once_the_newest_first(reports: Reports, database: Database) -> None:
    made = [(await reports.add(replace(REPORT, files=[], account=f"a{n % 2}"))).id for n in range(7)]
    # Two of the same moment are told apart by their ids.
    await database.run("UPDATE app.report SET created_at = '2026-01-01Z' WHERE id::text = ANY(%s)", made[:3])
    seen: list[str] = []
    before = None
    while found := await reports.list(limit=2, before=before):
        seen += [report.id for report in found]
        before = (found[-1].created_at, found[-1].id)
    assert seen == made[:2:-1] + sorted(made[:3], reverse=True)
    assert [report.id for report in await reports.list(account="a1")] == [
        found for found in seen if found in made[1::2]
    ]


async def test_nothing_stays_of_a_report_that_is_deleted(reports: Reports, database: Database) -> None:
    kept = await reports.add(REPORT)
    await reports.remove(kept.id)
    assert await database.all("SELECT 1 FROM app.report_file") == []
    for gone in (reports.get(kept.id), reports.text(kept.id), reports.remove(kept.id), reports.file(kept.id, "x.png")):
        with pytest.raises(ReportUnknown):
            await gone
    told = await database.all("SELECT action, detail ->> 'report' AS report FROM app.audit ORDER BY number")
    assert [(row["action"], row["report"]) for row in told] == [("report.add", kept.id), ("report.remove", kept.id)]


@pytest.mark.parametrize(
    "bad",
    [
        replace(REPORT, title="  "),
        replace(REPORT, text="\n"),
        replace(REPORT, title="x" * 201),
        replace(REPORT, text="x" * (MAX_TEXT + 1)),
        replace(REPORT, sources=[Source("page", "nope")]),
        replace(REPORT, sources=[Source("run", "x")] * 101),
        replace(REPORT, files=[NewFile("../x.png", "image/png", b"")]),
        replace(REPORT, files=[NewFile("x.exe", "application/x-msdownload", b"")]),
        replace(REPORT, files=[NewFile("x.png", "image/png", b"1"), NewFile("x.png", "image/png", b"2")]),
        replace(REPORT, files=[NewFile("x.png", "image/png", bytes(MAX_FILE + 1))]),
    ],
    ids=["no title", "no text", "long title", "long text", "no such page", "sources", "path", "type", "twice", "large"],
)
async def test_what_does_not_fit_leaves_nothing(reports: Reports, database: Database, bad: NewReport) -> None:
    with pytest.raises(InvalidInput, match="Nothing was stored"):
        await reports.add(bad)
    assert await database.all("SELECT 1 FROM app.report UNION ALL SELECT 1 FROM app.report_file") == []
