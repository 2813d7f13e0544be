"""What is said around a candidate: the subject and lines of one body with their cues, and what they say as a whole."""

import re

from seezar.mail.candidates import AMOUNT, Candidate
from seezar.mail.document import Document
from seezar.mail.wording import Cue, Found, Wording

NOUN = Cue.CODE | Cue.OTP
OTHERS = Cue.TRADE | Cue.OTHER
WORDS = re.compile(r"\w+")
SEPARATES = re.compile(r"[:=：＝】【\[\(\"'>→*-]\s*$")
# A clause ends at a mark that is followed by space or the end; "No. 5", "Tel. 5" do not end one, "to you. Call 5" does.
_CLAUSE_END = re.compile(
    r"(?<![\s.(\[][A-Za-zÀ-ÿ])(?<![\s.(\[][A-Za-zÀ-ÿ]{2})(?<![\s.(\[][A-Za-zÀ-ÿ]{3})[.!?;](?=\s|$)|[。！？；؟।]|\.(?=\s*$)"
    r"|(?:(?<=\s[a-zà-ÿ]{2})|(?<=\s[a-zà-ÿ]{3}))[.!?](?=\s+[A-ZÀ-Þ][a-zà-ÿ])"
)
# A number that the label has already, and a word behind it: "card *4410 is 482913".
_TAKEN = re.compile(r"\d\W+(?:\w*[^\W\d]\W+)+$")
_ONLY_PUNCTUATION = re.compile(r"[\W_]*", re.UNICODE)
_PERCENT = re.compile(r"(?<![\d.])\d{1,2}\s?%")
# A mail of so few characters says nothing beside its code.
_BRIEF = 160


