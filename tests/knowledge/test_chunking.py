"""Passages: complete, in order, within the limit, each with its heading."""

from hypothesis import given
from hypothesis import strategies as st

from seezar.knowledge.chunking import chunks


def test_a_section_is_a_passage_with_title_and_heading() -> None:
    text = "# Overview\nhello\n## Top events\n| Event | Count |\n| Login | 3 |"
    assert chunks("Acme", text) == ["Acme\nOverview\nhello", "Acme\nTop events\n| Event | Count |\n| Login | 3 |"]


def test_a_cut_table_repeats_its_header() -> None:
    rows = ["| Event | Count |", *(f"| event {i} | {i} |" for i in range(40))]
    parts = chunks("", "\n".join(rows), limit=200)
    assert len(parts) > 2
    assert all(part.startswith("| Event | Count |\n| event ") for part in parts)
    assert [line for part in parts for line in part.splitlines() if "event " in line] == rows[1:]


@given(st.text(alphabet="ab #|\n", max_size=300), st.integers(min_value=10, max_value=60))
def test_nothing_is_lost_and_nothing_is_longer(text: str, limit: int) -> None:
    parts = chunks("", text, limit=limit)
    kept = sum(part.count("a") for part in parts)
    lost_headings = sum(line.count("a") for line in text.splitlines() if line.strip().startswith("#"))
    assert kept >= text.count("a") - lost_headings
    headings = max((len(line) for line in text.splitlines()), default=0)
    assert all(len(part) <= limit + headings + 1 for part in parts)


def test_an_empty_page_gives_nothing_and_a_bare_title_itself() -> None:
    assert chunks("", " \n") == []
    assert chunks("Title", "") == ["Title"]
