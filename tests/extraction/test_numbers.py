"""Numbers of pages: what one text proves, what its column proves, and what nobody can know."""

from contextlib import suppress
from decimal import Decimal
from typing import Literal

import pytest
from babel import Locale
from babel.numbers import format_compact_decimal, format_currency, format_decimal, format_percent
from hypothesis import given, settings
from hypothesis import strategies as st

from seezar.extraction.numbers import Number, decimals, locale_of, read_number
from seezar.extraction.problems import Unreadable

LOCALES = [
    "en-US",
    "en-GB",
    "en-IN",
    "de",
    "de-CH",
    "fr",
    "es",
    "it",
    "pt-BR",
    "sv",
    "pl",
    "cs",
    "ru",
    "ja",
    "hi",
    "ar",
]


def read(text: str, locale: str | None = None, *, whole: bool = False) -> Number:
    found = locale_of(locale)
    return read_number(text, sign=decimals([text], found), locale=found, whole=whole)


@pytest.mark.parametrize(
    ("text", "locale", "value", "unit"),
    [
        ("1.234,5", None, "1234.5", ""),
        ("1,234.5", None, "1234.5", ""),
        ("1 234,5", None, "1234.5", ""),
        ("1'234", None, "1234", ""),
        ("1’234.50", None, "1234.50", ""),
        ("1,23,456.7", None, "123456.7", ""),
        ("1,234,567", None, "1234567", ""),
        ("0,125", None, "0.125", ""),
        (".5", None, "0.5", ""),
        ("12 %", None, "12", "%"),
        ("12‰", None, "1.2", "%"),
        ("+6.2%", None, "6.2", "%"),
        ("−3", None, "-3", ""),
        ("(1,200.50)", None, "-1200.50", ""),
        ("5-", None, "-5", ""),
        ("$-5.20", "en-US", "-5.20", "USD"),
        ("-$5.20", "en-US", "-5.20", "USD"),
        ("3.4k", None, "3400", ""),
        ("3.4k€", None, "3400", "EUR"),
        ("1.2B", "en", "1200000000", ""),
        ("2 Mio. €", "de", "2000000", "EUR"),
        ("1,2 Bio.", "de", "1200000000000", ""),
        ("3万", "ja", "30000", ""),
        ("1e5", None, "100000", ""),
        ("1.5e-3", None, "0.0015", ""),
        ("350 ms", None, "350", "ms"),
        ("CHF 1’200.–", "de-CH", "1200", "CHF"),
        ("kr 5", "sv-SE", "5", "SEK"),
        ("¥1,200", "ja-JP", "1200", "JPY"),
        ("R$ 1.234,50", "pt-BR", "1234.50", "BRL"),
        ("١٢٣", None, "123", ""),
        ("1٬234٫5", "ar", "1234.5", ""),
        ("\u200e12\u200f", None, "12", ""),
        ("1.234", "de", "1234", ""),
        ("1.234", "en", "1.234", ""),
    ],
)
def test_numbers_of_pages(text: str, locale: str | None, value: str, unit: str) -> None:
    assert read(text, locale) == Number(Decimal(value), unit)


@pytest.mark.parametrize(
    ("text", "trouble"),
    [
        ("1,234", "ambiguous"),
        ("1.234", "ambiguous"),
        ("", "unreadable"),
        ("many", "unreadable"),
        ("12 / 30", "unreadable"),
        ("1.2.3", "unreadable"),
        ("12,34,5", "unreadable"),
        ("2026-11-23", "unreadable"),
        ("2 %/month", "unreadable"),
        ("4.2/5", "unreadable"),
        ("1.234,5.6", "unreadable"),
    ],
)
def test_what_is_no_number_is_none(text: str, trouble: str) -> None:
    with pytest.raises(Unreadable) as caught:
        read(text)
    assert caught.value.problem.trouble == trouble
    assert caught.value.problem.text == text


def test_a_column_decides_what_one_text_cannot() -> None:
    german = ["1.234", "12,5", "1.000.000,00"]
    assert decimals(german, None) == decimals(german, locale_of("en")) == ","
    assert read_number("1.234", sign=",").value == 1234
    # Two writings in one column: what proves itself is read, the rest is nobody's to say.
    mixed = ["1.234,5", "1,234.5", "1,234"]
    assert decimals(mixed, locale_of("en")) is None
    assert [read_number(text, sign=None).value for text in mixed[:2]] == [Decimal("1234.5")] * 2
    with pytest.raises(Unreadable):
        read_number("1,234", sign=None)


def test_whole_numbers_have_no_decimals() -> None:
    assert read("1,234", whole=True).value == read("1.234", whole=True).value == 1234


@pytest.mark.parametrize("name", LOCALES)
@settings(deadline=None)  # the first text of a locale loads its data
@given(st.decimals(min_value=-(10**9), max_value=10**9, places=2))
def test_what_a_locale_writes_is_read_again(name: str, value: Decimal) -> None:
    locale = Locale.parse(name, sep="-")
    for text, unit in (
        (format_decimal(value, locale=locale, decimal_quantization=False), ""),
        (format_currency(value, "EUR", locale=locale), "EUR"),
        (format_percent(value / 100, locale=locale, decimal_quantization=False), "%"),
    ):
        assert read_number(text, sign=decimals([], locale), locale=locale) == Number(value, unit), text


@pytest.mark.parametrize("name", LOCALES)
@pytest.mark.parametrize("style", ["short", "long"])
def test_words_of_magnitude_are_those_of_the_locale(name: str, style: Literal["short", "long"]) -> None:
    locale = Locale.parse(name, sep="-")
    if style not in locale.compact_decimal_formats:
        pytest.skip("the locale has one style only")
    for power in range(3, 15):
        # French writes one thousand as a word.
        text = format_compact_decimal(3 * 10**power, format_type=style, locale=locale)
        assert read_number(text, sign=decimals([], locale), locale=locale).value == 3 * 10**power, text


@settings(deadline=None)
@given(st.text(max_size=40))
def test_any_text_is_a_number_or_a_problem(text: str) -> None:
    for locale in (None, *LOCALES[:4]):
        with suppress(Unreadable):
            assert read(text, locale).value.is_finite()
