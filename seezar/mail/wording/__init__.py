"""The words that tell codes and links apart, one TOML file a language, and the search for them in a text.

A file lists entries under the names of `Cue` in lower case. `word` is a whole word or phrase, `stem*` a beginning,
`*end` the end of a compound. Entries of scripts that do not part words with spaces, or glue particles to them, match
anywhere. `common` lists the little words that a language is known by.
To add a language, add a file.
"""

import re
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Final

from seezar.mail.normalise import clean, fold


class Cue:
    """What an entry says about the text around it: bits of an int (an `IntFlag` costs ten times as much to combine)."""

    CODE: Final = 1 << 0
    """A noun for a code that says not yet what the code is for."""
    OTP: Final = 1 << 1
    """A term for a one-time code."""
    AUTH: Final = 1 << 2
    """Signing in, confirming, resetting, security: what one-time codes and links are for."""
    INVITE: Final = 1 << 3
    """Being invited, accepting, joining."""
    USE: Final = 1 << 4
    """Enter, type, use."""
    CAUTION: Final = 1 << 5
    """What mails with codes warn of: validity, do not share."""
    IGNORE: Final = 1 << 6
    """Nothing needs to be done."""
    TRADE: Final = 1 << 7
    """Other occasions that hand out codes: discounts, parcels, meetings, doors."""
    OTHER: Final = 1 << 8
    """A label of some other number: order, invoice, phone, address."""
    OLD: Final = 1 << 9
    """Previous, expired."""
    REFUSE: Final = 1 << 10
    """Link texts that undo, report, decline or leave."""
    ELSEWHERE: Final = 1 << 11
    """Link texts that lead to reading, paying, sharing."""
    NOTME: Final = 1 << 12
    """If this was not you."""
    PASSWORD: Final = 1 << 13
    """A password: in a notice, the way to set a new one is a remedy and no step of signing in."""
    NOTICE: Final = 1 << 14
    """Something has happened already: changed, signed in, detected."""
    ACCOUNT: Final = 1 << 15
    """What signing in, confirming and joining are about: an account, an address, a team; no party and no parcel."""

    NUMBER: Final = 1 << 16
    """The word "number": a label of some other number, unless it says itself that it is for signing in."""
    CONFIRM: Final = 1 << 17
    """Confirm, approve, complete: said of an account as of a shift or an order, so that what it is said of decides."""
    BROWSER: Final = 1 << 18
    """In the browser: a link with this text shows the mail there; beside a URL it says where to paste that."""


CUES: dict[str, int] = {name: bit for name, bit in vars(Cue).items() if name.isupper()} | {"COMMON": 0}
"""The bits of `Cue` by name; `COMMON` says nothing but the language."""


@dataclass(frozen=True, slots=True)
class Found:
    """A cue in a text: offsets of its words and what it says."""

    start: int
    end: int
    cues: int


type _Entry = dict[str, int]
"""What an entry says in each language that has it."""

# Scripts written without spaces between words, or with particles glued to words on both sides.
_UNBOUNDED = re.compile(
    "[\u0590-\u08ff\u0900-\u0dff\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"
)
_WORD = re.compile(r"\w+")
# Characters of a word that is looked up; looking for the ends of a longer one takes time quadratic in its length.
_LONGEST_WORD = 80
# A language whose words are this much rarer in the mail than those of its main language has homographs there, no words.
_ACTIVE_SHARE = 0.4
# The file of words that are used as they are in mails of any language.
_EVERYWHERE = "any"


