"""What could be a code: numbers, groups, letter-digit tokens and words, cut from clean lines with what they look like.

Dates, times, prices, phone numbers, addresses and the like are blanked first, so that no part of them is offered.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from seezar.mail.document import Line


class Shape(Enum):
    """The form of a candidate. Its value in the scoring is in `codes`."""

    DIGITS = auto()
    SPLIT_DIGITS = auto()
    MIXED = auto()
    UPPER = auto()
    MIXED_CASE = auto()
    LOWER = auto()
    WORDS = auto()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A possible code.

    Attributes:
        value: as it would be typed: digits without their gaps, letters as written.
        shape: its form.
        line: index of the line in the document; -1 for the subject.
        start, end: its place in that line.
        last_line: last line it takes up, for codes with a cell or line per character.
        glued: a word directly before it belongs to the same run of letters and digits.
    """

    value: str
    shape: Shape
    line: int
    start: int
    end: int
    last_line: int
    glued: bool = False


_BLANK = "\x00"
_CURRENCY_SIGN = "[$€£¥₹₽₩₺₫₴₦₱฿₪]|R\\$"
_CURRENCY_NAME = (
    r"(?<![A-Za-z])(?:EUR|USD|GBP|CHF|JPY|CNY|RMB|INR|RUB|TRY|PLN|CZK|HUF|SEK|NOK|DKK|BRL|MXN|KRW|VND|IDR|AUD|CAD|ARS|CLP|COP|RON|BGN"
    r"|UAH|KZT|AED|SAR|EGP|ILS|THB|MYR|SGD|HKD|TWD|NZD|ZAR|PHP|Rs|kr|zł|Kč|Ft|лв|руб|грн|тг|lei|TL|ريال|درهم)(?![A-Za-z])"
)
_CURRENCY_AFTER = "円|元|원|บาท|đ\\b|تومان"
_MONEY = [
    rf"(?:{_CURRENCY_SIGN}|{_CURRENCY_NAME})\.?\s?\d[\d.,' ]{{0,18}}\d?",
    rf"(?<![\w-])\d[\d.,' ]{{0,18}}(?:\s?(?:{_CURRENCY_SIGN}|{_CURRENCY_AFTER})|\s{_CURRENCY_NAME})",
]
AMOUNT = re.compile("|".join(_MONEY), re.IGNORECASE)
"""An amount of money."""
# What may repeat is bounded, or begins only where nothing of its kind stands before: a line of 2,000 characters that is
# searched from each of its places to its end takes a tenth of a second, and a mail may have 400 of them.
# Letters of scripts that write no spaces between words.
_UNSPACED = "\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_NOT_CODES = re.compile(
    "|".join(
        [
            r"https?://\S+|www\.\S+|(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}\.[\w.-]{1,190}",
            # The port of a site on this machine or in this network, which such a site has in its name.
            r"(?<![\w.-])(?:\d{1,3}(?:\.\d{1,3}){3}|localhost|\[[0-9a-f:]+\]):\d{2,5}\b",
            # Domains with a path, and file names.
            r"(?<![\w.-])[\w-]{1,63}(?:\.[\w-]{1,63}){0,6}\.[a-z]{2,8}/\S*|\b\w+\.(?:pdf|zip|png|jpe?g|csv|xlsx?|docx?|ics|html?)\b",
            r"\b\d{4}([-/.])\d{1,2}\1\d{1,2}(?:T\d{2}:\d{2}\S*)?\b|\b(?:[0-3]?\d([-/.])[01]?\d\2|[01]?\d([-/.])[0-3]?\d\3)(?:\d{4}|\d{2})\b|\b\d{1,2}\.\s\d{1,2}\.\s\d{4}\b",
            r"\d{4}\s?[年년]\s?\d{1,2}\s?[月월](?:\s?\d{1,2}\s?[日일])?",
            r"\b\d{1,2}:\d{2}(?::\d{2})?(?:[.,]\d+)?(?!\d)",
            r"\b\d{1,3}(?:\.\d{1,3}){3}\b|\b(?:[0-9a-fA-F]{1,4}:){3,7}[0-9a-fA-F]{0,4}\b|\b(?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}\b",
            r"\bCVE-\d{4}-\d+|\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b|\b[0-9a-f]{17,}\b",
            *_MONEY,
            r"\b\d{1,3}(?:[.,']\d{3})+(?:[.,]\d{1,2})?\b|(?<!\d)\d{1,6}\s?%",
            rf"\b\d+[.,]\d{{1,2}}\b(?![.,]?\d)(?<!\d{{4}},\d\d(?= [{_UNSPACED}]))",
            r"\+\s?\d[\d\s().-]{6,20}\d|\(\+?\d{2,5}\)\s?\d[\d\s-]{4,16}\d|\b\d{3,4}-\d{3,4}-\d{4}\b|\b1?-?8\d\d-\d{3}-\d{4}\b",
            r"\b0\d{2,4}(?:[ /-]\d{2,4}){2,}\b|\b0\d{2,4}/\d{4,}\b|\b0\d{1,3}-\d{4}-\d{4}\b",
            # Masked cards and accounts, IBANs, four or more groups of digits.
            r"(?<![*•●xX·])[*•●xX·]{2,30}[ -]?\d{2,4}\b(?!\*)",
            r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,}(?: ?[A-Z0-9]{1,4})?\b",
            r"\b\d{4}(?:[ -]\d{4}){2,}(?:[ -]\d{1,4})?\b",
            r"\b\d{2,4}(?:[ -]\d{2,4}){3,}\b",
            r"(?:©|\(c\)|copyright)\s*(?:\d{4}\s*-\s*)?\d{4}",
            r"\bv\d+(?:\.\d+)*\b|\b\d+(?:\.\d+){1,}\b",
            r"\b\d+(?:st|nd|rd|th)\b|\b\d+\s?x\s?\d+\b|\b\d{1,3}/\d{1,3}\b",
            r"(?<![\w-])\d+\s?(?:px|pt|em|[kMG]B|[kKMG]i?B|km|kg|cm|mm|m²|°|years?|days?|hours?|mins?|minutes?|seconds?|people|users?)\b",
        ]
    ),
    re.IGNORECASE,
)

