"""Which candidate is the one-time code: evidence around each is added up, and below a threshold there is none.

The weights are set by hand, not learned; `tests/mail/mails` holds them to what they are for.
"Wrong is worse than none": every mail that hands out numbers of another kind must stay below `THRESHOLD`.
"""

import re
from dataclasses import dataclass

from seezar.mail.candidates import Candidate, Shape, across_lines, in_text, usualness
from seezar.mail.document import Document
from seezar.mail.normalise import word_set
from seezar.mail.urls import carried_codes
from seezar.mail.wording import Cue, Found, Wording

THRESHOLD = 4.0

_NOUN = Cue.CODE | Cue.OTP
_OTHERS = Cue.TRADE | Cue.OTHER
# A clause ends at a mark that is followed by space or the end; "No. 5", "Tel. 5" do not end one.
_CLAUSE_END = re.compile(
    r"(?<![\s.(\[][A-Za-zÀ-ÿ])(?<![\s.(\[][A-Za-zÀ-ÿ]{2})(?<![\s.(\[][A-Za-zÀ-ÿ]{3})[.!?;](?=\s|$)|[。！？；؟।]|\.(?=\s*$)"
)
_SEPARATES = re.compile(r"[:=：＝】【\[\(\"'>→*-]\s*$")
_ONLY_PUNCTUATION = re.compile(r"[\W_]*", re.UNICODE)
_YEAR = re.compile(r"(?:19|20)\d\d")
_TRIVIAL = re.compile(r"(\d)\1+|0?123456?7?8?9?|9?8?7?654321|012345")
_SAMPLE = re.compile(
    r"(?<!\w)(?:e\.?g|z\.?\s?B|p\.?\s?ex|example|for example|such as|like"
    r"|beispiel|ejemplo|exemple|esempio|например|例如|例)"
    r"[.:,]?\s*\W?$",
    re.IGNORECASE,
)
_WORDS = re.compile(r"\w+")
_PERCENT = re.compile(r"(?<![\d.])\d{1,2}\s?%")
# "SPRING26", "ACME20": a name with a year or a rate behind it, as shops make them.
_COUPON = re.compile(r"[A-Z]{3,}\d{2,4}")
# "Your code is ABCDEF": the words that may stand between when nothing else sets the letters apart.
_COPULAS = word_set(
    "is are was est ist lautet es é è är er on to jest je este ir yra adalah ialah là la dir eshte është da de: "
    "является это είναι είναι: हैं है คือ 是 为 為 は 은 는"
)
_LETTERS = frozenset({Shape.UPPER, Shape.MIXED_CASE, Shape.WORDS})
# Looked at above a code that stands alone: headings and a sentence or two, not the whole mail.
_LINES_ABOVE = 4
# A mail with more numbers than this is a report; work per candidate is not linear in its line.
_MAX_CANDIDATES = 150


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
        self._subject = subject
        self._document = document
        self._indices = [i for i in indices if document.lines[i].text]
        self._wording = wording
        self._position = {index: position for position, index in enumerate(self._indices)}
        texts = [subject, *(document.lines[i].text for i in self._indices)]
        found = [cue for text in texts for cue in wording.cues(text)]
        self._all = 0
        for cue in found:
            self._all |= cue.cues
        self._trade = len({(cue.end - cue.start, cue.cues) for cue in found if cue.cues & Cue.TRADE})
        # A percentage is the mark of an offer.
        self._trade += 2 * any(_PERCENT.search(text) for text in texts)
        self._cautions = sum(1 for cue in found if cue.cues & (Cue.CAUTION | Cue.IGNORE))
        self._subject_cues = 0
        for cue in wording.cues(subject):
            self._subject_cues |= cue.cues
        self._carried = {
            value for link in document.links[:100] if link.line in self._position for value in carried_codes(link.href)
        }
        self._candidates = self._collect()

    def _collect(self) -> list[Candidate]:
        lines = self._document.lines
        joined = across_lines(lines, self._indices)
        covered = {i for c in joined for i in range(c.line, c.last_line + 1)}
        found = in_text(self._subject, -1) + joined
        for index in self._indices:
            if index not in covered:
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

    # --- evidence

    def _score(self, candidate: Candidate) -> tuple[float, str]:
        text = self._text(candidate.line)
        alone = self._alone(candidate, text)
        if candidate.shape in _LETTERS and not self._letters_set_apart(candidate, text, alone):
            return 0.0, "a word"
        binding, reason = self._binding(candidate, text, alone)
        if binding <= 0:
            return 0.0, "no word for a code near"
        score = binding + usualness(candidate, direct=binding >= 2.0, alone=alone) + self._about()
        score -= self._against(candidate, text, alone)
        if self._stands_out(candidate):
            score += 0.7
        if candidate.value in self._carried:
            score += 1.0
        return score, reason

    def _text(self, line: int) -> str:
        return self._subject if line < 0 else self._document.lines[line].text

    def _alone(self, candidate: Candidate, text: str) -> bool:
        if candidate.line < 0:
            return False
        rest = text[: candidate.start] + " " + text[candidate.end :]
        return candidate.last_line > candidate.line or _ONLY_PUNCTUATION.fullmatch(rest) is not None

    def _stands_out(self, candidate: Candidate) -> bool:
        if candidate.line < 0:
            return False
        line = self._document.lines[candidate.line]
        return any(
            start <= candidate.start and candidate.end <= end and end - start <= candidate.end - candidate.start + 6
            for start, end in line.strong
        )

    def _about(self) -> float:
        """What the whole mail says: about signing in, or about something else that has codes."""
        score = 0.0
        if self._cautions:
            score += 0.5
        if self._subject_cues & (_NOUN | Cue.AUTH):
            score += 0.5
        if not self._all & (Cue.AUTH | Cue.OTP):
            score -= 0.3
        return score

    def _binding(self, candidate: Candidate, text: str, alone: bool) -> tuple[float, str]:
        """How directly a word for a code points at the candidate."""
        options: list[tuple[float, str]] = [(0.0, "")]
        if alone:
            options.append(self._from_above(candidate))
            options.append(self._from_below(candidate))
            options.append(self._only_content(candidate))
        start, end = _clause(text, candidate.start, candidate.end)
        cues = [cue for cue in self._wording.cues(text) if cue.start >= start and cue.end <= end]
        options.append(self._from_before(candidate, text, cues))
        options.append(self._from_after(candidate, text, cues))
        options.append(self._from_verb(candidate, text, cues))
        return max(options, key=lambda option: option[0])

    def _from_before(self, candidate: Candidate, text: str, cues: list[Found]) -> tuple[float, str]:
        """`Your verification code is 482913`."""
        nouns = [cue for cue in cues if cue.cues & _NOUN and cue.end <= candidate.start]
        if not nouns:
            return 0.0, ""
        noun = nouns[-1]
        gap = text[noun.end : candidate.start]
        score = self._noun_strength(noun, cues)
        words = _WORDS.findall(gap)
        stated = _SEPARATES.search(gap) is not None or (bool(words) and words[-1].lower() in _COPULAS)
        if len(gap) > 60:
            score -= 0.4 if stated else 1.0
        elif len(gap) > 25:
            score -= 0.1 if stated else 0.4
        if stated:
            score += 0.4
        elif not words and not noun.cues & Cue.OTP and not self._asked_for(cues):
            # "the same code 4711 as before", "fails with code 4711": talk about a code, not the handing out of one.
            score -= 1.2
        between = [c for c in self._candidates if c.line == candidate.line and noun.end <= c.start < candidate.start]
        # "code 482913 for card 4829": the first number after the word is the one meant, unless a label claims it.
        if any(not self._labelled(c, text, cues) for c in between):
            score -= 1.5
        return score, "number after a word for a code"

    def _asked_for(self, cues: list[Found]) -> bool:
        """Whether a bare "code 4711" is meant to be typed: an order to do so, or a mail that warns as such mails do."""
        return any(cue.cues & Cue.USE for cue in cues) or self._cautions > 0

    def _from_after(self, candidate: Candidate, text: str, cues: list[Found]) -> tuple[float, str]:
        """`482913 is your verification code`."""
        nouns = [cue for cue in cues if cue.cues & _NOUN and cue.start >= candidate.end]
        if not nouns:
            return 0.0, ""
        noun = nouns[0]
        gap = text[candidate.end : noun.start]
        if len(gap) > 45 or len(_WORDS.findall(gap)) > 6 or any(ch.isdigit() for ch in gap):
            return 0.0, ""
        score = self._noun_strength(noun, cues) - 0.2
        if re.search(r"[,:;]", gap):
            score -= 1.2
        # What stands in the middle of a sentence is told by the words before it first.
        lead = candidate.start - _clause(text, candidate.start, candidate.end)[0]
        if lead > 40:
            score -= 0.8
        elif lead > 3 and candidate.shape is not Shape.DIGITS and candidate.shape is not Shape.SPLIT_DIGITS:
            score -= 1.0
        return score, "number before a word for a code"

    def _from_verb(self, candidate: Candidate, text: str, cues: list[Found]) -> tuple[float, str]:
        """`Enter 482913 to sign in`: no noun, but an order to type it and what for."""
        uses = [cue for cue in cues if cue.cues & Cue.USE]
        near = any(
            len(_WORDS.findall(text[cue.end : candidate.start])) <= 3
            if cue.end <= candidate.start
            else cue.start - candidate.end <= 25
            for cue in uses
        )
        purpose = any(cue.cues & (Cue.AUTH | Cue.OTP) for cue in cues)
        if near and purpose:
            return 2.6, "number to enter for signing in"
        return 0.0, ""

    def _from_above(self, candidate: Candidate) -> tuple[float, str]:
        """A number alone on its line, below a line that speaks of a code."""
        position = self._position[candidate.line]
        for distance, index in enumerate(reversed(self._indices[max(0, position - _LINES_ABOVE) : position])):
            text = self._text(index)
            cues = self._wording.cues(text)
            nouns = [cue for cue in cues if cue.cues & _NOUN]
            if nouns:
                score = max(self._noun_strength(noun, cues) for noun in nouns)
                tight = 0.3 if text.rstrip().endswith(":") or distance == 0 else 0.0
                return score - 0.25 * distance + tight, "alone below a word for a code"
            if distance == 0 and len(text) < 60 and any(cue.cues & _OTHERS for cue in cues):
                # The label of a table cell.
                return 0.0, ""
        if self._subject_cues & _NOUN and position <= _LINES_ABOVE:
            strength = 3.0 if self._subject_cues & (Cue.OTP | Cue.AUTH) else 2.2
            return strength - 0.2, "alone, and the subject speaks of a code"
        return 0.0, ""

    def _from_below(self, candidate: Candidate) -> tuple[float, str]:
        """A number alone on its line, with the word for it on the next."""
        position = self._position[candidate.last_line]
        for index in self._indices[position + 1 : position + 2]:
            text = self._text(index)
            cues = self._wording.cues(text)
            nouns = [cue for cue in cues if cue.cues & _NOUN and len(_WORDS.findall(text[: cue.start])) <= 5]
            if nouns:
                return self._noun_strength(nouns[0], cues) - 0.5, "alone above a word for a code"
        return 0.0, ""

    def _only_content(self, candidate: Candidate) -> tuple[float, str]:
        if sum(len(self._text(i)) for i in self._indices) <= candidate.end - candidate.start + 12:
            return (3.2 if self._subject_cues & (_NOUN | Cue.AUTH) else 2.2), "the only content"
        return 0.0, ""

    def _noun_strength(self, noun: Found, cues: list[Found]) -> float:
        """3 for a term such as "verification code", less for a bare "code", nothing for "promo code"."""
        near = [
            cue for cue in cues if cue is not noun and -30 <= cue.start - noun.end <= 40 and cue.end - noun.start >= -40
        ]
        if any(cue.cues & Cue.TRADE and abs(_distance(cue, noun)) <= 12 for cue in near) and not noun.cues & Cue.OTP:
            return -2.0
        purpose = any(cue.cues & Cue.AUTH for cue in cues)
        if noun.cues & Cue.OTP:
            # Couriers hand out one-time passwords too.
            return 3.2 if purpose or not any(cue.cues & Cue.TRADE for cue in cues) else 1.2
        if any(cue.cues & (Cue.AUTH | Cue.OTP) for cue in near):
            return 3.0 - min(1.5, 0.4 * self._trade)
        if purpose or any(cue.cues & Cue.OTP for cue in cues):
            return 2.7 - min(1.5, 0.4 * self._trade)
        weak = 2.4 if self._subject_cues & (Cue.AUTH | Cue.OTP) or (self._all & Cue.AUTH and self._cautions) else 2.0
        return weak - min(2.5, 0.8 * self._trade)

    def _against(self, candidate: Candidate, text: str, alone: bool) -> float:
        """What says that the number is something else, or a code that is not valid any more."""
        start, end = _clause(text, candidate.start, candidate.end)
        cues = [cue for cue in self._wording.cues(text) if cue.start >= start and cue.end <= end]
        score = 0.0
        if not alone and self._labelled(candidate, text, cues):
            score += 4.0
        before = text[max(0, candidate.start - 20) : candidate.start]
        if before.rstrip().endswith("#") and not alone:
            score += 1.5
        if _SAMPLE.search(before):
            score += 3.0
        if any(cue.cues & Cue.OLD and abs(_gap(cue, candidate)) <= 40 for cue in cues):
            score += 2.0
        if (
            candidate.shape is Shape.DIGITS
            and _YEAR.fullmatch(candidate.value)
            and not (alone or _SEPARATES.search(before))
        ):
            score += 2.5
        if candidate.shape is Shape.MIXED and _COUPON.fullmatch(candidate.value) and not alone:
            score += 1.0
        if _TRIVIAL.fullmatch(candidate.value):
            score += 1.0
        if self._trade >= 2 and not self._all & Cue.AUTH:
            score += 1.0
        return score

    def _letters_set_apart(self, candidate: Candidate, text: str, alone: bool) -> bool:
        """A code without digits looks like a word: it must stand where only a code stands, and be no name here."""
        folded = candidate.value.casefold()
        if folded in self._names or sum(self._text(i).casefold().count(folded) for i in self._indices[:80]) > 2:
            return False
        if not alone:
            before = text[: candidate.start]
            noun = [cue for cue in self._wording.cues(text) if cue.cues & _NOUN and cue.end <= candidate.start]
            gap = before[noun[-1].end :] if noun else before
            tight = len(_WORDS.findall(gap)) <= 1 and (
                _SEPARATES.search(gap) is not None or self._stands_out(candidate)
            )
            return bool(noun) and (tight or not gap.strip() or (candidate.line >= 0 and gap.strip() in _COPULAS))
        position = self._position[candidate.line]
        if position == 0:
            return bool(self._subject_cues & _NOUN)
        above = self._text(self._indices[position - 1])
        noun_above = any(cue.cues & _NOUN for cue in self._wording.cues(above))
        set_apart = (
            above.rstrip().endswith((":", "：")) or self._stands_out(candidate) or candidate.shape is not Shape.UPPER
        )
        return noun_above and set_apart

    def _labelled(self, candidate: Candidate, text: str, cues: list[Found]) -> bool:
        """Whether the nearest label before the number, or directly behind it, names something else."""
        before = [cue for cue in cues if cue.end <= candidate.start and cue.cues & (_OTHERS | _NOUN)]
        if before and before[-1].cues & _OTHERS and not before[-1].cues & Cue.OTP:
            gap = text[before[-1].end : candidate.start]
            if (
                len(gap) <= 24
                and len(_WORDS.findall(gap)) <= 3
                and not _copula_to_noun(text, cues, before[-1], candidate)
            ):
                return True
        return False


def _copula_to_noun(text: str, cues: list[Found], label: Found, candidate: Candidate) -> bool:
    """`Your code for the card is 482913`: a word stands between the label and the number, and a code was spoken of."""
    noun = any(cue.cues & _NOUN and cue.end <= label.start for cue in cues)
    gap = text[label.end : candidate.start]
    return (
        noun
        and (bool(_SEPARATES.search(gap)) or 0 < len(_WORDS.findall(gap)) <= 2)
        and not any(ch.isdigit() for ch in gap)
    )


def _clause(text: str, start: int, end: int) -> tuple[int, int]:
    left = 0
    for match in _CLAUSE_END.finditer(text, 0, start):
        left = match.end()
    right = _CLAUSE_END.search(text, end)
    return left, right.start() if right else len(text)


def _distance(cue: Found, noun: Found) -> int:
    return cue.start - noun.end if cue.start >= noun.end else noun.start - cue.end


def _gap(cue: Found, candidate: Candidate) -> int:
    return candidate.start - cue.end if cue.end <= candidate.start else cue.start - candidate.end
