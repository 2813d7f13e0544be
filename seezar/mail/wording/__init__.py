"""The words that tell codes and links apart, one TOML file a language, and the search for them in a text.

A file lists entries under the names of `Cue` in lower case. `word` is a whole word or phrase, `stem*` a beginning, `*end`
the end of a compound. Entries of scripts that do not part words with spaces, or glue particles to them, match anywhere.
To add a language, add a file.
"""

import re
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntFlag, auto
from functools import lru_cache
from importlib import resources

from seezar.mail.normalise import clean, fold


class Cue(IntFlag):
    """What an entry says about the text around it."""

    CODE = auto()
    """A noun for a code that says not yet what the code is for."""
    OTP = auto()
    """A term for a one-time code."""
    AUTH = auto()
    """Signing in, confirming, resetting, security: what one-time codes and links are for."""
    INVITE = auto()
    """Being invited, accepting, joining."""
    USE = auto()
    """Enter, type, use."""
    CAUTION = auto()
    """What mails with codes warn of: validity, do not share."""
    IGNORE = auto()
    """Nothing needs to be done."""
    TRADE = auto()
    """Other occasions that hand out codes: discounts, parcels, meetings, doors."""
    OTHER = auto()
    """A label of some other number: order, invoice, phone, address."""
    OLD = auto()
    """Previous, expired."""
    REFUSE = auto()
    """Link texts that undo, report, decline or leave."""
    ELSEWHERE = auto()
    """Link texts that lead to reading, paying, sharing."""
    NOTME = auto()
    """If this was not you."""


@dataclass(frozen=True, slots=True)
class Found:
    """A cue in a text: offsets of its words and what it says."""

    start: int
    end: int
    cues: Cue


@dataclass(frozen=True, slots=True)
class _Entry:
    cues: Cue
    languages: frozenset[str]


# Scripts written without spaces between words, or with particles glued to words on both sides.
_UNBOUNDED = re.compile(
    "[\u0590-\u08ff\u0900-\u0dff\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"
)
_WORD = re.compile(r"\w+")
# A language whose words are this much rarer in the mail than those of its main language has homographs there, no words.
_ACTIVE_SHARE = 0.3


