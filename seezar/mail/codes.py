"""Which candidate is the one-time code: evidence around each is added up, and below a threshold there is none.

The weights are set by hand, not learned; `tests/mail/mails` holds them to what they are for.
"Wrong is worse than none": every mail that hands out numbers of another kind must stay below `THRESHOLD`.
"""

import re
from dataclasses import dataclass

from seezar.mail.binding import COPULAS, Binding
from seezar.mail.candidates import Candidate, Shape, across_lines, in_text, usualness
from seezar.mail.document import Document
from seezar.mail.evidence import NOUN, SEPARATES, WORDS, MailText, distance, union
from seezar.mail.urls import carried_codes
from seezar.mail.wording import Cue, Wording

THRESHOLD = 4.0

_YEAR = re.compile(r"(?:19|20)\d\d")
_TRIVIAL = re.compile(r"(\d)\1+|0?123456?7?8?9?|9?8?7?654321|012345")
_SAMPLE = re.compile(
    r"(?<!\w)(?:e\.?g|z\.?\s?B|p\.?\s?ex|example|for example|such as|like"
    r"|beispiel|ejemplo|exemple|esempio|например|例如|例)"
    r"[.:,]?\s*\W?$",
    re.IGNORECASE,
)
# "SPRING26", "ACME20": a name with a year or a rate behind it, as shops make them.
_COUPON = re.compile(r"[A-Z]{3,}\d{2,4}")
# Letters as they are drawn at random: groups of one length, or no vowel among them.
_NO_WORD = re.compile(r"[A-Z]{3}(?:-[A-Z]{3})+|[A-Z]{4}(?:-[A-Z]{4})+|[A-Z]{5}(?:-[A-Z]{5})+|[B-DF-HJ-NP-TV-XZ]{5,12}")
_LETTERS = frozenset({Shape.UPPER, Shape.MIXED_CASE, Shape.LOWER, Shape.WORDS})
_CONSONANTS = re.compile(r"[bcdfghjklmnpqrstvwxz]{5}")
# "[Bug 482913] …", "[Acme #482913] …": the number of what a subject is about, as trackers write it.
_TRACKED = re.compile(r"\[[^\]\[]{0,60}[^\W\d][^\]\[]{0,20}[ #-]\d+\]")
# A mail with more numbers than this is a report; work per candidate is not linear in its line.
_MAX_CANDIDATES = 150
# Characters of a body that are searched for codes; a person has stopped reading long before.
_MAX_TEXT = 40_000


@dataclass(frozen=True, slots=True)
class Reading:
    """A code and how sure it is.

    Attributes:
        value: the code as typed.
        score: added evidence, at least `THRESHOLD`.
        reason: what speaks for it; never holds the code.
    """

    value: str
    score: float
    reason: str