class Lexicon:
    """All entries of all languages, in dictionaries by first word or first characters: one look-up a word of text."""

    def __init__(self, tables: Iterable[tuple[str, dict[str, list[str]]]]) -> None:
        self._words: dict[str, _Entry] = {}
        self._stems: dict[str, _Entry] = {}
        self._ends: dict[str, _Entry] = {}
        self._phrases: dict[str, _Entry] = {}
        self._anywhere: dict[str, _Entry] = {}
        for language, table in tables:
            for name, entries in table.items():
                cue = CUES[name.upper()]
                if cue in (Cue.PASSWORD, Cue.CONFIRM):
                    cue |= Cue.AUTH
                elif cue == Cue.NUMBER:
                    cue |= Cue.OTHER
                for entry in entries:
                    self._add(fold(clean(entry)).strip(), cue, language)
        self._phrases_from = _grouped(self._phrases, _first_word)
        self._anywhere_from = _grouped(self._anywhere, lambda word: word[:2])
        self._longest_stem = max(map(len, self._stems), default=0)
        self._word = lru_cache(maxsize=16384)(self._resolve)

    def _add(self, entry: str, cue: int, language: str) -> None:
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
        meanings = table.setdefault(key, {})
        meanings[language] = meanings.get(language, 0) | cue

    def find(self, folded: str, languages: frozenset[str] | None = None) -> list[tuple[int, int, _Entry]]:
        """Every entry in a folded text: at each place the longest, none overlapping another of the same kind of script.

        Args:
            languages: entries of other languages do not count; None = all count.
        """
        found: list[tuple[int, int, _Entry]] = []
        taken = 0
        for match in _WORD.finditer(folded):
            if match.start() < taken:
                continue
            word = match[0]
            hit = self._phrase_at(folded, match.start(), word, languages) if word in self._phrases_from else None
            if hit is None and len(word) <= _LONGEST_WORD and (entry := self._word(word)) and _counts(entry, languages):
                hit = (match.end(), entry)
            if hit is not None:
                found.append((match.start(), *hit))
                taken = hit[0]
        if _UNBOUNDED.search(folded):
            found += self._find_anywhere(folded, languages)
            found.sort(key=lambda item: item[0])
        return found

    def _phrase_at(
        self, folded: str, start: int, word: str, languages: frozenset[str] | None
    ) -> tuple[int, _Entry] | None:
        for phrase, entry in self._phrases_from[word]:
            open_end = phrase.endswith("*")
            text = phrase[:-1] if open_end else phrase
            if folded.startswith(text, start) and _counts(entry, languages):
                end = start + len(text)
                rest = _WORD.match(folded, end)
                if rest is None or open_end:
                    return (rest.end() if rest else end), entry
        return None

    def _find_anywhere(self, folded: str, languages: frozenset[str] | None) -> list[tuple[int, int, _Entry]]:
        found: list[tuple[int, int, _Entry]] = []
        start = 0
        while start < len(folded):
            hit = self._anywhere_at(folded, start, languages)
            if hit is None:
                start += 1
            else:
                found.append((start, *hit))
                start = hit[0]
        return found

    def _anywhere_at(self, folded: str, start: int, languages: frozenset[str] | None) -> tuple[int, _Entry] | None:
        for key in (folded[start : start + 2], folded[start]):
            for word, entry in self._anywhere_from.get(key, ()):
                if folded.startswith(word, start) and _counts(entry, languages):
                    return start + len(word), entry
        return None

    def _resolve(self, word: str) -> _Entry:
        """What a single word says: as an exact entry, by its beginning, and by its end if it is a compound."""
        exact = self._words.get(word, {})
        stems: _Entry = {}
        for length in range(min(len(word), self._longest_stem), 1, -1):
            for language, cue in self._stems.get(word[:length], {}).items():
                # The longest stem of each language: "gift card" words must not be read as "gift" words of another.
                if stems.get(language, Cue.ACCOUNT) == Cue.ACCOUNT:
                    stems[language] = stems.get(language, 0) | cue
        entry = {language: exact.get(language, 0) | stems.get(language, 0) for language in exact | stems}
        end = next((self._ends[word[i:]] for i in range(1, len(word)) if word[i:] in self._ends), None)
        if end is None or word in self._words:
            return entry
        for language, cue in end.items():
            own = entry.get(language, 0)
            if not own & (Cue.TRADE | Cue.OTHER | Cue.OTP):
                # "login" + "code": what it is for and that it is a code, in one word.
                entry[language] = Cue.OTP if own & Cue.AUTH else own | cue
        return entry