class Lexicon:
    """All entries of all languages, in dictionaries by their first word or first characters: one look-up a word of text."""

    def __init__(self, tables: Iterable[tuple[str, dict[str, list[str]]]]) -> None:
        self._words: dict[str, _Entry] = {}
        self._stems: dict[str, _Entry] = {}
        self._ends: dict[str, _Entry] = {}
        self._phrases: dict[str, _Entry] = {}
        self._anywhere: dict[str, _Entry] = {}
        for language, table in tables:
            for name, entries in table.items():
                cue = Cue[name.upper()]
                for entry in entries:
                    self._add(fold(clean(entry)).strip(), cue, language)
        self._phrases_from = _grouped(self._phrases, lambda phrase: _WORD.match(phrase)[0])  # type: ignore[index]
        self._anywhere_from = _grouped(self._anywhere, lambda word: word[:2])
        self._longest_stem = max(map(len, self._stems), default=0)
        self._word = lru_cache(maxsize=16384)(self._resolve)

    def _add(self, entry: str, cue: Cue, language: str) -> None:
        if _UNBOUNDED.search(entry):
            table, key = self._anywhere, entry.strip("*")
        elif entry.startswith("*"):
            table, key = self._ends, entry[1:]
        elif not entry.strip("*").isalnum():
            table, key = self._phrases, entry
        elif entry.endswith("*"):
            table, key = self._stems, entry[:-1]
        else:
            table, key = self._words, entry
        if "*" in key.rstrip("*") or not _WORD.match(key):
            raise ValueError(f"{language}: {entry!r} has a * inside or does not begin with a letter")
        old = table.get(key)
        table[key] = _Entry(cue | old.cues, old.languages | {language}) if old else _Entry(cue, frozenset({language}))

    def find(self, folded: str) -> list[tuple[int, int, _Entry]]:
        """Every entry in a folded text: at each place the longest, none overlapping another of the same kind of script."""
        found: list[tuple[int, int, _Entry]] = []
        taken = 0
        for match in _WORD.finditer(folded):
            if match.start() < taken:
                continue
            word = match[0]
            hit = self._phrase_at(folded, match.start(), word) if word in self._phrases_from else None
            if hit is None and (entry := self._word(word)) is not None:
                hit = (match.end(), entry)
            if hit is not None:
                found.append((match.start(), *hit))
                taken = hit[0]
        if _UNBOUNDED.search(folded):
            found += self._find_anywhere(folded)
            found.sort(key=lambda item: item[0])
        return found

    def _phrase_at(self, folded: str, start: int, word: str) -> tuple[int, _Entry] | None:
        for phrase, entry in self._phrases_from[word]:
            open_end = phrase.endswith("*")
            text = phrase[:-1] if open_end else phrase
            if folded.startswith(text, start):
                end = start + len(text)
                rest = _WORD.match(folded, end)
                if rest is None or open_end:
                    return (rest.end() if rest else end), entry
        return None

    def _find_anywhere(self, folded: str) -> list[tuple[int, int, _Entry]]:
        found: list[tuple[int, int, _Entry]] = []
        start = 0
        while start < len(folded):
            for key in (folded[start : start + 2], folded[start]):
                for word, entry in self._anywhere_from.get(key, ()):
                    if folded.startswith(word, start):
                        found.append((start, start + len(word), entry))
                        break
                else:
                    continue
                start += len(word) - 1
                break
            start += 1
        return found

    def _resolve(self, word: str) -> _Entry | None:
        entry = self._words.get(word)
        if entry is None:
            for length in range(min(len(word), self._longest_stem), 1, -1):
                if (entry := self._stems.get(word[:length])) is not None:
                    break
        end = next((self._ends[word[i:]] for i in range(1, len(word)) if word[i:] in self._ends), None)
        if end is None or (entry is not None and entry.cues & (Cue.TRADE | Cue.OTHER | Cue.OTP)):
            return entry
        if entry is None:
            return end
        # A compound such as "login" + "code": what it is for and that it is a code, in one word.
        cues = Cue.OTP if entry.cues & Cue.AUTH else entry.cues | end.cues
        return _Entry(cues, entry.languages & end.languages or end.languages)


def _grouped(
    table: dict[str, _Entry], first: Callable[[str], str]
) -> dict[str, tuple[tuple[str, _Entry], ...]]:
    groups: dict[str, list[tuple[str, _Entry]]] = {}
    for text, entry in sorted(table.items(), key=lambda item: -len(item[0])):
        groups.setdefault(first(text), []).append((text, entry))
    return {key: tuple(group) for key, group in groups.items()}


class Wording:
    """The cues of one mail: entries of languages that the mail is not written in are left out."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._lexicon = lexicon()
        self._cache: dict[str, list[tuple[int, int, _Entry]]] = {}
        weight: dict[str, float] = {}
        for text in dict.fromkeys(texts):
            for _, _, entry in self._raw(text):
                for language in entry.languages:
                    weight[language] = weight.get(language, 0.0) + 1 / len(entry.languages)
        least = _ACTIVE_SHARE * max(weight.values(), default=0.0)
        self._active = frozenset(language for language, w in weight.items() if w >= least)

    def _raw(self, text: str) -> list[tuple[int, int, _Entry]]:
        found = self._cache.get(text)
        if found is None:
            found = self._cache[text] = self._lexicon.find(fold(text))
        return found

    def cues(self, text: str) -> list[Found]:
        """The cues of a clean text, in order."""
        return [
            Found(start, end, entry.cues)
            for start, end, entry in self._raw(text)
            if not self._active or entry.languages & self._active
        ]


@lru_cache(maxsize=1)
def lexicon() -> Lexicon:
    """The lexicon of this version, read once."""
    folder = resources.files(__name__)
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".toml")), key=lambda f: f.name)
    return Lexicon((f.name.removesuffix(".toml"), tomllib.loads(f.read_text(encoding="utf-8"))) for f in files)
