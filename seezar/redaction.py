"""The one gate before models, traces, logs, screenshots and stored pages.

Known secrets are replaced wherever they stand, in the forms they are met in. What is not known cannot be replaced: the
second line of defence is that values of form fields never get here at all (see `seezar.browser.reader`).
"""

import base64
import json
import re
from collections.abc import Mapping
from functools import cached_property
from urllib.parse import quote, quote_plus

# A replacement of fewer characters would hit innocent text ("1" in every number).
_SHORTEST = 4
# A base32 key, as a site shows it beside its QR code: in groups, and often in lower case.
_BASE32 = re.compile(r"[A-Z2-7]{16,}")
# JavaScript reads these expressions as well, for screenshots: only what both languages know is used.
_GAP = r"[\s\u00a0-]?"
_GAPS = re.compile(r"[\s\u00a0-]")
# So many sets of secrets that were found together are remembered with their expression.
_MOST_PATTERNS = 64


class Redactor:
    """Replaces known secrets by `«secret:name»`.

    An expression for hundreds of secrets takes a second for a page of text; so which of them a text may hold is found
    first, by looking for their forms as plain substrings, and only those are searched for as they may be written.

    Args:
        secrets: name → value; values shorter than four characters are left out.
    """

    def __init__(self, secrets: Mapping[str, str]) -> None:
        # The longest first: a secret may contain another.
        ordered = sorted(secrets.items(), key=lambda item: -len(item[1]))
        self._secrets = [_Secret(name, value) for name, value in ordered if len(value) >= _SHORTEST]
        self._patterns: dict[tuple[int, ...], re.Pattern[str]] = {}

    def __call__(self, text: str) -> str:
        """`text` without the known secrets."""
        readings = _Readings(text)
        held = tuple(number for number, secret in enumerate(self._secrets) if secret.may_be_in(readings))
        if not held:
            return text

        def replacement(match: re.Match[str]) -> str:
            assert match.lastindex is not None
            return f"«secret:{self._secrets[held[match.lastindex - 1]].name}»"

        return self._pattern(held).sub(replacement, text)

    @property
    def pattern(self) -> re.Pattern[str] | None:
        """What is searched for, e.g. to cover it in a screenshot; None without a secret."""
        return self._pattern(tuple(range(len(self._secrets)))) if self._secrets else None

    def _pattern(self, held: tuple[int, ...]) -> re.Pattern[str]:
        """One expression, so that what was put in is not searched again."""
        if held not in self._patterns:
            if len(self._patterns) >= _MOST_PATTERNS:
                self._patterns.clear()
            self._patterns[held] = re.compile("|".join(f"({self._secrets[number].expression})" for number in held))
        return self._patterns[held]


class _Readings:
    """A text in the ways in which secrets are looked for in it."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def lower(self) -> str:
        return self.text.lower()

    @cached_property
    def compact(self) -> str:
        return _GAPS.sub("", self.lower)


class _Secret:
    """A value, and the forms in which it may stand in a text."""

    def __init__(self, name: str, value: str) -> None:
        self.name = name
        self._value = value
        self._plain = tuple(_escaped(value) | _base64(value))
        self._percent = tuple({quote(value, safe="").lower(), quote_plus(value).lower()})
        self._grouped = value.lower() if value.isdigit() or _BASE32.fullmatch(value) else None

    def may_be_in(self, readings: _Readings) -> bool:
        """Whether a form of it stands there, or what looks like one but for upper and lower case."""
        return (
            any(form in readings.text for form in self._plain)
            or any(form in readings.lower for form in self._percent)
            or (self._grouped is not None and self._grouped in readings.compact)
        )

    @cached_property
    def expression(self) -> str:
        """Matches all of its forms; has no group."""
        return "|".join(sorted(_forms(self._value), key=len, reverse=True))


def _forms(value: str) -> set[str]:
    """Regular expressions, without groups, of the forms in which `value` may stand in a text."""
    forms = {re.escape(form) for form in _escaped(value) | _base64(value)}
    forms |= {_percent(quote(value, safe="")), _percent(quote_plus(value))}
    if value.isdigit() or _BASE32.fullmatch(value):
        # A code is shown in groups: 123 456, 12-34-56.
        forms.add(_GAP.join(value))
    if _BASE32.fullmatch(value):
        forms.add(_GAP.join(value.lower()))
    return forms


def _escaped(value: str) -> set[str]:
    """As it is, and as JSON and Python write it."""
    json_forms = {json.dumps(value, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)}
    return {value, value.encode("unicode_escape").decode(), *json_forms}


def _percent(quoted: str) -> str:
    # Both %2F and %2f are written.
    return re.sub(r"%([0-9A-F]{2})", lambda m: "%" + "".join(_either_case(c) for c in m[1]), re.escape(quoted))


def _either_case(character: str) -> str:
    return f"[{character}{character.lower()}]" if character.isalpha() else character


def _base64(value: str) -> set[str]:
    """The characters that its bytes alone decide, wherever in an encoded text they begin."""
    raw, forms = value.encode(errors="surrogateescape"), set[str]()
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + raw).decode()
        sure = encoded[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]
        if len(sure) >= _SHORTEST:
            forms |= {sure, sure.replace("+", "-").replace("/", "_")}
    return forms
