"""Numbers as pages write them: `1.234,5`, `1 234,5`, `1,23,456.7`, `(12)`, `−3`, `12 %`, `3.4k`, `2 Mio. €`, `١٢٣`.

Which sign is the decimal one is decided by what a text itself proves, then by what its column proves, then by the
locale. A text that can still be read in two ways is ambiguous, which is a problem and no number. Words for thousands
and millions and the symbols of currencies are those of the Unicode CLDR (by Babel) for the locale and for English.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal, cast

from babel import Locale
from babel.core import UnknownLocaleError
from babel.numbers import get_currency_symbol, get_decimal_symbol, get_territory_currencies

from seezar.extraction.problems import Unreadable

type Decimals = Literal[".", ","]

_SPACES = "\u0020\u00a0\u2009\u202f"
_APOSTROPHES = "'\u2019\u02bc"
# The hyphen stands last: between two characters of a class of a pattern it would be a range.
_MINUS = "\u2212\u2012\u2013\ufe63\uff0d-"
# Marks of direction and joiners say nothing about the value.
_INVISIBLE = dict.fromkeys([*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A), 0xFEFF, 0x061C])
_TOKEN = re.compile(rf"\d(?:[\d.,{_SPACES}{_APOSTROPHES}]*\d)?|\.\d+")
_PLUS_MINUS = re.compile(rf"^([+{_MINUS}])\s*")
_EXPONENT = re.compile(rf"^[eE]([+{_MINUS}]?\d{{1,3}})$")
# "CHF 1'200.–"
_NO_CENTS = re.compile(r"(?<=\d)[.,][\u2013\u2014-]+")
_PERCENT = {"%": 1, "‰": 10}
# The prefixes of the SI that pages put behind a count, whatever their language.
_UNIVERSAL = {"k": 3, "K": 3, "M": 6, "G": 9}


@dataclass(frozen=True, slots=True)
class Number:
    """A number that was read.

    Attributes:
        value: exact; of percent the number before the sign.
        unit: "%", an ISO 4217 code, what else stands beside the number, or "".
        magnitude: power of ten that a word beside the number said, as in "3.4k"; `value` has it in it.
    """

    value: Decimal
    unit: str = ""
    magnitude: int = field(default=0, compare=False)


def folded(text: str) -> str:
    """`text` with ASCII digits, the separators of Latin script, one space between words, and nothing invisible."""
    text = unicodedata.normalize("NFKC", text.replace("\u202f", "\u00a0")).translate(_INVISIBLE)
    text = text.replace("\u066b", ",").replace("\u066c", "'")
    digits = (str(unicodedata.decimal(c)) if unicodedata.decimal(c, None) is not None else c for c in text)
    return re.sub(r"\s+", " ", "".join(digits)).strip()


def locale_of(name: str | None) -> Locale | None:
    """The locale of a tag like "de", "de-CH" or "pt_BR"; None when there is none, or none of this name."""
    # What ISO 639 has for no language in particular says nothing about numbers.
    if not name or re.split(r"[-_]", name)[0].casefold() in ("und", "mul", "zxx", "mis"):
        return None
    try:
        return Locale.parse(name.replace("_", "-"), sep="-")
    except (UnknownLocaleError, ValueError, TypeError):
        base = re.split(r"[-_]", name)[0]
        return locale_of(base) if base != name else None


def proven(text: str) -> Decimals | None:
    """The decimal sign that `text` alone proves, or None."""
    tokens = _TOKEN.findall(folded(text))
    if len(tokens) != 1:
        return None
    return _own(tokens[0])[0]


def decimals(texts: Iterable[str], locale: Locale | None) -> Decimals | None:
    """The decimal sign of a column: what its texts prove, else the locale's; None when they contradict each other.

    A text that proves no sign does not count.
    """
    found: set[Decimals] = {sign for text in texts if (sign := proven(text)) is not None}
    if len(found) > 1:
        return None
    if found:
        return found.pop()
    if locale is None:
        return None
    return "," if get_decimal_symbol(locale) in (",", "\u066b") else "."


def read_number(text: str, *, sign: Decimals | None, locale: Locale | None = None, whole: bool = False) -> Number:
    """The number of `text`.

    Args:
        text: what stands on the page.
        sign: the decimal sign of its column (`decimals`), None when nobody knows.
        locale: for words of magnitude and signs of currencies.
        whole: the field has whole numbers only, so that a group of three digits is a group.

    Raises:
        Unreadable: it holds no number, more than one, or one that can be read in two ways.
    """
    plain = folded(text)
    negative, plain = _sign(_NO_CENTS.sub("", plain))
    found = list(_TOKEN.finditer(plain))
    if not found:
        raise Unreadable("unreadable", text, "There is no number in it.")
    exponent = 0
    if len(found) == 2 and (power := _EXPONENT.match(plain[found[0].end() :])):
        exponent = int(power[1].translate({ord(c): "-" for c in _MINUS}))
    elif len(found) > 1:
        raise Unreadable("unreadable", text, "There is more than one number in it.")
    token = found[0]
    value = Decimal(_joined(token[0], text, sign, whole=whole)).scaleb(exponent)
    behind = "" if exponent else plain[token.end() :]
    unit, power_of_ten, divided = _beside(plain[: token.start()], behind, text, locale)
    value = value.scaleb(power_of_ten) / divided
    return Number(-value if negative else value, unit, power_of_ten)


def read_unit(text: str, locale: Locale | None) -> tuple[str, int]:
    """The unit and the power of ten that a header says, as in "Revenue (k€)" or "Visits (in thousands)".

    Raises:
        Unreadable: it is more than a unit.
    """
    words = [_singular(word) for word in folded(text).split() if word.casefold() != "in"]
    unit, power, divided = _beside("", " ".join(words), text, locale)
    if divided != 1:
        power -= 1
    return unit, power


def _singular(word: str) -> str:
    return word[:-1] if word.endswith("s") and _magnitude(word[:-1], Locale.parse("en")) is not None else word


def _sign(plain: str) -> tuple[bool, str]:
    """Whether it is negative, and the rest. Accounts write a loss in brackets, some programs put the sign behind."""
    if plain.startswith("(") and plain.endswith(")"):
        return True, plain[1:-1].strip()
    if match := _PLUS_MINUS.match(plain):
        return match[1] != "+", plain[match.end() :]
    if plain[-1:] in set(_MINUS) and plain[-2:-1].isdigit():
        return True, plain[:-1]
    # The sign may stand between a currency and the number.
    if match := re.search(rf"^(\D*?)([+{_MINUS}])(?=[\d.])", plain):
        return match[2] != "+", match[1] + plain[match.end() :]
    return False, plain


def _own(token: str) -> tuple[Decimals | None, bool]:
    """The decimal sign that a token proves, and whether it can be read in one way only."""
    dots, commas = token.count("."), token.count(",")
    if dots and commas:
        last: Decimals = "." if token.rindex(".") > token.rindex(",") else ","
        return last, True
    if not dots and not commas:
        return None, True
    mark = "." if dots else ","
    other: Decimals = "," if dots else "."
    if dots + commas > 1:
        return other, True
    before, after = token.split(mark)
    blanks = re.search(rf"[{_SPACES}{_APOSTROPHES}]", before)
    if blanks or len(after) != 3 or len(before) > 3 or before in ("", "0"):
        return mark, True
    return None, False


def _joined(token: str, text: str, sign: Decimals | None, *, whole: bool) -> str:
    """The token in Python's writing."""
    mark, sure = _own(token)
    if mark is None:
        mark = sign
        if not sure and whole:
            mark = "," if "." in token else "."
        elif not sure and mark is None:
            raise Unreadable(
                "ambiguous", text, "Nothing on the page says whether its sign is for decimals or thousands."
            )
    body, _, fraction = token.partition(mark) if mark and mark in token else (token, "", "")
    groups = re.split(rf"[.,{_SPACES}{_APOSTROPHES}]", body)
    if len(groups) > 1 and not _grouped(groups):
        raise Unreadable("unreadable", text, "Its digits are not in groups of a number.")
    if not fraction.isdigit() and fraction:
        raise Unreadable("unreadable", text, "It has two decimal signs.")
    return f"{''.join(groups) or '0'}.{fraction}" if fraction else "".join(groups)


