"""The one gate before models, traces, logs, screenshots and stored pages.

Known secrets are replaced wherever they stand, in the forms they are met in. What is not known cannot be replaced: the
second line of defence is that values of form fields never get here at all (see `seezar.browser.reader`).
"""

import base64
import json
import re
from collections.abc import Mapping
from urllib.parse import quote, quote_plus

# A replacement of fewer characters would hit innocent text ("1" in every number).
_SHORTEST = 4
# A base32 key, as a site shows it beside its QR code: in groups, and often in lower case.
_BASE32 = re.compile(r"[A-Z2-7]{16,}")
# JavaScript reads these expressions as well, for screenshots: only what both languages know is used.
_GAP = r"[\s\u00a0-]?"


class Redactor:
    """Replaces known secrets by `«secret:name»`.

    Args:
        secrets: name → value; values shorter than four characters are left out.
    """

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._names: list[str] = []
        groups: list[str] = []
        # The longest first: a secret may contain another.
        for name, value in sorted(secrets.items(), key=lambda item: -len(item[1])):
            if len(value) >= _SHORTEST:
                self._names.append(name)
                groups.append(f"({'|'.join(sorted(_forms(value), key=len, reverse=True))})")
        # One expression, so that what was put in is not searched again.
        self._pattern = re.compile("|".join(groups)) if groups else None

    def __call__(self, text: str) -> str:
        """`text` without the known secrets."""
        return self._pattern.sub(self._replacement, text) if self._pattern else text

    @property
    def pattern(self) -> re.Pattern[str] | None:
        """What is searched for, e.g. to cover it in a screenshot; None without a secret."""
        return self._pattern

    def _replacement(self, match: re.Match[str]) -> str:
        assert match.lastindex is not None
        return f"«secret:{self._names[match.lastindex - 1]}»"


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
