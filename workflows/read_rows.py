"""Reading rows of a schema from one page behind a login, durably: as an extraction reads them, kept with the page."""

import json
from datetime import UTC, datetime
from typing import Any

from dbos import DBOS

from seezar.accounts.pages import NewPage
from seezar.errors import SeezarError
from seezar.extraction.checkpoints import Lead
from seezar.extraction.collecting import Responses
from seezar.extraction.definitions import definition_of
from seezar.extraction.exporting import plain
from seezar.extraction.reading import NoRows, read_page
from workflows.names import READ_ROWS
from workflows.runtime import runtime
from workflows.shell import to_its_end, workflow_id
from workflows.steps import PATIENT
from workflows.taking import account_of, ended_before
from workflows.tracing import traced_workflow
from workflows.trying_again import DONE
from workflows.visiting import visiting

_MOST_PROBLEMS = 20


class NotOnPage(SeezarError):
    """Nothing on the page has the fields that were asked for."""

    status = "not_on_page"


@DBOS.workflow(name=READ_ROWS)
@traced_workflow
async def read_rows(account: str, fields: dict[str, Any], url: str | None) -> dict[str, Any]:
    """Read the rows of the page `url` (or the verify URL) of `account` that have `fields`, a JSON Schema.

    Returns:
        `{"status": "read", "account", "page_id", "rows", "bad", "partial", "source", "url", "title"}`: the rows are the
        text of the page record, one JSON object a line; or a status with `reason`.
    """
    run_id = workflow_id()
    return await to_its_end(run_id, account, read(run_id, account, fields, url))


@DBOS.step(**PATIENT)
async def read(run_id: str, account: str, fields: dict[str, Any], url: str | None) -> dict[str, Any]:
    """Open, find the rows, keep them."""
    app = runtime().application
    if (over := await ended_before(run_id)) is not None:
        return over
    record = await account_of(run_id, account)
    definition = definition_of({"name": "rows", "accounts": [account], "schema": fields})
    async with visiting(run_id, record, url) as visit:
        responses = Responses(visit.page, record.origins)
        await visit.open()
        now, lead = datetime.now(UTC), Lead(visit.target, "rows")
        try:
            found = await read_page(visit.page, definition, lead, responses, visit.redact, now, rest=visit.rested)
        except NoRows as error:
            raise NotOnPage(
                str(error), kept="Nothing was made up.", next_step="Name the fields as the page does."
            ) from None
        rows = [{name: plain(value) for name, value in values.items()} for _, values in found.rows]
        problems = [f"{p.field}: {p.trouble} {p.text!r}: {p.reason}" for p in found.problems[:_MOST_PROBLEMS]]
        lines = [json.dumps(row, ensure_ascii=False) for row in rows]
        text = "\n".join([*lines, *(f"# not read: {visit.redact(problem)}" for problem in problems)])
        title = visit.redact(await visit.page.title())
        page_id = await visit.keep(NewPage(run_id, account, found.url, title, text, found.picture))
    result = {"status": DONE[READ_ROWS], "account": account, "page_id": page_id, "rows": len(rows), "bad": found.bad}
    result |= {"partial": found.partial, "source": visit.redact(found.source), "url": found.url, "title": title}
    await app.runs.event(run_id, "done", f"Read {len(rows)} rows")
    await app.runs.finish(run_id, DONE[READ_ROWS], reason="", result=result)
    return result
