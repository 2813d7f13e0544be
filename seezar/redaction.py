"""The one gate before models, traces, logs, screenshots and stored pages.

Known secrets are replaced wherever they stand, in the forms they are met in: as they are, URL-encoded (also twice), as
HTML, JSON and Python escape them, in base64 and hex, decomposed (NFD), and codes in groups of digits. What is not known
cannot be replaced: the second line of defence is that values of form fields never get here at all (see
`seezar.browser.reader`).
"""

import base64
import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import cache, cached_property, lru_cache
from html import unescape
from html.entities import html5
from urllib.parse import quote, unquote

# A replacement of fewer characters would hit innocent text ("1" in every number).
_SHORTEST = 4
# A base32 key, as a site shows it beside its QR code: in groups, and often in lower case.
_BASE32 = re.compile(r"[A-Z2-7]{16,}")
# JavaScript reads these expressions as well, for screenshots: only what both languages know is used.
_GAP = r"(?:[\s\u00a0\u2010-\u2015+-]|&(?:nbsp|#160|#[xX][aA]0);|%(?:[cC]2%[aA]0|20|2[dD])|\\+u00[aA]0){0,3}"
# A backslash as it is, or as an address or a page writes it.
_BACKSLASH = r"(?:\\|%(?:25)*5[cC]|&(?:amp;)*(?:#0*92|#[xX]0*5[cC]|bsol);?)"
# What may stand between the characters of a secret in one of its forms, or is written in place of a space.
_LOOSE = re.compile(r"[\s\u00a0\u2010-\u2015\\+-]+")
_LINE_ENDS = re.compile(r"\s+|\\[rn]")
_UNICODE_ESCAPE = re.compile(r"\\+(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|U([0-9a-fA-F]{8}))")
_SURROGATES = re.compile("[\ud800-\udbff][\udc00-\udfff]")
# What a backslash and a letter stand for in JSON and in Python.
_LETTERS = {"\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f"}
_AS_LETTERS = str.maketrans(_LETTERS)
# So many encodings around each other are looked through.
_DEEPEST = 3
# So many sets of secrets that were found together are remembered with their expression, and so many secrets with their
# forms: their number changes, the values stay.
_MOST_PATTERNS = 64
_MOST_SECRETS = 1024


class Redactor:
    """Replaces known secrets by `«secret:name»`.

    An expression for hundreds of secrets takes a second for a page of text; so which of them a text may hold is found
    first, by looking for them as plain substrings of the text and of what it decodes to, and only those are searched
    for as they may be written.

    Args:
        secrets: name → value; values shorter than four characters are left out.
    """

    def __init__(self, secrets: Mapping[str, str]) -> None:
        # The longest first: a secret may contain another.
        ordered = sorted(secrets.items(), key=lambda item: -len(item[1]))
        known = [(name, value) for name, value in ordered if len(value) >= _SHORTEST]
        self._names = [name for name, _ in known]
        self._secrets = [_secret(value) for _, value in known]
        self._patterns: dict[tuple[int, ...], re.Pattern[str]] = {}

    def __call__(self, text: str) -> str:
        """`text` without the known secrets."""
        readings = _Readings(text)
        held = tuple(number for number, secret in enumerate(self._secrets) if secret.may_be_in(readings))
        if not held:
            return text

        def replacement(match: re.Match[str]) -> str:
            assert match.lastindex is not None
            return f"«secret:{self._names[held[match.lastindex - 1]]}»"

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
    def joined(self) -> tuple[str, ...]:
        """Without spaces and line ends: base64 is broken into lines; and it stands in addresses."""
        return tuple({_LINE_ENDS.sub("", text) for text in (self.text, unquote(self.text))})

    @cached_property
    def skeletons(self) -> tuple[str, ...]:
        """What it says and what it decodes to, without what may stand in between."""
        # Each encoding by itself, and all in turn: JSON that quotes a URL, HTML that quotes either.
        ways: list[tuple[Callable[[str], str], ...]] = []
        if "%" in self.text:
            ways.append((unquote,))
        if "&" in self.text:
            ways.append((unescape,))
        if "\\" in self.text:
            ways.append((_without_escapes,))
        # One may hide another: %5Cu00e9.
        if ways:
            ways.append((_without_escapes, unescape, unquote))
        found = {self.text: None}
        for way in ways:
            text = self.text
            for _ in range(_DEEPEST):
                for step in way:
                    text = step(text)
                    found[text] = None
        return tuple(dict.fromkeys(_skeleton(text) for text in found))


def _without_escapes(text: str) -> str:
    decoded = _UNICODE_ESCAPE.sub(lambda m: _character_of(m[1] or m[2] or m[3]), text)
    return _SURROGATES.sub(lambda m: m[0].encode("utf-16", "surrogatepass").decode("utf-16"), decoded)


def _character_of(hexadecimal: str) -> str:
    number = int(hexadecimal, 16)
    return chr(number) if number < 0x110000 else ""


def _skeleton(text: str) -> str:
    """The same for all ways of writing a value that differ in case, form of characters, gaps and backslashes."""
    return _LOOSE.sub("", unicodedata.normalize("NFKC", text).casefold())


