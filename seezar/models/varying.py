"""What differs between two runs that are otherwise the same: ids, times, durations, ports of this machine.

In a text, each such value is replaced by a mark, so that two runs can be compared; what stood there is put back into
the answers of one run when they are given in another.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

# The first that fits holds. An id and a port keep their identity: the second one must be the second one in both runs.
# Two times may be the same by chance, so they are not told apart.
_VALUE = re.compile(
    r"""
    (?P<uuid>\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b)
  | (?P<id>(?<![0-9a-f])(?=[a-f]*[0-9])(?=[0-9]*[a-f])[0-9a-f]{12,64}(?![0-9a-zA-Z]))
  | (?<=127\.0\.0\.1:)(?P<port>[0-9]{2,5})\b
  | (?<=localhost:)(?P<port_named>[0-9]{2,5})\b
  | (?P<time>\b20[0-9]{2}-[01][0-9]-[0-3][0-9](?:[T ][0-2][0-9]:[0-5][0-9](?::[0-5][0-9](?:\.[0-9]+)?)?
        (?:Z|[+-][0-2][0-9]:?[0-5][0-9])?)?\b)
  | (?P<clock>\b[0-2]?[0-9]:[0-5][0-9]:[0-5][0-9]\b)
  | (?P<epoch>\b1[6-9][0-9]{8}(?:\.[0-9]+)?\b)
  | (?P<duration>\b[0-9]+(?:\.[0-9]+)?(?=\ ?(?:ms|s|seconds?)\b))
  | (?<=_s":\ )(?P<duration_named>[0-9]+(?:\.[0-9]+)?)
  | (?<=_ms":\ )(?P<duration_millis>[0-9]+(?:\.[0-9]+)?)
    """,
    re.VERBOSE,
)
_WITH_IDENTITY = frozenset({"uuid", "id", "port"})


@dataclass(slots=True)
class Marks:
    """The marks of one run: a value that came before has the mark that it had."""

    _numbers: dict[str, dict[str, int]] = field(default_factory=dict[str, dict[str, int]])

    def marked(self, text: str) -> tuple[str, list[str]]:
        """The text with marks, and the values for which they stand, in order."""
        values: list[str] = []

        def mark(found: re.Match[str]) -> str:
            kind = (found.lastgroup or "").partition("_")[0]
            values.append(found[0])
            if kind not in _WITH_IDENTITY:
                return f"⟨{kind}⟩"
            known = self._numbers.setdefault(kind, {})
            return f"⟨{kind} {known.setdefault(found[0], len(known) + 1)}⟩"

        return _VALUE.sub(mark, text), values


def put_back(parts: Sequence[str], instead: dict[str, str]) -> list[str]:
    """The parts of one text with other values in it.

    Args:
        parts: of a text that came in pieces; a value may begin in one and end in another. What replaces it stands whole
            where it began.
        instead: the new value of each old one; others stay.
    """
    found = [match for match in _VALUE.finditer("".join(parts)) if match[0] in instead]
    changed: list[str] = []
    begin = 0
    for part in parts:
        end, text, at = begin + len(part), "", begin
        for match in found:
            if match.end() <= begin or match.start() >= end:
                continue
            if match.start() >= begin:
                text += part[at - begin : match.start() - begin] + instead[match[0]]
            at = min(match.end(), end)
        changed.append(text + part[at - begin :])
        begin = end
    return changed
