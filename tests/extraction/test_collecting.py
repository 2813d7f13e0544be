"""What of a real page in a real browser may hold rows, however it is built."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.async_api import Page

from seezar.errors import InvalidInput
from seezar.extraction.collecting import Collected, Responses, collect
from seezar.extraction.columns import Reading
from seezar.extraction.fields import Field, fields_of
from seezar.extraction.numbers import locale_of
from seezar.extraction.rows import rows_of
from seezar.extraction.tables import Match, choose
from tests.site import Handler, Response, Site, serve
from tests.site import page as whole

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser]

FIELDS = fields_of(
    {
        "type": "object",
        "properties": {"customer": {"type": "string"}, "events": {"type": "integer"}},
        "required": ["customer", "events"],
    }
)
ROWS = [("Aldergate", 15240), ("Brightwater", 12618)]
BODY = "".join(f"<tr><td>{name}</td><td>{events:,}</td></tr>" for name, events in ROWS)
HEAD = "<tr><th>Customer</th><th>Events</th></tr>"
TABLE = f"<table><thead>{HEAD}</thead><tbody>{BODY}</tbody></table>"


async def collected(page: Page, body: str, *, rows: str = "", fields: tuple[Field, ...] = FIELDS) -> Collected:
    await page.set_content(f'<html lang="en"><title>T</title><body>{body}</body></html>')
    return await collect(page, fields, rows=rows)


def told(found: Collected, fields: tuple[Field, ...] = FIELDS, *, caption: str = "") -> list[tuple[Any, ...]]:
    match = choose(found.sources, fields, caption=caption)
    assert isinstance(match, Match), match
    rows = rows_of(match, fields, Reading(locale_of(found.lang), datetime.now(UTC), found.url))
    assert rows.bad == ()
    return [tuple(row.values.values()) for row in rows.good]


GRID = """<div role="grid">
<div role="row"><span role="columnheader">Customer</span><span role="columnheader">Events</span></div>
<div role="row"><span role="gridcell">Aldergate</span><span role="gridcell">15,240</span></div>
<div role="row"><span role="gridcell">Brightwater</span><span role="gridcell">12,618</span></div></div>"""
SHADOW = f"""<div id="host"></div><script>
document.querySelector('#host').attachShadow({{mode: 'open'}}).innerHTML = `{TABLE}`</script>"""


@pytest.mark.parametrize(
    "body",
    [
        TABLE,
        f"<table>{HEAD}{BODY}</table>",
        f"<table>{HEAD.replace('th>', 'td>')}{BODY}</table>",
        f"<table><thead>{HEAD}</thead><tbody>{BODY}</tbody><tfoot><tr><td>Total</td><td>27,858</td></tr></tfoot></table>",
        f"<table><thead>{HEAD}</thead><tbody>{BODY}<tr><td colspan=2>That is all</td></tr></tbody></table>",
        f"<table><caption>Customers</caption><thead><tr><th colspan=2>All</th></tr>{HEAD}</thead>{BODY}</table>",
        f"<table><tr><td>{TABLE}</td></tr></table>",
        GRID,
        SHADOW,
        f"<iframe srcdoc='{TABLE}'></iframe>",
        f"<h2>Customers</h2>{TABLE}<table><tr><th>Event</th><th>Count</th></tr><tr><td>a</td><td>1</td></tr></table>",
        f"{TABLE}<div style='display:none'>{TABLE.replace('15,240', '9')}</div>",
    ],
    ids=[
        "thead",
        "th",
        "td",
        "tfoot",
        "colspan",
        "groups",
        "layout",
        "grid",
        "shadow",
        "frame",
        "beside another",
        "hidden",
    ],
)
async def test_tables_of_every_making(page: Page, body: str) -> None:
    assert told(await collected(page, body)) == ROWS


@pytest.mark.parametrize(
    "body",
    [
        "<dl><dt>Customer</dt><dd>Aldergate</dd><dt>Plan</dt><dd>A</dd><dt>Events</dt><dd>15,240</dd></dl>",
        "<dl><div><dt>Customer</dt><dd>Aldergate</dd></div><div><dt>Events</dt><dd>15,240</dd></div></dl>",
        "<table><tr><th>Customer</th><td>Aldergate</td></tr><tr><th>Events</th><td>15,240</td></tr></table>",
        "<table><tr><td>Customer</td><td>Aldergate</td></tr><tr><td>Events</td><td>15,240</td></tr></table>",
    ],
    ids=["dl", "dl with groups", "th beside td", "td beside td"],
)
async def test_one_thing_in_a_list(page: Page, body: str) -> None:
    assert told(await collected(page, body)) == ROWS[:1]


async def test_selectors_where_words_say_nothing(page: Page) -> None:
    fields = fields_of(
        {
            "type": "object",
            "properties": {
                "customer": {"type": "string", "x-select": "b"},
                "link": {"type": "string", "format": "uri", "x-select": "a"},
                "active": {"type": "boolean", "x-select": ".state"},
            },
            "required": ["customer"],
        }
    )
    card = "<li class='card'><b>{}</b> <a href='https://a.test/{}'>more</a> <i class='state' title='yes'></i></li>"
    body = f"<ul>{card.format('Aldergate', 1)}{card.format('Brightwater', 2)}</ul>"
    assert told(await collected(page, body, rows="li.card", fields=fields), fields) == [
        ("Aldergate", "https://a.test/1", True),
        ("Brightwater", "https://a.test/2", True),
    ]
    with pytest.raises(InvalidInput, match="selector"):
        await collected(page, body, rows="li[", fields=fields)


async def test_captions_tell_two_tables_apart(page: Page) -> None:
    other = TABLE.replace("15,240", "1")
    found = await collected(page, f"<h2>This month</h2>{TABLE}<section><h3>Last month</h3>{other}</section>")
    assert told(found, caption="this month") == ROWS
    assert told(found, caption="last month")[0] == ("Aldergate", 1)


async def test_values_of_fields_are_not_collected(page: Page) -> None:
    body = f"<table>{HEAD}<tr><td>A<input value=secret></td><td><textarea>s3</textarea>5</td></tr></table>"
    found = await collected(page, body)
    assert told(found) == [("A", 5)]
    assert "secret" not in repr(found)


async def test_a_long_table_is_cut_and_says_so(page: Page) -> None:
    rows = "".join(f"<tr><td>c{n}</td><td>{n}</td></tr>" for n in range(10_050))
    found = await collected(page, f"<table>{HEAD}{rows}</table>")
    assert found.truncated
    assert len(told(found)) == 10_000


async def test_a_grid_that_draws_what_is_in_sight_says_that_there_is_more(page: Page) -> None:
    found = await collected(page, GRID.replace('role="grid"', 'role="grid" aria-rowcount="5000"'))
    assert found.truncated


async def test_nothing(page: Page) -> None:
    for body in ("", "<table></table>", "<dl></dl>", "<table><tr></tr></table>"):
        assert choose((await collected(page, body)).sources, FIELDS) is None


@asynccontextmanager
async def app(answer: Handler | Response) -> AsyncIterator[Site]:
    """A page whose script asks for its rows and draws nothing of them but their number."""
    read = "() => document.title = 'read'"
    script = f"fetch('/api?token=t').then(r => r.json()).then({read}).catch({read})"
    async with serve({"/": whole(f"<script>{script}</script>"), "/api": answer}) as site:
        yield site


def json_of(body: str) -> Response:
    return Response(body, content_type="application/json; charset=utf-8")


async def test_what_a_page_was_answered_comes_first(page: Page) -> None:
    body = '{"items": [{"customer": "Aldergate", "events": 15240}, {"customer": "Brightwater", "events": 12618}]}'
    async with app(json_of(body)) as site:
        heard = Responses(page, [site.url])
        await page.goto(site.url)
        await page.wait_for_function("document.title === 'read'")
        found = await collect(page, FIELDS, responses=heard)
        assert told(found) == ROWS
        assert {source.where for source in found.sources} == {f"{site.url}/api $.items[*]"}
        heard.forget()
        assert (await collect(page, FIELDS, responses=heard)).sources == ()
        heard.close()


@pytest.mark.parametrize(
    "answer",
    [json_of("{"), json_of("[1,2]"), Response("{}", status=500, content_type="application/json"), Response(close=True)],
    ids=["broken", "no rows", "error", "cut off"],
)
async def test_other_answers_are_nothing(page: Page, answer: Response) -> None:
    async with app(answer) as site:
        heard = Responses(page, [site.url])
        await page.goto(site.url)
        await page.wait_for_function("document.title === 'read'")
        assert (await collect(page, FIELDS, responses=heard)).sources == ()
        heard.close()


async def test_what_another_site_answers_is_not_heard(page: Page) -> None:
    async with app(json_of('[{"customer": "a", "events": 1}]')) as site:
        heard = Responses(page, ["https://a.test"])
        await page.goto(site.url)
        await page.wait_for_function("document.title === 'read'")
        assert await heard.sources() == []
        heard.close()