def _grouped(groups: list[str]) -> bool:
    """Groups of three digits, or as in India of two and a last one of three, or as in China of four."""
    first, *rest = groups
    if not first or not all(rest):
        return False
    if len(first) <= 3 and all(len(group) == 3 for group in rest):
        return True
    if len(first) <= 2 and len(rest[-1]) == 3 and all(len(group) == 2 for group in rest[:-1]):
        return True
    return len(first) <= 4 and len(rest) > 1 and all(len(group) == 4 for group in rest)


def _beside(before: str, behind: str, text: str, locale: Locale | None) -> tuple[str, int, int]:
    """Unit, power of ten and divisor that the words beside the number say."""
    words = [word for word in re.split(r"\s+", f"{before.strip()} {behind.strip()}") if word]
    # "12%" and "3.4k€" are written without a space.
    words = [part for word in words for part in re.findall(r"[%‰]|[^\W\d_]+\.?/?[^\s%‰]*|[^\w\s%‰]+", word)]
    power, words = _magnitude_of(words, locale)
    divided, units = 1, list[str]()
    for word in words:
        if word in _PERCENT:
            units.append("%")
            divided *= _PERCENT[word]
        elif (currency := currency_of(word, locale)) is not None:
            units.append(currency)
        elif (split := _glued(word, locale)) is not None and not power:
            power, currency = split
            units.append(currency)
        else:
            units.append(word)
    unique = list(dict.fromkeys(units))
    if "%" in unique and len(unique) > 1:
        raise Unreadable("unreadable", text, "There is more than a number and its unit in it.")
    return " ".join(unique), power, divided


