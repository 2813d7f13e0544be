"""Which of the things on a page has the rows of a schema, and which column is which field."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from seezar.errors import InvalidInput
from seezar.extraction.columns import Reading
from seezar.extraction.fields import Field, fields_of
from seezar.extraction.numbers import locale_of
from seezar.extraction.responses import sources_of
from seezar.extraction.rows import Rows, rows_of
from seezar.extraction.tables import Cell, Match, Source, Unclear, choose

NOW = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)


def schema(required: list[str] | None = None, **properties: Any) -> tuple[Field, ...]:
    return fields_of({"type": "object", "properties": properties, "required": required or []})


CUSTOMERS = schema(
    ["customer"],
    customer={"type": "string"},
    events={"type": "integer"},
    revenue={"type": "number", "x-unit": "EUR"},
)


def table(headers: list[str], *rows: list[str | None], kind: Any = "table", caption: str = "") -> Source:
    cells = tuple(tuple(None if text is None else Cell(text) for text in row) for row in rows)
    return Source(kind, "#t", caption, tuple(headers), cells)


def read(source: Source, fields: tuple[Field, ...], locale: str | None = "en") -> Rows:
    match = choose([source], fields)
    assert isinstance(match, Match)
    return rows_of(match, fields, Reading(locale_of(locale), NOW, "https://a.test/x"))


def values(rows: Rows) -> list[dict[str, Any]]:
    return [row.values for row in rows.good]


def test_columns_go_by_their_headers_wherever_they_stand() -> None:
    found = read(table(["#", "Revenue ▲", "Customer", "Events"], ["1", "€8,900", "Aldergate", "15,240"]), CUSTOMERS)
    assert values(found) == [{"customer": "Aldergate", "events": 15240, "revenue": Decimal(8900)}]
    assert found.absent == ()


@pytest.mark.parametrize("header", ["eventCount", "event_count", "Event count", "EVENT COUNT:"])
def test_headers_of_programs_and_of_people(header: str) -> None:
    fields = schema(["event_count"], event_count={"type": "integer"})
    assert values(read(table([header], ["12"]), fields)) == [{"event_count": 12}]


def test_another_name_for_a_field() -> None:
    fields = schema(["customer"], customer={"type": "string", "x-label": ["Kunde", "Firma"]})
    assert values(read(table(["Firma"], ["Müller"]), fields)) == [{"customer": "Müller"}]


def test_a_source_without_a_required_field_is_none() -> None:
    assert choose([table(["Event", "Count"], ["a", "1"])], CUSTOMERS) is None
    assert choose([], CUSTOMERS) is None
    # Twice the same header: nobody can tell which one is meant.
    assert choose([table(["Customer", "Customer"], ["a", "b"])], CUSTOMERS) is None


def test_the_one_with_most_fields_wins_and_a_response_before_a_table() -> None:
    poor = table(["Customer"], ["a"])
    rich = table(["Customer", "Events"], ["a", "1"])
    answered = table(["customer", "events"], ["a", "1"], kind="response")
    for sources, best in (([poor, rich], rich), ([rich, answered], answered)):
        match = choose(sources, CUSTOMERS)
        assert isinstance(match, Match)
        assert match.source is best


def test_two_that_say_different_things_are_nobodys_to_choose() -> None:
    one = table(["Customer", "Events"], ["a", "1"], caption="This month")
    other = table(["Customer", "Events"], ["a", "2"], caption="Last month")
    assert choose([one, other], CUSTOMERS) == Unclear(("This month", "Last month"))
    assert isinstance(choose([one, one], CUSTOMERS), Match)
    match = choose([one, other], CUSTOMERS, caption="last month")
    assert isinstance(match, Match)
    assert match.source is other


@pytest.mark.parametrize(
    ("header", "text", "value"),
    [
        ("Revenue (k€)", "8.9", Decimal(8900)),
        ("Revenue (in thousands)", "8.9", Decimal(8900)),
        ("Revenue (EUR)", "8.9", Decimal("8.9")),
        ("Revenue (k€)", "8.9k", Decimal(8900)),
        ("Revenue (per month)", "8.9", Decimal("8.9")),
    ],
)
def test_a_header_says_the_unit_of_its_column(header: str, text: str, value: Decimal) -> None:
    assert values(read(table(["Customer", header], ["a", text]), CUSTOMERS))[0]["revenue"] == value


@pytest.mark.parametrize(("header", "text"), [("Revenue", "$5"), ("Revenue (USD)", "5")])
def test_another_currency_is_no_value(header: str, text: str) -> None:
    found = read(table(["Customer", header], ["a", text]), CUSTOMERS, "en-US")
    assert values(found)[0]["revenue"] is None
    assert [(p.field, p.trouble) for p in found.good[0].problems] == [("revenue", "unit")]


def test_what_cannot_be_read_is_told_and_not_invented() -> None:
    source = table(
        ["Customer", "Events"], ["a", "many"], ["b", "n/a"], [None, "5"], ["", ""], ["c", "1,5,0"], ["d", "12"]
    )
    found = read(source, CUSTOMERS)
    assert [(row.values["customer"], row.values["events"]) for row in found.good] == [
        ("a", None),
        ("b", None),
        ("c", None),
        ("d", 12),
    ]
    assert [(row.position, row.problems[0].trouble) for row in found.bad] == [(2, "missing")]
    assert found.absent == ("revenue",)


def test_rules_of_the_schema_hold() -> None:
    fields = schema(["n"], n={"type": "integer", "minimum": 0}, plan={"type": "string", "enum": ["A", "B"]})
    found = read(table(["n", "plan"], ["-1", "A"], ["5", "C"]), fields)
    assert [row.position for row in found.bad] == [0]
    assert values(found) == [{"n": 5, "plan": None}]
    assert found.good[0].problems[0].trouble == "constraint"


def test_dates_of_a_column() -> None:
    fields = schema(["day"], day={"type": "string", "format": "date"})
    assert [row["day"] for row in values(read(table(["Day"], ["03/04/2026"], ["31/12/2026"]), fields, None))] == [
        date(2026, 4, 3),
        date(2026, 12, 31),
    ]
    found = read(table(["Day"], ["03/04/2026"]), fields, None)
    assert [row.problems[0].trouble for row in found.bad] == ["ambiguous"]


def test_json_is_exact() -> None:
    body = b"""{"meta": {"total": 2}, "data": [
        {"id": 1, "customer": {"name": "Caf\\u00e9", "plan": "A"}, "revenue": 1.10, "since": 1795478400, "ok": true},
        {"id": 2, "customer": {"name": "B", "plan": null}, "revenue": 1234, "since": 1795478400000, "ok": false}]}"""
    fields = schema(
        ["customer_name"],
        customer_name={"type": "string"},
        revenue={"type": "number"},
        since={"type": "string", "format": "date-time"},
        ok={"type": "boolean"},
        plan={"type": "string"},
    )
    sources = sources_of(body, "https://a.test/api")
    match = choose(sources, fields)
    assert isinstance(match, Match)
    assert match.source.where == "https://a.test/api $.data[*]"
    found = rows_of(match, fields, Reading(locale_of("de"), NOW))
    moment = datetime.fromtimestamp(1795478400, UTC)
    assert values(found) == [
        {"customer_name": "Café", "revenue": Decimal("1.10"), "since": moment, "ok": True, "plan": "A"},
        {"customer_name": "B", "revenue": Decimal(1234), "since": moment, "ok": False, "plan": None},
    ]


@pytest.mark.parametrize(
    "body", [b"", b"[", b"nope", b"[" * 100_000, b"\xff\xfe", b"[1, 2]", b"[[1]]", b"null", b'"a"']
)
def test_what_is_no_json_of_rows_is_nothing(body: bytes) -> None:
    assert sources_of(body, "https://a.test") == []


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"type": "array"},
        {"type": "object", "properties": {}},
        {"type": "object", "properties": {"a": {"type": "object"}}},
        {"type": "object", "properties": {"a b": {"type": "string"}}},
        {"type": "object", "properties": {"a": {"type": "string"}, "A": {"type": "string"}}},
        {"type": "object", "properties": {"a": {"type": "string", "format": "email"}}},
        {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["b"]},
        {"type": "object", "properties": {"a": {"type": "string", "x-label": 5}}},
        {"type": "object", "properties": {"a": {"type": "strin"}}},
        {"type": "object", "properties": {"a": 1}},
        {"type": "object", "properties": {f"a{n}": {"type": "string"} for n in range(61)}},
    ],
)
def test_schemas_that_cannot_be_used(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        fields_of(wrong)
