"""What a mail is about other than signing in, told without the words of a language: a time, a meeting, a choice."""

import re
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import urlsplit

from seezar.mail.candidates import AMOUNT
from seezar.mail.normalise import word_set
from seezar.mail.urls import token_value

_MONTH = (
    r"(?:jan|feb|f[eé]v|mar|m[aä]r|apr|avr|abr|ma[iyj]|mei|jun|jui|juin|jul|aug|ao[uû]|ago|sep|set|o[ck]t|out|nov|de[czs]|d[eé]c|dic"
    r"|янв|фев|мар|апр|ма[йя]|июн|июл|авг|сен|окт|ноя|дек)[^\W\d]{0,8}"
)
_DATE = (
    rf"\b[0-3]?\d\.?\s(?:de\s|d')?{_MONTH}\b|\b{_MONTH}\.?\s[0-3]?\d\b|(?<![\d./-])[0-3]?\d\.\s?[01]?\d\.|(?<![\d./-])(?:[0-3]?\d/[01]?\d|[01]?\d/[0-3]?\d)(?![\d/])"
    r"|[01]?\d\s?[月월]\s?[0-3]?\d\s?[日일]|\b20\d\d-[01]\d-[0-3]\d\b|(?<![\d/])[0-3]?\d/[0-3]?\d/20\d\d\b"
)
_CLOCK = (
    r"(?<![\d:.])(?:[01]?\d|2[0-3])(?:[:.][0-5]\d(?![\d:]|\.\d|\s?(?:UTC|GMT))|\s?[hH](?:[0-5]\d)?\b|\s?[ap]\.?m\b|\s?Uhr\b|\s?(?:時|时|點|点|시)(?![間间간]))"
    r"|\bkl\.?\s?[0-2]?\d\b"
)
_EVENT_DATE = re.compile(_DATE, re.IGNORECASE)
_EVENT_CLOCK = re.compile(_CLOCK, re.IGNORECASE)
# Nine to eleven digits in groups, as conference systems write the number of a room; a phone number begins with a plus.
_MEETING = re.compile(r"(?<![\d+(/-])(?<!\d )(?<!\d-)\d{3}[ -]\d{3,4}[ -]\d{3,4}(?![\d-]| \d)")
# The last word of a URL that answers with no: URLs are written in English, answers in any language.
_NO = word_set(
    "no n nein non nee nej nei nie ne nem nao não hayir nu ochi la lo не нет ні decline declined reject deny "
    "dismiss disagree refuse abort cancel undo revert rollback maybe 0 false"
)


def dated(text: str) -> bool:
    """Whether a day is named."""
    return _EVENT_DATE.search(text) is not None


@lru_cache(maxsize=1024)
def timed(text: str) -> bool:
    """Whether a day and a time of it are named."""
    return dated(text) and _EVENT_CLOCK.search(text) is not None


@lru_cache(maxsize=1024)
def priced(text: str) -> bool:
    """Whether an amount of money is named."""
    return AMOUNT.search(text) is not None


@lru_cache(maxsize=1024)
def numbered(text: str) -> bool:
    """Whether the number of a meeting stands in a text."""
    return _MEETING.search(text) is not None


class Choices:
    """The links of a mail that are offered side by side, told by the form of their URLs: `/e/…/yes` and `/e/…/no`."""

    def __init__(self, urls: Iterable[str]) -> None:
        self._forms = {url: form for url in urls if (form := _form(url)) is not None}
        self._by_length: dict[tuple[str, int], list[str]] = {}
        for url, form in self._forms.items():
            self._by_length.setdefault((form[0], len(form)), []).append(url)

    def others(self, url: str) -> list[str]:
        """URLs that differ from `url` in their token and in one word more at most."""
        form = self._forms.get(url)
        if form is None:
            return []
        near = self._by_length[form[0], len(form)][:20]
        return [
            other
            for other in near
            if other != url and sum(a != b for a, b in zip(form, self._forms[other], strict=True)) <= 1
        ]

    def declines(self, url: str) -> bool:
        """Whether a word of the URL's form answers with no."""
        return not _NO.isdisjoint(self._forms.get(url, ())[1:])


def _form(url: str) -> tuple[str, ...] | None:
    """Host, segments and parameters of a URL with `*` for what is a token; None when none is."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    pieces = [piece for piece in re.split(r"[/?&;]", f"{parts.path}?{parts.query}&{parts.fragment}") if piece][:30]
    words = [_masked(piece) for piece in pieces]
    form = (parts.netloc.lower(), *(word for pair in words for word in pair))
    return form if "*" in form else None


def _masked(piece: str) -> tuple[str, ...]:
    key, equals, value = piece.partition("=")
    if not equals:
        return ("*" if token_value(key) >= 1.0 else key.lower(),)
    return key.lower(), "*" if token_value(value) >= 1.0 else value.lower()
