"""Saving and finding pages, on real PostgreSQL and with the real embedder."""

from datetime import UTC, datetime

import pytest

from benchmarks.handbook import handbook
from seezar.accounts.records import Page
from seezar.database import Database
from seezar.errors import InvalidInput
from seezar.knowledge import Knowledge, NewDocument
from seezar.knowledge.embedding import DIMENSIONS, WordLlamaEmbedder
from seezar.knowledge.searching import Method

SHIPPING = """# Overview
Yesterday, all customers
## Top events
| Event | Count | Change |
| Shipment booked | 18,452 | +6.2% |
| Customs cleared | 4,128 | +11.5% |
## Customers
| Customer | Plan |
| Aldergate Foods | Enterprise |
"""
PAYMENTS = """# Overview
## Top events
| Event | Count |
| Payment authorised | 27,391 |
| Refund issued | 1,873 |
"""


def page(account: str, title: str, text: str) -> Page:
    return Page(
        id=f"page-{account}",
        run_id="run",
        account=account,
        url=f"http://127.0.0.1/{account}/dashboard",
        title=title,
        text=text,
        has_screenshot=False,
        taken_at=datetime(2026, 11, 22, tzinfo=UTC),
    )


@pytest.fixture
async def knowledge(database: Database) -> Knowledge:
    store = Knowledge(database)
    await store.save(page("demo-mail", "Overview · Freight", SHIPPING))
    await store.save(page("demo-totp", "Overview · Ledger", PAYMENTS))
    return store


async def test_words_find_the_right_page_first(knowledge: Knowledge) -> None:
    found = await knowledge.search("refunds")
    assert found[0].account == "demo-totp"
    assert "| Refund issued | 1,873 |" in found[0].text
    assert found[0].url == "http://127.0.0.1/demo-totp/dashboard"


async def test_meaning_finds_what_no_word_of_the_query_names(knowledge: Knowledge) -> None:
    # The page says "shipment", which is another word than "shipping" for PostgreSQL's dictionary too.
    found = await knowledge.search("shipping")
    assert [passage.account for passage in found][:1] == ["demo-mail"]


async def test_an_identifier_is_found_by_the_word_alone(knowledge: Knowledge) -> None:
    # It has no meaning to an embedding.
    await knowledge.save(page("demo-password", "Notes", "# Open\nInvoice QX77831 is overdue."))
    assert [passage.account for passage in await knowledge.search("qx77831")] == ["demo-password"]


async def test_of_words_that_stand_everywhere_the_passages_with_several_come_first(knowledge: Knowledge) -> None:
    # More than are looked up of one word.
    lines = ["The harbour was closed.", "An invoice was paid."] * 1_100
    lines[1_700] = "The harbour sent an invoice."
    text = "\n".join(f"# Section {number}\n{line}" for number, line in enumerate(lines))
    await knowledge.add(NewDocument("Log", text, "log", "file"))
    found = await knowledge.search("harbour invoice", method="words", limit=3)
    assert "sent an invoice" in found[0].text
    assert "sent" not in found[1].text


async def test_nothing_is_found_for_what_was_never_read(knowledge: Knowledge) -> None:
    assert await knowledge.search("recipe for tomato soup") == []


async def test_search_within_one_account(knowledge: Knowledge) -> None:
    assert {passage.account for passage in await knowledge.search("top events")} == {"demo-mail", "demo-totp"}
    assert {passage.account for passage in await knowledge.search("top events", account="demo-mail")} == {"demo-mail"}


async def test_the_same_page_is_kept_once_and_a_changed_one_again(knowledge: Knowledge, database: Database) -> None:
    again = await knowledge.save(page("demo-mail", "Overview · Freight", SHIPPING))
    assert (again.new, again.passages) == (False, 3)
    changed = await knowledge.save(page("demo-mail", "Overview · Freight", SHIPPING.replace("18,452", "18,453")))
    assert changed.new
    assert changed.id != again.id
    rows = await database.all("SELECT count(*) AS n FROM knowledge.document")
    assert rows[0]["n"] == 3


async def test_empty_input_is_refused(knowledge: Knowledge) -> None:
    with pytest.raises(InvalidInput):
        await knowledge.search("  ")
    with pytest.raises(InvalidInput):
        await knowledge.save(page("demo-mail", "", "  \n"))


async def test_a_query_of_punctuation_or_stop_words_is_no_error(knowledge: Knowledge) -> None:
    for query in ("' | & !", "the of and", "a:b*c", "12 34"):
        assert isinstance(await knowledge.search(query), list)
    assert await knowledge.search("12 34") == []


async def test_embeddings_are_unit_vectors_of_the_column_width() -> None:
    [vector] = await WordLlamaEmbedder().embed(["top events of yesterday"])
    assert len(vector) == DIMENSIONS
    assert sum(x * x for x in vector) == pytest.approx(1.0, abs=1e-4)
    assert await WordLlamaEmbedder().embed([]) == []
    assert await WordLlamaEmbedder().embed([""]) == [[0.0] * DIMENSIONS]


async def test_the_handbook_is_answered_from_the_right_page(database: Database) -> None:
    """Found by both together at least as well as by each alone; the figures are those of `benchmarks.knowledge`."""
    documents, questions = handbook()
    store = Knowledge(database)
    for document in documents:
        await store.add(NewDocument(document["title"], document["text"], document["id"], "file"))
    hits = {method: await _hits(store, questions, method) for method in ("hybrid", "meaning", "words")}
    assert hits["hybrid"] >= 0.9, hits
    assert hits["hybrid"] >= max(hits["meaning"], hits["words"]), hits
    print(f"figures: handbook: hit@5 {hits}")  # noqa: T201 - the figure


async def _hits(store: Knowledge, questions: list[tuple[str, str]], method: Method) -> float:
    found = [[p.url for p in await store.search(text, limit=5, method=method)] for _, text in questions]
    return sum(wanted in urls for (wanted, _), urls in zip(questions, found, strict=True)) / len(questions)