def _first_word(phrase: str) -> str:
    match = _WORD.match(phrase)
    return match[0] if match else phrase


def _counts(entry: _Entry, languages: frozenset[str] | None) -> bool:
    return languages is None or not languages.isdisjoint(entry)


def _grouped(table: dict[str, _Entry], first: Callable[[str], str]) -> dict[str, tuple[tuple[str, _Entry], ...]]:
    groups: dict[str, list[tuple[str, _Entry]]] = {}
    for text, entry in sorted(table.items(), key=lambda item: -len(item[0])):
        groups.setdefault(first(text), []).append((text, entry))
    return {key: tuple(group) for key, group in groups.items()}


class Wording:
    """The cues of one mail: entries of languages that the mail is not written in are left out."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._lexicon = lexicon()
        self._cache: dict[str, list[Found]] = {}
        self._raw: dict[str, list[tuple[int, int, _Entry]]] = {}
        weight: dict[str, float] = {}
        for text in texts:
            if text in self._raw:
                continue
            found = self._raw[text] = self._lexicon.find(fold(text))
            for start, end, entry in found:
                # A short cue is a word of other languages too; the little words are telling by their number.
                length = 1.0 if _UNBOUNDED.match(text, start) else (end - start) / 6
                share = (min(1.0, length) ** 3 if any(entry.values()) else 0.4) / len(entry)
                for language in entry:
                    weight[language] = weight.get(language, 0.0) + share
        weight.pop(_EVERYWHERE, None)
        least = _ACTIVE_SHARE * max(weight.values(), default=0.0)
        self.languages = frozenset(language for language, w in weight.items() if w >= least) | {_EVERYWHERE}

    def cues(self, text: str) -> list[Found]:
        """The cues of a clean text, in order."""
        found = self._cache.get(text)
        if found is None:
            raw = self._raw.get(text)
            if raw is None or not all(_counts(entry, self.languages) for _, _, entry in raw):
                # A word of a language that does not count may have hidden one that does.
                raw = self._lexicon.find(fold(text), self.languages)
            spoken = ((start, end, self._meaning(entry)) for start, end, entry in raw)
            found = self._cache[text] = _promoted(
                [Found(start, end, cues) for start, end, cues in spoken if cues], text
            )
        return found

    def _meaning(self, entry: _Entry) -> int:
        total = 0
        for language, cue in entry.items():
            if language in self.languages:
                total |= cue
        return total


def _promoted(found: list[Found], text: str) -> list[Found]:
    """Make a code of the number in "authentication number" and "numéro de vérification"."""
    for position, cue in enumerate(found):
        if not cue.cues & Cue.NUMBER:
            continue
        near = [
            other
            for other in found[max(0, position - 1) : position + 2]
            if other is not cue and _of_one_term(text, *sorted((cue, other), key=lambda c: c.start))
        ]
        said = 0
        for other in near:
            said |= other.cues
        if said & Cue.AUTH and not said & (Cue.OTHER | Cue.TRADE | Cue.PASSWORD | Cue.REFUSE):
            found[position] = Found(cue.start, cue.end, cue.cues & ~Cue.OTHER | Cue.CODE)
    return found


def _of_one_term(text: str, first: Found, second: Found) -> bool:
    """Whether only a short word or two part them."""
    gap = text[first.end : second.start]
    return len(gap) <= 12 and not any(ch in gap for ch in ".,:;!?()\n") and not any(ch.isdigit() for ch in gap)


@lru_cache(maxsize=1)
def lexicon() -> Lexicon:
    """The lexicon of this version, read once."""
    folder = resources.files(__name__)
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".toml")), key=lambda f: f.name)
    return Lexicon((f.name.removesuffix(".toml"), tomllib.loads(f.read_text(encoding="utf-8"))) for f in files)