class MailText:
    """The subject and the readable lines of one body.

    Attributes:
        subject: clean subject; line -1 of candidates.
        indices: the lines that count, in order; the others are quoted.
        position: place of a line in `indices`.
        all_cues: cues of the whole; `subject_cues`: of the subject.
        trade: how much is said of other occasions that hand out codes.
        cautions: how often it warns as mails with codes do.
    """

    def __init__(self, subject: str, document: Document, indices: list[int], wording: Wording) -> None:
        self.subject = subject
        self.document = document
        self.wording = wording
        self.indices = [i for i in indices if document.lines[i].text]
        self.position = {index: position for position, index in enumerate(self.indices)}
        texts = [subject, *(document.lines[i].text for i in self.indices)]
        found = [cue for text in texts for cue in wording.cues(text)]
        self.all_cues = union(found)
        self.subject_cues = union(wording.cues(subject))
        self.cautions = sum(1 for cue in found if cue.cues & (Cue.CAUTION | Cue.IGNORE | Cue.NOTME))
        self.trade = len({(cue.end - cue.start, cue.cues) for cue in found if cue.cues & Cue.TRADE})
        # A percentage is the mark of an offer.
        self.trade += 2 * any(_PERCENT.search(text) for text in texts)
        self._brief = sum(map(len, texts)) < _BRIEF
        self._texts = texts

    def text(self, line: int) -> str:
        """The text of a line; the subject for -1."""
        return self.subject if line < 0 else self.document.lines[line].text

    def clause_cues(self, candidate: Candidate) -> list[Found]:
        """The cues of the clause that a candidate stands in."""
        text = self.text(candidate.line)
        start, end = clause(text, candidate.start, candidate.end)
        return [cue for cue in self.wording.cues(text) if cue.start >= start and cue.end <= end]

    def alone(self, candidate: Candidate) -> bool:
        """Whether nothing but punctuation shares the candidate's line."""
        if candidate.line < 0:
            return False
        text = self.text(candidate.line)
        rest = text[: candidate.start] + " " + text[candidate.end :]
        return candidate.last_line > candidate.line or _ONLY_PUNCTUATION.fullmatch(rest) is not None

    def stands_out(self, candidate: Candidate) -> bool:
        """Whether the candidate itself is set large, bold or in a typewriter face."""
        if candidate.line < 0:
            return False
        longest = candidate.end - candidate.start + 6
        return any(
            start <= candidate.start and candidate.end <= end and end - start <= longest
            for start, end in self.document.lines[candidate.line].strong
        )

    def about(self) -> float:
        """What the whole mail says: about signing in, or about something else that has codes."""
        score = 0.0
        if self.cautions:
            score += 0.5
        if self.subject_cues & (NOUN | Cue.AUTH):
            score += 0.5
        if not self.all_cues & (Cue.AUTH | Cue.OTP):
            score -= 0.3
        if self.nothing_else():
            score += 0.4
        if self.subject_cues & OTHERS and not self.subject_cues & (Cue.AUTH | NOUN):
            # What the mail is about by its own word; a code in it needs that it warns as such mails do.
            score -= 1.5 if self.subject_cues & Cue.TRADE else 0.0 if self.cautions or self.all_cues & Cue.USE else 1.5
        return score

    def nothing_else(self) -> bool:
        """Whether the mail is short and has no other labels than that of the code."""
        return self._brief and not self.all_cues & OTHERS

    def is_the_number(self, label: Found, text: str) -> bool:
        """Whether "number" says enough: a mail about signing in that warns, and nothing before it that says whose."""
        subject = self.subject_cues
        if label.cues & (Cue.TRADE | NOUN) or not subject & (Cue.AUTH | Cue.OTP) or subject & Cue.NOTICE:
            return False
        lead = text[clause(text, label.start, label.end)[0] : label.start]
        return self.cautions > 0 and len(WORDS.findall(lead)) <= 2

    def money(self) -> bool:
        """Whether an amount of money is named."""
        return any(AMOUNT.search(text) for text in self._texts)

    def uses(self, word: str) -> int:
        """How often a case-folded word stands anywhere in the mail."""
        return sum(self.text(i).casefold().count(word) for i in self.indices[:80])

    def labelled(self, candidate: Candidate, cues: list[Found]) -> bool:
        """Whether the nearest label before the number names something else."""
        text = self.text(candidate.line)
        before = [cue for cue in cues if cue.end <= candidate.start and cue.cues & (OTHERS | NOUN)]
        if not before or not before[-1].cues & OTHERS or before[-1].cues & Cue.OTP:
            return False
        label = before[-1]
        gap = text[label.end : candidate.start]
        if len(gap) > 24 or len(WORDS.findall(gap)) > 3 or _TAKEN.search(gap):
            return False
        ordered = [cue for cue in cues if cue.cues & Cue.USE and cue.end <= candidate.start]
        if any(cue.start >= label.end for cue in ordered) or (ordered and label.cues & Cue.NUMBER):
            # "for payments enter 507713", "enter the number 507713".
            return False
        if label.cues & Cue.NUMBER and self.is_the_number(label, text):
            return False
        if any(cue.cues & NOUN and 0 <= cue.start - candidate.end <= 2 for cue in cues):
            # "for the account the 507713 code", as languages say it that put the noun last.
            return False
        return not _copula_to_noun(text, cues, label, candidate)


def union(cues: list[Found]) -> int:
    """All that some cues say."""
    total = 0
    for cue in cues:
        total |= cue.cues
    return total


def _copula_to_noun(text: str, cues: list[Found], label: Found, candidate: Candidate) -> bool:
    """`Your code for the card is 482913`: a word stands between the label and the number, and a code was spoken of."""
    # In "token usage: 4711" the two are one label, and no code was spoken of.
    noun = any(cue.cues & NOUN and cue.end + 2 < label.start for cue in cues)
    gap = text[label.end : candidate.start]
    return (
        noun
        and (bool(SEPARATES.search(gap)) or 0 < len(WORDS.findall(gap)) <= 2)
        and not any(ch.isdigit() for ch in gap)
    )


def clause(text: str, start: int, end: int) -> tuple[int, int]:
    """Offsets of the clause around a span."""
    left = 0
    for match in _CLAUSE_END.finditer(text, 0, start):
        left = match.end()
    right = _CLAUSE_END.search(text, end)
    return left, right.start() if right else len(text)


def distance(cue: Found, start: int, end: int) -> int:
    """Characters between a cue and a span."""
    return start - cue.end if cue.end <= start else cue.start - end
