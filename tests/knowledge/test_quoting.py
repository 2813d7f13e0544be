"""Words are found as they stand, and words that do not stand there are not."""

import pytest

from seezar.knowledge.quoting import words_in

TEXT = "Refunds\nRefunds of “card” payments take\n five days – never more.\n| Berth | 12.5 m |"


@pytest.mark.parametrize(
    ("quote", "found"),
    [
        ("take five days", "take five days"),
        ('of "card" payments', "of “card” payments"),
        ("five days - never more", "five days – never more"),
        ("REFUNDS OF", "Refunds of"),
        ("“take five days”", "take five days"),
        ("| Berth | 12.5 m |", "| Berth | 12.5 m |"),
        ("take fifty days", None),
        # A part of a word or number is another word or number.
        ("2.5 m", None),
        ("5 m", None),
        ("Berth | 12", None),
        ("five day", None),
        ("", None),
        ("…", None),
    ],
)
def test_words(quote: str, found: str | None) -> None:
    assert words_in(TEXT, quote) == found
