"""What words on a page mean, in any of some thirty languages: text in, concepts out.

The vocabulary is `data/words.toml`: one table a concept (`login`, `signup`, `code`, ...), one list a language. All
languages
are looked for at once, because the language of a page is seldom declared and often mixed.
"""

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Final

_LONG_ENOUGH_INSIDE_A_WORD: Final = 5
_FOLDS: Final = str.maketrans(
    {"đ": "d", "ø": "o", "ł": "l", "ı": "i", "æ": "ae", "œ": "oe", "ə": "e", "ё": "е", "ς": "σ", "’": "'", "ʼ": "'"}
)
_HUMP: Final = re.compile(r"(?<=[a-zà-öø-ÿ])(?=[A-ZÀ-ÖØ-Þ])")
_SEPARATOR: Final = re.compile(r"[\W_]")
_PLAIN_WORD: Final = re.compile(r"[a-z]+|[0-9]+")
_NO_BLANKS: Final = (
    (0x0E00, 0x0E7F),  # Thai
    (0x3040, 0x30FF),  # kana
    (0x3400, 0x9FFF),  # Han
    (0x1100, 0x11FF),  # Hangul letters (folding takes syllables apart)
    (0xAC00, 0xD7AF),  # Hangul syllables
)


def fold(text: str) -> str:
    """Text without case and accents: `"Créer"` becomes `"creer"`."""
    lowered = text.casefold()
    if lowered.isascii():
        return lowered
    decomposed = unicodedata.normalize("NFKD", lowered.translate(_FOLDS))
    return "".join(c for c in decomposed if unicodedata.category(c) != "Mn").translate(_FOLDS)


def words_of_identifier(name: str) -> str:
    """A name or id of the page's author as words: `"userPassword_2"` becomes `"user Password 2"`."""
    return _SEPARATOR.sub(" ", _HUMP.sub(" ", name))


def _written_without_blanks(c: str) -> bool:
    code = ord(c)
    return code >= 0x0E00 and any(low <= code <= high for low, high in _NO_BLANKS)


class _Node:
    __slots__ = ("end", "next", "open_end")

    def __init__(self) -> None:
        self.next: dict[str, _Node] = {}
        self.end: tuple[str, ...] = ()  # concepts of phrases that stop here, at the end of a word
        self.open_end: tuple[str, ...] = ()  # concepts of phrases whose last word may go on


class Vocabulary:
    """Phrases of all concepts in one trie, walked once for each word of a text."""

    def __init__(self, concepts: Mapping[str, Mapping[str, list[str]]]) -> None:
        self.concepts: tuple[str, ...] = tuple(concepts)
        self._root = _Node()
        for concept, languages in concepts.items():
            for phrases in languages.values():
                for phrase in phrases:
                    self._add(concept, phrase)

    def _add(self, concept: str, phrase: str) -> None:
        node = self._root
        compact = [c for c in fold(phrase.rstrip("*")) if c.isalnum()]
        for c in compact:
            node = node.next.setdefault(c, _Node())
        if phrase.endswith("*") or _written_without_blanks(compact[-1]):
            node.open_end = tuple(dict.fromkeys((*node.open_end, concept)))
        else:
            node.end = tuple(dict.fromkeys((*node.end, concept)))

    def find(self, text: str, *, identifier: bool = False) -> dict[str, float]:
        """Concepts in a text, each with the share (0-1] of the text's letters that its longest phrase covers.

        With `identifier`, names written as one word count too: `frmlogin` holds `login`.
        """
        folded = fold(words_of_identifier(text) if identifier else text)
        letters, starts = _split_plain(folded) if folded.isascii() else _split(folded)
        return self._walk(letters, starts, identifier)

    def _walk(self, letters: str, starts: bytearray, identifier: bool) -> dict[str, float]:
        found: dict[str, float] = {}
        size = len(letters)
        root = self._root.next
        for i in range(size):
            at_start = starts[i]
            if not at_start and not identifier:
                continue
            node = root.get(letters[i])
            j = i + 1
            while node is not None:
                if node.open_end or node.end:
                    loose = identifier and j - i >= _LONG_ENOUGH_INSIDE_A_WORD
                    if at_start or loose:
                        if node.open_end:
                            _raise(found, node.open_end, (j - i) / size)
                        if node.end and (loose or j >= size or starts[j]):
                            _raise(found, node.end, (j - i) / size)
                if j >= size:
                    break
                node = node.next.get(letters[j])
                j += 1
        return found


def _split_plain(folded: str) -> tuple[str, bytearray]:
    """Letters and digits of an ASCII text, and a mark for each that begins a word."""
    words = _PLAIN_WORD.findall(folded)
    letters = "".join(words)
    starts = bytearray(len(letters))
    at = 0
    for word in words:
        starts[at] = 1
        at += len(word)
    return letters, starts


def _split(folded: str) -> tuple[str, bytearray]:
    """The same for any script; where words are written without blanks every letter may begin one."""
    letters: list[str] = []
    starts = bytearray()
    fresh = True
    before = ""
    for c in folded:
        if not c.isalnum():
            fresh = True
            continue
        starts.append(fresh or _written_without_blanks(c) or c.isdigit() != before.isdigit())
        letters.append(c)
        before = c
        fresh = False
    return "".join(letters), starts


def _raise(found: dict[str, float], concepts: tuple[str, ...], share: float) -> None:
    for concept in concepts:
        if found.get(concept, 0.0) < share:
            found[concept] = share


@lru_cache(maxsize=1)
def vocabulary() -> Vocabulary:
    """The vocabulary of this package, read once."""
    raw = files("seezar.signin").joinpath("data/words.toml").read_text(encoding="utf-8")
    return Vocabulary(tomllib.loads(raw))


@lru_cache(maxsize=8192)
def concepts_of(text: str) -> Mapping[str, float]:
    """Concepts in a text that people read. The answer is shared: do not change it."""
    return vocabulary().find(text) if text else {}


@lru_cache(maxsize=8192)
def concepts_of_identifier(name: str) -> Mapping[str, float]:
    """Concepts in a name, id, class or path. The answer is shared: do not change it."""
    return vocabulary().find(name, identifier=True) if name else {}