_EDGE_BEFORE = r"(?<![0-9A-Za-z_\x00])(?<!\d[.,/:+-])(?<![A-Za-z][/+-])"
_EDGE_AFTER = r"(?![0-9A-Za-z_\x00])(?![-.,/:+](?:\d|[A-Z]))"
_SINGLES = re.compile(r"(?<![\w-])(?:[0-9A-Z]([ -]))(?:[0-9A-Z]\1){2,8}[0-9A-Z](?![\w-])(?!\1\w\b)")
_SINGLES_HALVED = re.compile(r"(?<![\w-])\d(?: \d){2} - \d(?: \d){2}(?![ -]?\w)")
_SPLIT = re.compile(
    rf"{_EDGE_BEFORE}(?<!\d )(?:\d{{3}}( ?[- ·.] ?)\d{{3}}(?:\1\d{{3}})?"
    r"|\d{2}( ?[- ·] ?)\d{2}\2\d{2}|\d{4}([- ])\d{4}"
    r"|\d{3}([- ])\d{2}\4\d{3}"
    rf"|\d{{2}}([- ])\d{{3}}\5\d{{2,3}})(?![ -]\d){_EDGE_AFTER}"
)
# "G-123456": the letter tells who sent it and is not typed; more than one is part of the code.
_PREFIXED = re.compile(rf"{_EDGE_BEFORE}[A-Z]-(\d{{4,8}}){_EDGE_AFTER}")
_DIGITS = re.compile(
    rf"{_EDGE_BEFORE}(?:\d{{5,10}}|(?<!\d[ -])\d{{4}}(?![ -]\d{{2}}))"
    # "627014,10分钟" is a code and ten minutes, "627014,10" a number.
    rf"(?![0-9A-Za-z_\x00])(?![-./:+]\d)(?!,\d+(?!\d| ?[{_UNSPACED}]))(?!-[A-Za-z]{{5,}})(?!-[A-Z])"
)
_GLUED = re.compile(r"(?<![\w.@/-])([^\W\d_]{2,})(\d{4,8})(?![\w-])")
_MIXED = re.compile(
    rf"{_EDGE_BEFORE}(?=[A-Za-z-]{{0,40}}\d)(?=[\d-]{{0,40}}[A-Za-z])(?:[A-Za-z0-9]{{2,10}}(?:-[A-Za-z0-9]{{1,10}}){{1,4}}|[A-Za-z0-9]{{4,12}}){_EDGE_AFTER}(?!@)"
)
_UPPER = re.compile(r"(?<![\w.@/&-])(?:[A-Z]{4,12}|[A-Z]{3,5}(?:-[A-Z]{3,5}){1,3})(?![\w@&-])(?!\.\w)")
_MIXED_CASE = re.compile(r"(?<![\w.@/-])(?=[A-Za-z]*[a-z])(?=[A-Za-z]*[A-Z])[A-Za-z]{5,16}(?![\w@/-])(?!\.\w)")
# A line of its own; words in small letters stand everywhere else.
_LOWER_LINE = re.compile(r"[a-z]{6,12}")
_WORDS = re.compile(r"(?<![\w.@/-])[A-Za-z]{3,10}(?:-[A-Za-z]{3,10}){2,6}(?![\w@/-])")
# Capitalised words ("Verify", "McDonald", "GitHub") are names; a code changes case in places where words do not.
_NAME_LIKE = re.compile(
    r"[A-Z]?[a-z]+|[A-Z][a-z]+(?:[A-Z][a-z]+){1,3}|[a-z]+[A-Z][a-z]+|[A-Z]+s?|[A-Z]{2,}[a-z]{3,}|[A-Z][a-z]+[A-Z]{2,}"
)


