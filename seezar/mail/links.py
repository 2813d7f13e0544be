"""Which link is the one to open for signing in, confirming, resetting or joining.

Text, place, path and token are weighed. A link is only taken when it carries something that makes it personal (a
token), and when what is said at it names such a purpose. Links that undo, report, decline, or lead to reading, paying
and sharing are refused even with a token.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from seezar.mail.document import Document, Link
from seezar.mail.normalise import fold, word_set
from seezar.mail.urls import MAX_URL, path_score, shared_values, token_strength, url_words
from seezar.mail.wording import Cue, Found, Wording

THRESHOLD = 5.5
MAX_LINKS = 300
_PURPOSE = Cue.AUTH | Cue.INVITE | Cue.OTP
_SAYS = _PURPOSE | Cue.NOTME | Cue.REFUSE | Cue.ELSEWHERE | Cue.TRADE
_ACCOUNT = Cue.ACCOUNT | Cue.PASSWORD
_LOOKS_LIKE_URL = re.compile(r"^(?:https?://|www\.)\S+$", re.IGNORECASE)
# "No", as the whole text of a link.
_NO = word_set(
    "no nein non nee nej nei nie ne нет ні не hayir nem nu όχι οχι لا نه לא नहीं いいえ 아니요 否 不 不是 ei khong tidak"
)
# Characters of a fragment that only joins two links.
_CONNECTING = 12
_QUOTED = re.compile(r"\"[^\"]{3,200}\"|「[^」]{3,200}」")
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
        self._linked = frozenset(link.line for link in document.links)
        # What a subject quotes is the title of something: a topic, a task, a file.
        self._subject_cues = _union(wording.cues(_QUOTED.sub(" ", subject)))
        self._all = self._subject_cues
        for index in self._readable:
            self._all |= _union(wording.cues(document.lines[index].text))
        self._shared = shared_values(link.href for link in document.links[:MAX_LINKS])
        self._first = self._first_personal()

    def _first_personal(self) -> str | None:
        """The first link that carries a token and that nothing at it refuses: the button of a mail that has one."""
        for link in self._document.links[:MAX_LINKS]:
            if link.line not in self._own or self._token(link) < 2.0:
                continue
            text = 0 if _is_address(link) else self._text_cues(link)
            if not text & (Cue.REFUSE | Cue.NOTME | Cue.ELSEWHERE) and path_score(link.href) >= 0:
                return link.href
        return None

    def targets(self) -> list[Target]:
        """The links worth opening, best first; the same URL at two places counts as one, a little stronger."""
        best: dict[str, Target] = {}
        for link in self._document.links[:MAX_LINKS]:
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
        token = self._token(link)
        if token <= 0 or len(link.href) > MAX_URL:
            return -4.0, "no token"
        path = path_score(link.href)
        named = bool(link.text) and not _is_address(link)
        text = self._text_cues(link) if named else 0
        generic = not text & _SAYS
        context = self._context_cues(link, generic=generic)
        score, reason = token + path, "token"
        if named:
            score += _text_score(text)
            if text & _PURPOSE and not text & (Cue.REFUSE | Cue.ELSEWHERE):
                reason = "link text names the purpose"
        score += self._context_score(context, generic=generic)
        if generic:
            reason = "words at the link name the purpose"
        if generic and not context & _SAYS and link.href == self._first and self._subject_asks():
            score += 2.0
            reason = "the subject names the purpose of the only button"
        score += self._mail_score(text, context, token, path)
        score -= self._remedy(context | text, link)
        return score, reason

    def _mail_score(self, text: int, context: int, token: float, path: float) -> float:
        """What the subject and the mail as a whole add to a link."""
        score = 0.0
        subject = self._subject_cues
        near = subject | text | context
        agreed = bool((text | context) & _PURPOSE) and not (subject | text) & (Cue.TRADE | Cue.ELSEWHERE | Cue.NOTICE)
        if subject & _PURPOSE:
            score += 1.7 if path > 0 else 1.0
            # Subject and link agree: a short token is enough, unless it is the code that the mail is about.
            score += 1.0 if agreed and not self._codes else 0.0
        elif not self._all & _PURPOSE:
            score -= 1.5
        elif subject & Cue.ELSEWHERE and not text & _PURPOSE:
            # A message, a comment or a file in which somebody speaks of signing in.
            score -= 2.0
        about_account = self._all & _ACCOUNT
        if subject & Cue.TRADE and (
            not about_account or (text | context) & Cue.TRADE or (path <= 0 and not subject & (Cue.AUTH | Cue.OTP))
        ):
            # "Register", "confirm", "join" are also said of events, parcels and offers.
            score -= 3.0
        invited = subject & Cue.INVITE and not (subject | text) & (Cue.TRADE | Cue.ELSEWHERE)
        if near & (Cue.TRADE | Cue.ELSEWHERE) and not near & (_ACCOUNT | Cue.OTP) and not invited:
            score -= 4.0
        if token < 3 and path <= 0 and not text & _PURPOSE and not agreed:
            score -= 0.5
        return score

    def _token(self, link: Link) -> float:
        return token_strength(link.href[:MAX_URL], self._codes, self._shared)

    def _subject_asks(self) -> bool:
        """Whether the subject names a purpose and nothing else, and no code serves it."""
        subject = self._subject_cues
        other = Cue.NOTICE | Cue.TRADE | Cue.ELSEWHERE | Cue.REFUSE | Cue.NOTME
        return bool(subject & _PURPOSE) and not subject & other and not self._codes

    def _text_cues(self, link: Link) -> int:
        cues = _union(self._wording.cues(link.text))
        if fold(link.text).strip(" .!,") in _NO:
            cues |= Cue.REFUSE
        return cues

    def _context_cues(self, link: Link, *, generic: bool) -> int:
        """What is said before a link; for one that says nothing itself, else what is said behind it."""
        context = _union(cue for part in self._context(link) for cue in self._wording.cues(part))
        if context & Cue.NOTME and context & Cue.IGNORE:
            # "If it was not you, do nothing" says nothing of the link.
            context &= ~(Cue.NOTME | Cue.REFUSE)
        if generic and not context & _SAYS:
            behind = _union(self._wording.cues(self._behind(link)))
            context |= behind if behind & _PURPOSE and not behind & (Cue.NOTME | Cue.REFUSE) else 0
        return context

    def _context(self, link: Link) -> list[str]:
        """The words that lead to the link: the nearest sentence before it that says anything, at most three back."""
        before = self._document.lines[link.line].text[: link.start].rstrip()
        sentences = _sentences(before) if len(before) >= 3 else []
        if len(before) < 12 or not sentences:
            above = self._above(link.line)
            if any(code in above and code not in link.href for code in self._codes):
                # "Your sign-in code is …" leads to the code.
                above = ""
            sentences = _sentences(above) + sentences
        chosen: list[str] = []
        for sentence in reversed(sentences[-3:]):
            chosen.append(sentence)
            says = _union(self._wording.cues(sentence)) & _SAYS
            # "or open" leads on to the link, it says nothing of what it is.
            if says and not (says == Cue.ELSEWHERE and len(sentence) <= _CONNECTING):
                break
        return chosen

    def _behind(self, link: Link) -> str:
        """The rest of the link's line, or the line below it when the link stands alone."""
        text = self._document.lines[link.line].text
        rest = text[link.start + len(link.text) :].strip()
        if rest or text[: link.start].strip():
            return rest
        for index in range(link.line + 1, min(link.line + 3, len(self._document.lines))):
            below = self._document.lines[index].text
            if below and index in self._own:
                return "" if index in self._linked else below
        return ""

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
            # "Thanks for confirming your address" is said of what is done.
            score += 2.5 if generic and not context & Cue.NOTICE else 1.0
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
        if password and not asked:
            return 6.0 if self._subject_cues & Cue.NOTICE else 4.0
        return 1.0


def _is_address(link: Link) -> bool:
    """Whether a URL is shown in place of words."""
    return link.bare or _LOOKS_LIKE_URL.match(link.text) is not None


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
        return 1.0 if text & (Cue.ELSEWHERE | Cue.TRADE) else 2.0 if text & Cue.OTHER else 3.0
    if text & (Cue.ELSEWHERE | Cue.TRADE | Cue.NOTME):
        return -4.0
    return 0.0
