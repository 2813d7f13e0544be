"""Which link is the one to open for signing in, confirming, resetting or joining.

Text, place, path and token are weighed. A link is only taken when it carries something that makes it personal (a
token), and when what is said at it names such a purpose. Links that undo, report, decline, or lead to reading, paying
and sharing are refused even with a token.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from seezar.mail.document import Document, Link
from seezar.mail.urls import MAX_URL, path_score, token_strength, url_words
from seezar.mail.wording import Cue, Found, Wording

THRESHOLD = 5.5
_PURPOSE = Cue.AUTH | Cue.INVITE | Cue.OTP
_SAYS = _PURPOSE | Cue.NOTME | Cue.REFUSE | Cue.ELSEWHERE | Cue.TRADE
_LOOKS_LIKE_URL = re.compile(r"^(?:https?://|www\.)\S+$", re.IGNORECASE)
_SENTENCE = re.compile(r"(?<=[.!?。！？；])\s*(?=\S)|(?<=[。！？])")


@dataclass(frozen=True, slots=True)
class Target:
    """A link that passed, with its score and what speaks for it."""

    link: Link
    score: float
    reason: str


class LinkReader:
    """Scores the links of one document, with the subject of its mail."""

    def __init__(
        self, subject: str, document: Document, indices: list[int], wording: Wording, codes: frozenset[str]
    ) -> None:
        self._document = document
        self._wording = wording
        self._codes = codes
        self._readable = [i for i in indices if document.lines[i].text]
        self._own = frozenset(indices)
        self._subject_cues = _union(wording.cues(subject))
        self._all = self._subject_cues
        for index in self._readable:
            self._all |= _union(wording.cues(document.lines[index].text))

    def targets(self) -> list[Target]:
        """The links worth opening, best first; the same URL at two places counts as one, a little stronger."""
        best: dict[str, Target] = {}
        for link in self._document.links[:300]:
            if link.line not in self._own:
                continue
            score, reason = self._score(link)
            known = best.get(link.href)
            if known is None:
                best[link.href] = Target(link, score, reason)
            elif min(score, known.score) > 0:
                top = known if known.score >= score else Target(link, score, reason)
                best[link.href] = Target(top.link, top.score + 0.3, top.reason)
            else:
                # One place that refuses it refuses it everywhere.
                worst = known if known.score <= score else Target(link, score, reason)
                best[link.href] = (
                    worst if worst.score < -2 else max(known, Target(link, score, reason), key=lambda t: t.score)
                )
        return sorted((t for t in best.values() if t.score >= THRESHOLD), key=lambda target: -target.score)

    def _score(self, link: Link) -> tuple[float, str]:
        token = token_strength(link.href[:MAX_URL], self._codes)
        if token <= 0 or len(link.href) > MAX_URL:
            return -4.0, "no token"
        path = path_score(link.href)
        text = _union(self._wording.cues(link.text)) if not (link.bare or _LOOKS_LIKE_URL.match(link.text)) else 0
        above = self._context(link)
        context = _union(cue for part in above for cue in self._wording.cues(part))
        named = bool(link.text) and not link.bare and not _LOOKS_LIKE_URL.match(link.text)
        score, reason = token + path, "token"
        score += _text_score(text) if named else 0.0
        if named and text & _PURPOSE and not text & (Cue.REFUSE | Cue.ELSEWHERE):
            reason = "link text names the purpose"
        score += self._context_score(context, generic=not named or not text)
        if not named or not text:
            reason = "words before the link name the purpose"
        if self._subject_cues & _PURPOSE:
            score += 1.7 if path > 0 else 1.0
        elif not self._all & _PURPOSE:
            score -= 1.5
        if self._subject_cues & Cue.TRADE and not self._subject_cues & (Cue.AUTH | Cue.OTP) and path <= 0:
            # "Register", "confirm", "join" are also said of events, parcels and offers.
            score -= 2.0
        if token < 3 and path <= 0 and not (named and text & _PURPOSE):
            score -= 0.5
        score -= self._remedy(context | (text if named else 0), link)
        return score, reason

    def _context(self, link: Link) -> list[str]:
        """The words that lead to the link: the nearest sentence before it that says anything, at most three back."""
        before = self._document.lines[link.line].text[: link.start].rstrip()
        sentences = _sentences(before) if len(before) >= 3 else []
        if len(before) < 12 or not sentences:
            sentences = _sentences(self._above(link.line)) + sentences
        chosen: list[str] = []
        for sentence in reversed(sentences[-3:]):
            chosen.append(sentence)
            if _union(self._wording.cues(sentence)) & _SAYS:
                break
        return chosen

    def _above(self, line: int) -> str:
        for index in range(line - 1, max(-1, line - 4), -1):
            text = self._document.lines[index].text
            if index in self._own and len(text) > 2:
                return text
        return ""

    def _context_score(self, context: int, *, generic: bool) -> float:
        score = 0.0
        if context & Cue.NOTME and not context & Cue.IGNORE:
            score -= 5.0
        elif context & Cue.INVITE and self._all & Cue.TRADE and not (context | self._all) & (Cue.AUTH | Cue.OTP):
            score -= 3.0 if generic else 0.5
        elif context & _PURPOSE:
            score += 2.5 if generic else 1.0
        elif context & Cue.REFUSE and not context & Cue.IGNORE:
            score -= 4.0 if generic else 1.0
        elif context & (Cue.ELSEWHERE | Cue.TRADE):
            score -= 2.0 if generic else 0.5
        return score

    def _remedy(self, said: int, link: Link) -> float:
        """A notice of what has happened offers a new password as a remedy; that is no step of signing in."""
        if not self._all & Cue.NOTICE:
            return 0.0
        password = bool(said & Cue.PASSWORD) or bool(
            url_words(link.href) & {"password", "passwd", "reset", "forgot", "recover"}
        )
        asked = self._subject_cues & Cue.PASSWORD and not self._subject_cues & Cue.NOTICE
        return 4.0 if password and not asked else 1.0


def _union(cues: Iterable[Found]) -> int:
    total = 0
    for cue in cues:
        total |= cue.cues
    return total


def _sentences(text: str) -> list[str]:
    return [part for part in _SENTENCE.split(text.rstrip()) if part.strip()]


def _text_score(text: int) -> float:
    if text & Cue.REFUSE:
        return -7.0
    if text & Cue.INVITE:
        # "View the invitation" is one, "Join the meeting" and "Accept the offer" are not.
        return -4.0 if text & Cue.TRADE else 2.0 if text & Cue.ELSEWHERE else 3.0
    if text & (Cue.AUTH | Cue.OTP):
        return 1.0 if text & (Cue.ELSEWHERE | Cue.TRADE | Cue.OTHER) else 3.0
    if text & (Cue.ELSEWHERE | Cue.TRADE | Cue.NOTME):
        return -4.0
    return 0.0