def in_text(text: str, line: int) -> list[Candidate]:
    """The candidates of one clean line, none overlapping another."""
    digits = any(ch.isdigit() for ch in text)
    if digits or "://" in text or "@" in text:
        masked = _NOT_CODES.sub(lambda match: _BLANK * len(match[0]), text)
    else:
        masked = text
    found: list[Candidate] = []
    taken = [False] * (len(masked) + 1)

    def take(start: int, end: int, value: str, shape: Shape, glued: bool = False) -> None:
        if not any(taken[start:end]):
            taken[start:end] = [True] * (end - start)
            found.append(Candidate(value, shape, line, start, end, line, glued))

    if digits:
        _take_numbers(masked, take)
    for match in _WORDS.finditer(masked):
        take(match.start(), match.end(), match[0], Shape.WORDS)
    for match in _UPPER.finditer(masked):
        take(match.start(), match.end(), match[0], Shape.UPPER)
    for match in _MIXED_CASE.finditer(masked):
        if not _NAME_LIKE.fullmatch(match[0]):
            take(match.start(), match.end(), match[0], Shape.MIXED_CASE)
    if line >= 0 and _LOWER_LINE.fullmatch(text):
        take(0, len(text), text, Shape.LOWER)
    return sorted(found, key=lambda candidate: candidate.start)


def _take_numbers(masked: str, take: Callable[..., None]) -> None:
    for match in _SINGLES.finditer(masked):
        if any(ch.isdigit() for ch in match[0]):
            value = re.sub(r"[ -]", "", match[0])
            take(match.start(), match.end(), value, Shape.SPLIT_DIGITS if value.isdigit() else Shape.MIXED)
    for pattern in (_SINGLES_HALVED, _SPLIT):
        for match in pattern.finditer(masked):
            take(match.start(), match.end(), re.sub(r"\D", "", match[0]), Shape.SPLIT_DIGITS)
    for match in _PREFIXED.finditer(masked):
        take(match.start(), match.end(), match[1], Shape.DIGITS)
    for match in _DIGITS.finditer(masked):
        take(match.start(), match.end(), match[0], Shape.DIGITS)
    for match in _GLUED.finditer(masked):
        take(match.start(2), match.end(2), match[2], Shape.DIGITS, glued=True)
    for match in _MIXED.finditer(masked):
        if re.search(r"\d", match[0]) and re.search(r"[A-Za-z]", match[0]):
            take(match.start(), match.end(), match[0], Shape.MIXED)


def across_lines(lines: list[Line], indices: list[int]) -> list[Candidate]:
    """Codes with one character, or one group of three digits, a line: cells of a table, boxes of a row."""
    found: list[Candidate] = []
    position = 0
    while position < len(indices):
        run = _run(lines, indices, position, 1)
        if not 4 <= len(run) <= 10:
            run = _run(lines, indices, position, 3)
            if len(run) != 2 or not all(lines[i].text.isdigit() for i in run):
                position += 1
                continue
        value = "".join(lines[i].text for i in run)
        if sum(ch.isdigit() for ch in value) * 2 >= len(value):
            shape = Shape.SPLIT_DIGITS if value.isdigit() else Shape.MIXED
            found.append(Candidate(value, shape, run[0], 0, len(lines[run[0]].text), run[-1]))
        position += len(run)
    return found


def _run(lines: list[Line], indices: list[int], position: int, width: int) -> list[int]:
    run: list[int] = []
    for index in indices[position:]:
        text = lines[index].text
        if len(text) != width or not text.isascii() or not text.isalnum() or text != text.upper():
            break
        run.append(index)
    return run


def usualness(candidate: Candidate, *, direct: bool, alone: bool) -> float:
    """Points for how usual the form is for a one-time code; forms that words have need a direct binding."""
    length = len(candidate.value.replace("-", ""))
    match candidate.shape:
        case Shape.DIGITS:
            usual = {4: 1.0, 5: 0.9, 6: 2.0, 7: 1.0, 8: 1.4, 9: 0.5, 10: 0.0}
            return usual.get(length, -2.0)
        case Shape.SPLIT_DIGITS:
            return {4: 1.2, 5: 1.2, 6: 2.0, 7: 1.0, 8: 1.6, 9: 1.0}.get(length, -1.0)
        case Shape.MIXED:
            usual = 1.4 if 5 <= length <= 9 else 0.6 if length <= 12 else -0.5
            lower = any(ch.islower() for ch in candidate.value)
            return usual - (0.4 if lower else 0.0) - (0.0 if direct or alone else 1.5)
        case Shape.UPPER | Shape.MIXED_CASE | Shape.LOWER:
            return (0.7 if 5 <= length <= 9 else 0.2) if direct else -3.0
        case Shape.WORDS:
            return 0.6 if direct else -3.0