class CodeReader:
    """Scores the candidates of one document, with the subject of its mail.

    Args:
        indices: the lines to read; the others are quoted.
        names: case-folded words that are names here (of the sender, of its domain) and so no codes.
    """

    def __init__(
        self,
        subject: str,
        document: Document,
        indices: list[int],
        wording: Wording,
        names: frozenset[str] = frozenset(),
    ) -> None:
        self._names = names
        self._mail = MailText(subject, document, indices, wording)
        self._carried = {
            value
            for link in document.links[:100]
            if link.line in self._mail.position
            for value in carried_codes(link.href)
        }
        self._candidates = self._collect()
        self._binding = Binding(self._mail, self._candidates)

    def _collect(self) -> list[Candidate]:
        lines = self._mail.document.lines
        joined = across_lines(lines, self._mail.indices)
        covered = {i for c in joined for i in range(c.line, c.last_line + 1)}
        found = in_text(self._mail.subject, -1) + joined
        left = _MAX_TEXT
        for index in self._mail.indices:
            if left < 0 or len(found) >= _MAX_CANDIDATES:
                break
            if index not in covered:
                left -= len(lines[index].text)
                found += in_text(lines[index].text, index)
        return found[:_MAX_CANDIDATES]

    def readings(self) -> dict[str, Reading]:
        """The best reading of each value, whatever its score; several places of one value support each other."""
        best: dict[str, Reading] = {}
        places: dict[str, int] = {}
        for candidate in self._candidates:
            score, reason = self._score(candidate)
            key = candidate.value
            if score >= THRESHOLD - 1.5:
                places[key] = places.get(key, 0) + 1
            if key not in best or score > best[key].score:
                best[key] = Reading(key, score, reason)
        for key, reading in best.items():
            bonus = min(0.6, 0.3 * (places.get(key, 1) - 1))
            if bonus > 0:
                best[key] = Reading(key, reading.score + bonus, reading.reason)
        return best

    def _score(self, candidate: Candidate) -> tuple[float, str]:
        alone = self._mail.alone(candidate)
        if candidate.shape in _LETTERS and not self._letters_set_apart(candidate, alone):
            return 0.0, "a word"
        binding, reason = self._binding.best(candidate)
        if binding <= 0:
            return 0.0, "no word for a code near"
        score = binding + usualness(candidate, direct=binding >= 2.0, alone=alone) + self._mail.about()
        score -= self._against(candidate, alone)
        if self._mail.stands_out(candidate):
            score += 0.7
        if candidate.shape is Shape.UPPER and _NO_WORD.fullmatch(candidate.value):
            score += 0.4
        if candidate.value in self._carried:
            score += 1.0
        return score, reason

    def _against(self, candidate: Candidate, alone: bool) -> float:
        """What says that the number is something else, or a code that is not valid any more."""
        text = self._mail.text(candidate.line)
        cues = self._mail.clause_cues(candidate)
        score = 0.0
        if not alone and self._mail.labelled(candidate, cues):
            score += 4.0
        before = text[max(0, candidate.start - 20) : candidate.start]
        last_word = before.split()[-1].lower() if before.strip() else ""
        if before.rstrip().endswith("#") and not alone:
            score += 1.5
        if text[candidate.end : candidate.end + 1] == "#" and candidate.shape is not Shape.MIXED:
            # Typed on a telephone or at a door.
            score += 2.0
        if _SAMPLE.search(before):
            score += 3.0
        old = [distance(cue, candidate.start, candidate.end) for cue in cues if cue.cues & Cue.OLD]
        if old and min(old) <= 40:
            score += 2.0
        if any(cue.cues & Cue.OLD and 0 <= cue.start - candidate.end <= 8 for cue in cues):
            # "482913 has expired", "482913 was accepted".
            score += 1.0
        if (
            candidate.shape is Shape.DIGITS
            and _YEAR.fullmatch(candidate.value)
            and not (alone or SEPARATES.search(before) or last_word in COPULAS)
        ):
            score += 2.5
        if candidate.line < 0 and any(
            found.start() <= candidate.start < found.end() and not union(self._mail.wording.cues(found[0])) & NOUN
            for found in _TRACKED.finditer(text)
        ):
            score += 4.0
        if candidate.shape is Shape.MIXED and _COUPON.fullmatch(candidate.value) and not alone:
            score += 1.0
        if _TRIVIAL.fullmatch(candidate.value):
            score += 1.0
        if self._mail.trade >= 2 and not self._mail.all_cues & Cue.AUTH:
            score += 1.0
        return score

    def _letters_set_apart(self, candidate: Candidate, alone: bool) -> bool:
        """A code without digits looks like a word: it must stand where only a code stands, and be no name here."""
        folded = candidate.value.casefold()
        if folded in self._names or self._mail.uses(folded) > 2:
            return False
        text = self._mail.text(candidate.line)
        if not alone:
            before = text[: candidate.start]
            noun = [cue for cue in self._mail.wording.cues(text) if cue.cues & NOUN and cue.end <= candidate.start]
            gap = before[noun[-1].end :] if noun else before
            tight = len(WORDS.findall(gap)) <= 1 and (
                SEPARATES.search(gap) is not None or self._mail.stands_out(candidate)
            )
            if not noun:
                # "Enter BCDF-GHJK to sign in."
                use = [
                    cue.end for cue in self._mail.wording.cues(text) if cue.cues & Cue.USE and cue.end <= len(before)
                ]
                drawn = _NO_WORD.fullmatch(candidate.value) is not None
                return drawn and bool(use) and not before[use[-1] :].strip(" :\"'")
            said = candidate.line >= 0 or self._alone_too(candidate)
            return bool(noun) and (tight or not gap.strip() or (said and gap.strip() in COPULAS))
        if self._announced(candidate):
            return True
        position = self._mail.position[candidate.line]
        if position == 0:
            return bool(self._mail.subject_cues & NOUN)
        above = self._mail.text(self._mail.indices[position - 1])
        noun_above = any(cue.cues & NOUN for cue in self._mail.wording.cues(above))
        if candidate.shape not in (Shape.UPPER, Shape.LOWER):
            return noun_above
        drawn = _NO_WORD.fullmatch(candidate.value) is not None or _CONSONANTS.search(candidate.value) is not None
        return noun_above and (drawn or above.rstrip().endswith(":") or self._mail.stands_out(candidate))

    def _alone_too(self, candidate: Candidate) -> bool:
        """Whether what a subject names has a line of its own as well."""
        return any(c.value == candidate.value and c.line >= 0 and self._mail.alone(c) for c in self._candidates)

    def _announced(self, candidate: Candidate) -> bool:
        """Whether the subject names the same as a code."""
        subject = self._mail.subject
        places = [c for c in self._candidates if c.line < 0 and c.value == candidate.value]
        nouns = [cue for cue in self._mail.wording.cues(subject) if cue.cues & NOUN]
        return any(
            noun.end <= place.start and subject[noun.end : place.start].strip(" :") in ("", *COPULAS)
            for noun in nouns
            for place in places
        )
