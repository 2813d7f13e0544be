"""Which runs a list shows."""

from datetime import UTC, datetime, timedelta
from typing import Any

from seezar.accounts import Runs
from seezar.accounts.selecting import RunFilter
from seezar.database import Database


async def test_list_only_some(runs: Runs, database: Database) -> None:
    for number, (account, kind) in enumerate(
        (("a", "sign_in"), ("b", "sign_in"), ("a", "open_page"), ("c", "sign_in"))
    ):
        await runs.create(f"r{number}", kind=kind, account=account)
    await runs.start("r1")
    await runs.finish("r2", "site_error", reason="", result={})
    await database.run("UPDATE app.run SET question = 'code', status = 'needs_person' WHERE id = 'r3'")
    await database.run("UPDATE app.run SET created_at = now() - interval '1 day' WHERE id = 'r0'")

    async def ids(**only: Any) -> list[str]:
        return sorted(run.id for run in await runs.list(only=RunFilter(**only)))

    assert await ids() == ["r0", "r1", "r2", "r3"]
    assert await ids(account="a") == ["r0", "r2"]
    assert await ids(account="a", kind="sign_in") == ["r0"]
    assert await ids(status="queued") == ["r0"]
    assert await ids(status="running") == ["r1"]
    assert await ids(status="finished") == ["r2"]
    assert await ids(status="waiting") == ["r3"]
    assert await ids(status="site_error") == ["r2"]
    assert await ids(status="' OR true --") == []
    assert await ids(since=datetime.now(UTC) - timedelta(hours=1)) == ["r1", "r2", "r3"]
    assert len(await runs.list(limit=2)) == 2
