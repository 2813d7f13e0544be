"""What is told of a value that could not be read: never a guess in its place."""

from dataclasses import dataclass
from typing import Literal

type Trouble = Literal["missing", "unreadable", "ambiguous", "unit", "constraint"]

MAX_QUOTED = 80
"""Characters of a page that a problem quotes."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why there is no value.

    Attributes:
        trouble: `missing` (nothing stands there), `unreadable` (it is no such value), `ambiguous` (it can be read in
            two ways and nothing on the page decides), `unit` (another unit than the field's), `constraint` (read, and
            outside of what the schema allows).
        text: what stands on the page, at most `MAX_QUOTED` characters.
        reason: for a person.
        field: name of the field; empty until it is known.
    """

    trouble: Trouble
    text: str
    reason: str
    field: str = ""


class Unreadable(Exception):
    """A text is no value of the kind that was asked for. Carries the problem; never leaves the package."""

    def __init__(self, trouble: Trouble, text: str, reason: str) -> None:
        super().__init__(reason)
        self.problem = Problem(trouble, text[:MAX_QUOTED], reason)
