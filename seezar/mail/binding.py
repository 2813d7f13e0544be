"""How directly the words of a mail point at a number: before it, behind it, above it, or by an order to type it."""

import re

from seezar.mail.candidates import Candidate, Shape
from seezar.mail.evidence import NOUN, OTHERS, SEPARATES, WORDS, MailText, clause, distance, union
from seezar.mail.normalise import word_set
from seezar.mail.wording import Cue, Found

# "Your code is ABCDEF": the words that may stand between when nothing else sets the letters apart.
COPULAS = word_set(
    "is are was be ist lautet sind luidt er är es é è és e está será son são est este da to jest brzmi je glasi е з "
    "это є yra ir on είναι είναι: është következő adalah ialah adl ay là la ni yw estas dir eshte de: является "
    "است هو هي הוא היא ہے है हैं हो आहे คือ គឺ ແມ່ນ է არის 是 为 為 は 은 는"
)
# Looked at above a code that stands alone: headings and a sentence or two, not the whole mail.
_LINES_ABOVE = 4
# Characters between an order and what is to be entered.
_ORDERED = 12


class Binding:
    """Points for the most direct binding of a candidate, about 3 for "your verification code is"."""

    def __init__(self, mail: MailText, candidates: list[Candidate]) -> None:
        self._mail = mail
        self._candidates = candidates

    def best(self, candidate: Candidate) -> tuple[float, str]:
        """The strongest binding and what it is; 0 when nothing near speaks of a code."""
        options: list[tuple[float, str]] = [(0.0, "")]
        if self._mail.alone(candidate):
            options.append(self._from_above(candidate))
            options.append(self._from_below(candidate))
            options.append(self._only_content(candidate))
        text = self._mail.text(candidate.line)
        cues = self._mail.clause_cues(candidate)
        options.append(self._from_before(candidate, text, cues))
        options.append(self._from_after(candidate, text, cues))
        options.append(self._from_verb(candidate, text, cues))
        return max(options, key=lambda option: option[0])

    def _from_before(self, candidate: Candidate, text: str, cues: list[Found]) -> tuple[float, str]:
        """`Your verification code is 482913`."""
        nouns = [cue for cue in cues if cue.cues & NOUN and cue.end <= candidate.start]
        if not nouns:
            return self._from_label(candidate, text, cues)
        noun = nouns[-1]
        gap = text[noun.end : candidate.start]
        score = self._noun_strength(noun, cues)
        words = WORDS.findall(gap)
        stated = SEPARATES.search(gap) is not None or (bool(words) and words[-1].lower() in COPULAS)
        if noun.cues & Cue.PASSWORD and words and not stated:
            # "The password of the account 4711": its owner is meant, not what it is.
            return 0.0, ""
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
        if any(not self._mail.labelled(c, cues) for c in between):
            score -= 1.5
        return score, "number after a word for a code"

    def _from_label(self, candidate: Candidate, text: str, cues: list[Found]) -> tuple[float, str]:
        """`Number: 482913` where signing in is the subject, and `Password: 482913` below an amount of money."""
        labels = [cue for cue in cues if cue.cues & (Cue.NUMBER | Cue.PASSWORD) and cue.end <= candidate.start]
        if not labels or candidate.shape not in (Shape.DIGITS, Shape.SPLIT_DIGITS) or len(candidate.value) > 8:
            return 0.0, ""
        gap = text[labels[-1].end : candidate.start]
        if SEPARATES.search(gap) is None and gap.strip().lower() not in COPULAS:
            return 0.0, ""
        if labels[-1].cues & Cue.NUMBER:
            meant = self._mail.is_the_number(labels[-1], text)
            return (2.3, "number of a mail about signing in") if meant else (0.0, "")
        return (2.4, "password for a payment") if self._mail.money() else (0.0, "")

    def _asked_for(self, cues: list[Found]) -> bool:
        """Whether a bare "code 4711" is meant to be typed: an order to do so, or a mail that warns as such mails do."""
        return any(cue.cues & Cue.USE for cue in cues) or self._mail.cautions > 0

    def _from_after(self, candidate: Candidate, text: str, cues: list[Found]) -> tuple[float, str]:
        """`482913 is your verification code`."""
        nouns = [cue for cue in cues if cue.cues & NOUN and cue.start >= candidate.end]
        if not nouns:
            return 0.0, ""
        noun = nouns[0]
        gap = text[candidate.end : noun.start]
        if len(gap) > 45 or len(WORDS.findall(gap)) > 6 or any(ch.isdigit() for ch in gap):
            return 0.0, ""
        if any(cue.cues & Cue.CAUTION and candidate.end <= cue.start < noun.start for cue in cues):
            # "Calls from 482913? Never tell anyone your code."
            return 0.0, ""
        words = WORDS.findall(gap)
        score = self._noun_strength(noun, cues) - 0.2
        if words and (words[0].lower() in COPULAS or words[0][0] in "がは是为為"):
            score += 0.4
        if re.search(r"[,:;]", gap):
            score -= 1.2
        # What stands in the middle of a sentence is told by the words before it first.
        lead = candidate.start - clause(text, candidate.start, candidate.end)[0]
        if lead > 40:
            score -= 0.8
        elif lead > 3 and candidate.shape is not Shape.DIGITS and candidate.shape is not Shape.SPLIT_DIGITS:
            score -= 1.0
        return score, "number before a word for a code"

    def _from_verb(self, candidate: Candidate, text: str, cues: list[Found]) -> tuple[float, str]:
        """`Enter 482913 to sign in`: no noun, but an order to type it and what for."""
        near = False
        for cue in cues:
            if cue.cues & Cue.USE and cue.end <= candidate.start:
                gap = text[cue.end : candidate.start]
                near = near or len(WORDS.findall(gap)) <= 3 or SEPARATES.search(gap) is not None
            elif cue.cues & Cue.USE:
                # Languages that put the verb last have half a sentence between.
                near = near or cue.start - candidate.end <= 45
            elif cue.cues & Cue.AUTH and cue.end <= candidate.start and self._mail.all_cues & NOUN:
                # "Confirm with 482913": the mail says elsewhere that it is a code.
                gap = text[cue.end : candidate.start]
                near = near or (bool(self._mail.cautions) and len(gap) <= 8 and len(WORDS.findall(gap)) == 1)
        purpose = any(cue.cues & (Cue.AUTH | Cue.OTP) for cue in cues)
        if near and (purpose or self._mail.subject_cues & (Cue.AUTH | Cue.OTP)):
            return (2.6 if purpose else 2.3), "number to enter for signing in"
        return 0.0, ""

    def _from_above(self, candidate: Candidate) -> tuple[float, str]:
        """A number alone on its line, below a line that speaks of a code."""
        position = self._mail.position[candidate.line]
        listed = 0
        for lines, index in enumerate(reversed(self._mail.indices[max(0, position - _LINES_ABOVE) : position])):
            text = self._mail.text(index)
            cues = self._mail.wording.cues(text)
            nouns = [cue for cue in cues if cue.cues & NOUN]
            if nouns:
                score = max(self._noun_strength(noun, cues) for noun in nouns)
                tight = 0.3 if text.rstrip().endswith(":") or lines == 0 else 0.0
                return score - 0.25 * lines + tight, "alone below a word for a code"
            said = union(cues)
            if lines <= 1 and said & Cue.USE and not said & OTHERS and self._mail.all_cues & (Cue.AUTH | Cue.OTP):
                return 2.4, "alone below an order to enter it"
            if lines == listed and len(text) < 60 and any(cue.cues & OTHERS for cue in cues):
                # The label of a table cell, or of a list of numbers.
                return 0.0, ""
            listed += lines == listed and not any(char.isalpha() for char in text)
        if self._mail.subject_cues & NOUN and position <= _LINES_ABOVE:
            strength = 3.0 if self._mail.subject_cues & (Cue.OTP | Cue.AUTH) else 2.2
            return strength - 0.2, "alone, and the subject speaks of a code"
        return 0.0, ""

    def _from_below(self, candidate: Candidate) -> tuple[float, str]:
        """A number alone on its line, with the word for it on the next."""
        position = self._mail.position[candidate.last_line]
        for index in self._mail.indices[position + 1 : position + 2]:
            text = self._mail.text(index)
            cues = self._mail.wording.cues(text)
            uses = [cue.end for cue in cues if cue.cues & Cue.USE]
            nouns = [
                cue
                for cue in cues
                if cue.cues & NOUN
                and (
                    len(WORDS.findall(text[: cue.start])) <= 5
                    # "To sign in on the new device, please use the code above."
                    or any(0 <= cue.start - end <= _ORDERED for end in uses)
                )
            ]
            if nouns:
                return self._noun_strength(nouns[0], cues) - 0.5, "alone above a word for a code"
            ordered = cues and cues[0].cues & Cue.USE and cues[0].start <= 12
            if ordered and not union(cues) & OTHERS and self._mail.all_cues & (Cue.AUTH | Cue.OTP):
                return 2.3, "alone above an order to enter it"
        return 0.0, ""

    def _only_content(self, candidate: Candidate) -> tuple[float, str]:
        if sum(len(self._mail.text(i)) for i in self._mail.indices) <= candidate.end - candidate.start + 12:
            return (3.2 if self._mail.subject_cues & (NOUN | Cue.AUTH) else 2.2), "the only content"
        return 0.0, ""

    def _noun_strength(self, noun: Found, cues: list[Found]) -> float:
        """3 for a term such as "verification code", less for a bare "code", nothing for "promo code"."""
        if noun.cues & Cue.NUMBER and not (self._mail.cautions or self._mail.all_cues & Cue.USE):
            # "Your registration number" is a label of some other number as a rule.
            return 1.0
        near = [
            cue for cue in cues if cue is not noun and -30 <= cue.start - noun.end <= 40 and cue.end - noun.start >= -40
        ]
        close = [cue for cue in near if distance(cue, noun.start, noun.end) <= 12]
        if union(close) & Cue.TRADE and not noun.cues & Cue.OTP:
            return -2.0
        purpose = any(cue.cues & Cue.AUTH for cue in cues)
        if noun.cues & Cue.OTP:
            # Couriers hand out one-time passwords too, and meetings have access codes.
            if not purpose and any(cue.cues & Cue.TRADE for cue in cues):
                return 1.2
            return 3.2 if self._mail.all_cues & Cue.AUTH else 3.2 - min(2.0, 0.8 * self._mail.trade)
        if any(cue.cues & (Cue.AUTH | Cue.OTP) for cue in near):
            return 3.0 - min(1.5, 0.4 * self._mail.trade)
        if purpose or any(cue.cues & Cue.OTP for cue in cues):
            return 2.7 - min(1.5, 0.4 * self._mail.trade)
        about_auth = self._mail.cautions and (self._mail.all_cues & Cue.AUTH or self._mail.nothing_else())
        weak = 2.4 if about_auth or self._mail.subject_cues & (Cue.AUTH | Cue.OTP) else 2.0
        return weak - min(2.5, 0.8 * self._mail.trade)
