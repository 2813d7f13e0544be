"""`seezar extract`, `seezar report make` and `seezar schedule` in a real home, beside a running playground."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from playground.customers import TROUBLES
from playground.extractions import CUSTOMERS
from tests.service.conftest import Home


@pytest.fixture
def demo(home: Home) -> Iterator[Home]:
    with home.running("playground") as playground:
        playground.wait_for("Ctrl-C stops it")
        yield home


def test_from_a_definition_to_a_report_and_a_schedule(demo: Home, tmp_path: Path) -> None:
    listed = demo.seezar("extract", "list", "--json").json["extractions"]
    assert [each["definition"]["name"] for each in listed] == ["customers", "events", "windows"]

    read = demo.seezar("extract", "run", "customers", "--json")
    assert (read.code, read.json["status"], read.json["runs"][0]["rows"]) == (0, "extracted", 48), read.err
    rows = demo.seezar("extract", "rows", "customers", "--limit", "3", "--json").json["rows"]
    assert [row["customer"] for row in rows] == ["Alder & Finch", "Ashdown Cycles", "Bluepeak Outdoors"]
    shown = demo.seezar("extract", "show", "customers")
    assert "data.customers_as_of(time)" in shown.out

    for kind in ("csv", "json", "parquet"):
        output = tmp_path / f"customers.{kind}"
        written = demo.seezar("extract", "export", "customers", "--output", str(output), "--json")
        assert (written.code, written.json["rows"]) == (0, 48), written.err
    assert demo.seezar("extract", "export", "customers", "--output", str(output)).code == 1
    picture = tmp_path / "page.jpg"
    assert demo.seezar("extract", "page", read.json["runs"][0]["run_id"], "0", "--output", str(picture)).code == 0
    assert picture.read_bytes().startswith(b"\xff\xd8\xff")

    charts = tmp_path / "charts"
    made = demo.seezar("report", "make", "attention", "--output", str(charts), "--json")
    assert made.code == 0, made.err
    assert all(f"**{name}" in made.json["text"] for name in TROUBLES)
    assert (charts / "chart.png").read_bytes().startswith(b"\x89PNG")
    unknown = demo.seezar("report", "make", "top", "Nobody & Sons")
    assert unknown.code == 1
    assert "unknown_item" in unknown.complaint

    added = demo.seezar("schedule", "add", "morning", "--cron", "0 7 * * 1-5", "--extract", "customers")
    assert (added.code, "is due next at" in added.out) == (0, True)
    assert demo.seezar("schedule", "pause", "morning").out == "morning is paused.\n"
    assert demo.seezar("schedule", "show", "morning", "--json").json["next"] == "paused"
    assert demo.seezar("schedule", "resume", "morning").code == 0
    assert "morning" in demo.seezar("schedule", "list").out
    assert demo.seezar("schedule", "remove", "morning").code == 0
    assert demo.seezar("schedule", "show", "morning").code == 1

    assert demo.seezar("extract", "remove", "customers").code == 1
    assert demo.seezar("extract", "remove", "customers", "--yes").code == 0
    assert json.loads(demo.seezar("extract", "show", "customers", "--json").out)["status"] == "unknown_extraction"

    definition = tmp_path / "customers.yaml"
    definition.write_text(yaml.safe_dump(CUSTOMERS))
    assert demo.seezar("extract", "add", str(definition), "--json").json["stored"] == "new"
    definition.write_text(json.dumps(CUSTOMERS | {"tabs": 2}))
    assert demo.seezar("extract", "add", str(definition), "--json").json["stored"] == "changed"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"name: [", "neither YAML nor JSON"),
        (b"- a list", "holds no definition"),
        (b"\xff\xfe\x00\x01", "neither YAML nor JSON"),
        (b"name: x\naccounts: [a]\nschema: {type: array}", "schema cannot be used"),
        (b"name: x\naccounts: [nobody]\nschema: {type: object, properties: {a: {type: string}}}", "no account named"),
    ],
)
def test_files_that_are_no_definition(home: Home, tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_bytes(content)
    answer = home.seezar("extract", "add", str(path))
    assert answer.code == 1
    assert says in answer.complaint