class _Secret:
    """A value, and the forms in which it may stand in a text."""

    def __init__(self, value: str) -> None:
        self._value = value
        self._skeletons = tuple({_skeleton(value), _skeleton(value.translate(_AS_LETTERS))})
        self._base64 = tuple(_base64(value))
        self._hex = _bytes(value).hex()

    def may_be_in(self, readings: _Readings) -> bool:
        """Whether a form of it stands there, or what looks like one."""
        return (
            self._value in readings.text
            or any(mine in skeleton for skeleton in readings.skeletons for mine in self._skeletons)
            or any(form in text for text in readings.joined for form in self._base64)
            or any(self._hex in skeleton for skeleton in readings.skeletons)
        )

    @cached_property
    def expression(self) -> str:
        """Matches all of its forms; has no group."""
        value = self._value
        forms = [_written(value)]
        # A value in NFC may be shown in NFD, and the other way round.
        forms += [_written(other) for form in ("NFC", "NFD") if (other := unicodedata.normalize(form, value)) != value]
        if value.isdecimal() or _BASE32.fullmatch(value):
            # A code is shown in groups: 123 456, 12-34-56; and in the wide digits of East Asian pages.
            forms.append(_GAP.join(_either_width(character) for character in value))
        forms += [_broken(form) for form in sorted(self._base64, key=len, reverse=True)]
        forms.append("".join(_either_case(character) for character in self._hex))
        return "|".join(forms)


@lru_cache(maxsize=_MOST_SECRETS)
def _secret(value: str) -> _Secret:
    return _Secret(value)


def _written(value: str) -> str:
    return "".join(_character(character) for character in value)


@cache
def _entities() -> Mapping[str, list[str]]:
    """Character → the names that HTML has for it, without the semicolon, the longest first."""
    names: dict[str, set[str]] = {}
    for entity, character in html5.items():
        names.setdefault(character, set()).add(re.escape(entity.removesuffix(";")))
    return {character: sorted(found, key=len, reverse=True) for character, found in names.items()}


@lru_cache(maxsize=_MOST_SECRETS)
def _character(character: str) -> str:
    """An expression for one character, however it is escaped."""
    number = ord(character)
    # %2F, %2f, and %252F where it is encoded again.
    percent = "".join(f"%(?:25)*{''.join(map(_either_case, f'{byte:02X}'))}" for byte in _bytes(character))
    entity = "|".join([f"#0*{number}", f"#[xX]0*{_hexadecimal(number)}", *_entities().get(character, ())])
    units = character.encode("utf-16-be", "surrogatepass").hex()
    escape = "".join(rf"{_BACKSLASH}+u{_hexadecimal(int(units[at : at + 4], 16), 4)}" for at in range(0, len(units), 4))
    forms = [percent, f"&(?:amp;)*(?:{entity});?", escape, rf"{_BACKSLASH}+U{_hexadecimal(number, 8)}"]
    if number < 256:
        forms.append(rf"{_BACKSLASH}+x{_hexadecimal(number, 2)}")
    if character == " ":
        # As a form sends it, and where that is encoded again.
        forms += [r"\+", "%(?:25)*2[bB]"]
    if character in _LETTERS:
        forms.append(rf"{_BACKSLASH}+{_LETTERS[character]}")
    if character == "\\":
        # Escaped it is two, and four where that is quoted again.
        return f"(?:{_BACKSLASH}{{1,8}}(?:u00|U000000|x)5[cC]|{_BACKSLASH}{{1,8}})"
    # A quotation mark and a slash may have backslashes before them.
    before = f"{_BACKSLASH}*" if character in "\"'/" else ""
    return f"{before}(?:{re.escape(character)}|{'|'.join(forms)})"


def _hexadecimal(number: int, digits: int = 1) -> str:
    return "".join(_either_case(character) for character in f"{number:0{digits}x}")


def _either_case(character: str) -> str:
    return f"[{character.upper()}{character.lower()}]" if character.isalpha() else re.escape(character)


def _either_width(character: str) -> str:
    narrow = unicodedata.normalize("NFKC", character)
    wide = chr(ord(narrow) + 0xFEE0)
    return f"[{''.join(sorted({narrow, narrow.lower(), wide, character}))}]"


def _bytes(text: str) -> bytes:
    # Half of a pair is no text that anything could encode.
    return text.encode(errors="surrogatepass")


def _broken(encoded: str) -> str:
    """An expression for base64 that may be broken into lines and stand in an address."""
    parts = [re.escape(form) if (form := quote(c, safe="")) == c else f"(?:{re.escape(c)}|{form})" for c in encoded]
    return r"(?:\\[rn]|\s)*".join(parts)


def _base64(value: str) -> set[str]:
    """The characters that its bytes alone decide, wherever in an encoded text they begin."""
    raw, forms = _bytes(value), set[str]()
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + raw).decode()
        sure = encoded[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]
        if len(sure) >= _SHORTEST:
            forms |= {sure, sure.replace("+", "-").replace("/", "_")}
    return forms
