"""The one gate before models, traces, logs, screenshots and stored pages.

Known secrets are replaced wherever they stand, in the forms they are met in. What is not known cannot be replaced: the
second line of defence is that values of form fields never get here at all (see `seezar.browser.reader`).
"""

import base64
import re
from collections.abc import Mapping
from urllib.parse import quote, quote_plus

# A replacement of fewer characters would hit innocent text ("1" in every number).
_SHORTEST = 4


class Redactor:
    """Replaces known secrets by `«secret:name»`.

    Args:
        secrets: name → value; values shorter than four characters are left out.
    """

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._patterns: list[tuple[re.Pattern[str], str]] = []
        # The longest first: a secret may contain another.
        for name, value in sorted(secrets.items(), key=lambda item: -len(item[1])):
            if len(value) >= _SHORTEST:
                forms = sorted(_forms(value), key=len, reverse=True)
                self._patterns.append((re.compile("|".join(forms)), f"«secret:{name}»"))

    def __call__(self, text: str) -> str:
        """`text` without the known secrets."""
        for pattern, replacement in self._patterns:
            text = pattern.sub(replacement, text)
        return text

    @property
    def patterns(self) -> list[re.Pattern[str]]:
        """What is searched for, e.g. to cover it in a screenshot."""
        return [pattern for pattern, _ in self._patterns]


def _forms(value: str) -> set[str]:
    plain = {value, quote(value, safe=""), quote_plus(value), value.encode("unicode_escape").decode()}
    encoded = base64.b64encode(value.encode()).decode().rstrip("=")
    plain |= {encoded, encoded.replace("+", "-").replace("/", "_")}
    forms = {re.escape(form) for form in plain if form}
    if value.isdigit():
        # A code is shown in groups: 123 456, 12-34-56.
        forms.add(r"[\s\u00a0-]?".join(value))
    return forms