def _magnitude_of(words: list[str], locale: Locale | None) -> tuple[int, list[str]]:
    """The power of ten that is said, in one word or as in "mil M" in several, and the words that do not say it."""
    for size in range(len(words), 0, -1):
        for start in range(len(words) - size + 1):
            end = start + size
            if (power := _magnitude("".join(words[start:end]), locale)) is not None:
                return power, words[:start] + words[end:]
    return 0, words


def _glued(word: str, locale: Locale | None) -> tuple[int, str] | None:
    """`k€` and the like."""
    power, currency = _magnitude(word[:1], locale), currency_of(word[1:], locale)
    return None if power is None or currency is None else (power, currency)


def _magnitude(word: str, locale: Locale | None) -> int | None:
    """The power of ten that a word of magnitude stands for."""
    if (power := _UNIVERSAL.get(word)) is not None:
        return power
    return _magnitudes(str(locale) if locale else "en").get(word.rstrip(".").casefold() if len(word) > 1 else word)


@lru_cache(maxsize=64)
def _magnitudes(name: str) -> dict[str, int]:
    """CLDR's short and long words of magnitude of a locale; English where they do not contradict them."""
    found: dict[str, int] = {}
    for locale in dict.fromkeys([Locale.parse(name), Locale.parse("en")]):
        mine: dict[str, int] = {}
        # Babel says nothing of their types.
        styles = cast("Mapping[str, Mapping[str, Mapping[str, Any]]]", locale.compact_decimal_formats)
        for formats in (styles.get(length, {}) for length in ("short", "long")):
            for forms in formats.values():
                for size, pattern in forms.items():
                    written = str(pattern.pattern)
                    word = re.sub(r"[0\s\u00a0'.]", "", written)
                    if word and "0" in written:
                        power = len(size) - written.count("0")
                        mine.setdefault(word.casefold() if len(word) > 1 else word, power)
        found = mine | found if not found else found | {k: v for k, v in mine.items() if k not in found}
    return found


def currency_of(word: str, locale: Locale | None) -> str | None:
    """The ISO 4217 code of a currency's code or symbol; None when it is none, or that of several."""
    if re.fullmatch(r"[A-Z]{3}", word) and word in _codes():
        return word
    if not word or (word.isalnum() and len(word) > 3):
        return None
    own = get_territory_currencies(locale.territory) if locale and locale.territory else []
    for code in own:
        if word in (get_currency_symbol(code, locale), get_currency_symbol(code, "en")):
            return code
    codes = _symbols().get(word, ())
    return codes[0] if len(codes) == 1 else None


@lru_cache(maxsize=1)
def _codes() -> frozenset[str]:
    return frozenset(Locale.parse("en").currencies)


@lru_cache(maxsize=1)
def _symbols() -> dict[str, tuple[str, ...]]:
    """Symbols that are not letters alone, and whose currencies they stand for in English."""
    found: dict[str, list[str]] = {}
    symbols = cast("Mapping[str, str]", Locale.parse("en").currency_symbols)
    for code, symbol in symbols.items():
        if symbol != code:
            found.setdefault(symbol, []).append(code)
    return {symbol: tuple(codes) for symbol, codes in found.items()}
