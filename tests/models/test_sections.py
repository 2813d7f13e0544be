"""Finding what a question is about in the text of a page."""

import pytest

from seezar.models.rules.sections import find

TEXT = """# Overview
Yesterday, all customers
Total events
50,834
## Top events
| Event | Count | Change |
| Shipment booked | 18,452 | +6.2% |
| Total | 50,834 |  |
## Events per day
14 days ago
## Customers
| Customer | Plan |
| Aldergate Foods | Enterprise |
"""


@pytest.mark.parametrize(
    ("topic", "expected"),
    [
        (
            "top events",
            "Top events\n\n| Event | Count | Change |\n| --- | --- | --- |\n"
            "| Shipment booked | 18,452 | +6.2% |\n| Total | 50,834 |  |",
        ),
        ("yesterday's top events", "Top events\n\n| Event"),
        ("per-customer metrics", "Customers\n\n| Customer | Plan |"),
        ("total events", "Total events: 50,834"),
        (
            "shipments booked",
            "\n\n| Event | Count | Change |\n| --- | --- | --- |\n| Shipment booked | 18,452 | +6.2% |",
        ),
        ("events per day", "Events per day\n\n14 days ago"),
    ],
)
def test_found(topic: str, expected: str) -> None:
    assert (find(TEXT, topic) or "").startswith(expected)


@pytest.mark.parametrize("topic", ["refund policy", "the of", "weather"])
def test_not_found(topic: str) -> None:
    assert find(TEXT, topic) is None


def test_a_long_table_is_cut_and_says_so() -> None:
    rows = "\n".join(f"| event {i} | {i} |" for i in range(30))
    found = find(f"## Top events\n| Event | Count |\n{rows}", "top events")
    assert found is not None
    assert found.endswith("(10 more rows are on the page.)")
