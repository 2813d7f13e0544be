"""What visitors typed, sent in and chose, kept by the server: the proof that nothing went where it must not go."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

type How = Literal["typed", "posted", "chosen"]

BAIT = "bait"
"""Prefix of `Entry.where` for every form and every button that a sign-in has no business with."""

MACHINERY = frozenset({"csrf_token", "choice", "next"})
"""Names of fields that the page itself fills."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One value of one field.

    Attributes:
        where: what the form is for: `login`, `code`, or `bait:…`.
        name: of the field.
        value: as it was then; a field typed key by key gives one entry a key.
        how: `typed` into the page (sent or not), `posted` by a form, or `chosen` by a button.
    """

    where: str
    name: str
    value: str = field(repr=False)
    how: How = "typed"


class Journal:
    """The entries of all sites, oldest first."""

    def __init__(self) -> None:
        self._entries: dict[str, list[Entry]] = {}

    def note(self, shape: str, entry: Entry) -> None:
        """Write down what happened on a site."""
        self._entries.setdefault(shape, []).append(entry)

    def posted(self, shape: str, where: str, form: Mapping[str, str]) -> None:
        """Write down a form that was sent in."""
        for name, value in form.items():
            if name not in MACHINERY:
                self.note(shape, Entry(where, name, value, "posted"))

    def entries(self, shape: str) -> list[Entry]:
        """All of one site."""
        return list(self._entries.get(shape, ()))

    def bait(self, shape: str) -> list[Entry]:
        """What was typed, sent or chosen where it must not be."""
        return [entry for entry in self.entries(shape) if entry.where.startswith(BAIT)]

    def chosen(self, shape: str) -> dict[str, str]:
        """The last choice at each question (`where`)."""
        return {entry.where: entry.value for entry in self.entries(shape) if entry.how == "chosen"}

    def clear(self, shape: str) -> None:
        """Forget one site."""
        self._entries.pop(shape, None)
