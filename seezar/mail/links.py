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
from seezar.mail.occasions import Choices, dated, numbered, priced, timed
from seezar.mail.urls import MAX_URL, leads_through_login, path_score, shared_values, token_strength, url_words
from seezar.mail.wording import Cue, Found, Wording

THRESHOLD = 5.5
MAX_LINKS = 300
_PURPOSE = Cue.AUTH | Cue.INVITE | Cue.OTP
_SAYS = _PURPOSE | Cue.NOTME | Cue.REFUSE | Cue.ELSEWHERE | Cue.TRADE
_ACCOUNT = Cue.ACCOUNT | Cue.PASSWORD
# An AUTH word that is not said of anything else ("confirm" is).
_FIRM = 1 << 30
_NAMED = _ACCOUNT | Cue.OTP | _FIRM
# A label before a URL has so many characters at most.
_LABEL = 60
# One of more words is a clause, as "if you do not want to join:".
_LABEL_WORDS = 4
_LABEL_MARKS = " :：(<>→»-"
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
        mine = [link for link in document.links[:MAX_LINKS] if link.line in self._own]
        self._choices = Choices(link.href for link in mine)
        self._refused = {
            link.href for link in mine if self._choices.declines(link.href) or self._text_cues(link) & Cue.REFUSE
        }
        self._event_subject = dated(subject)
        self._first = self._first_personal()

    def _first_personal(self) -> str | None:
        """The first link that carries a token and that nothing at it refuses: the button of a mail that has one."""
        for link in self._document.links[:MAX_LINKS]:
            if link.line not in self._own or self._token(link) < 2.0:
                continue
            text = self._text_cues(link)
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
        path = 0.0 if leads_through_login(link.href) else path_score(link.href)
        text = self._text_cues(link)
        generic = not text & _SAYS
        context = self._context_cues(link, generic=generic)
        score, reason = token + path, "token"
        score += _text_score(text)
        if text & _PURPOSE and not text & (Cue.REFUSE | Cue.ELSEWHERE):
            reason = "link text names the purpose"
        score += self._context_score(context, generic=generic)
        if generic:
            reason = "words at the link name the purpose"
        if generic and not context & _SAYS and link.href == self._first and self._subject_asks():
            score += 2.0
            reason = "the subject names the purpose of the only button"
        elif generic and not context & _SAYS and self._undone_beside(link):
            score += 3.5
            reason = "the subject names what the link beside it undoes"
        score -= self._occasion(link, text, context)
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

    def _occasion(self, link: Link, text: int, context: int) -> float:
        """What speaks against a link whose words say "confirm", "accept", "join", but not of what."""
        subject = self._subject_cues
        near = subject | text | context
        meeting = any(numbered(line) for line in self._around(link.line))
        if meeting and near & Cue.INVITE and not subject & (_ACCOUNT | Cue.OTP):
            return 6.0
        event = self._event_subject or any(timed(line) for line in self._lead(link.line))
        if self._event_subject and subject & Cue.INVITE and not near & (_FIRM | Cue.OTP | Cue.PASSWORD):
            return 6.0
        if near & _NAMED:
            return 0.0
        choice = any(url in self._refused for url in self._choices.others(link.href))
        # An invitation to a team may be declined too; it names no day.
        if event or (choice and not subject & Cue.INVITE):
            return 8.0
        lead = self._lead_cues(link.line)
        if near & Cue.AUTH and not lead & _NAMED:
            return 4.0
        if near & Cue.INVITE and not subject & (Cue.INVITE | Cue.AUTH) and not lead & _NAMED:
            return 4.0
        if near & (Cue.OTHER | Cue.TRADE | Cue.ELSEWHERE) and any(priced(line) for line in self._lead(link.line)):
            return 4.0
        return 0.0

    def _lead(self, line: int) -> list[str]:
        """What stands before the link and on its line: below it there are footers, and what they say of accounts."""
        return [self._document.lines[i].text for i in self._readable if i <= line][-40:]

    def _lead_cues(self, line: int) -> int:
        total = 0
        for text in self._lead(line):
            total |= _union(self._wording.cues(text))
        return total

    def _around(self, line: int) -> list[str]:
        return [self._document.lines[i].text for i in self._readable if line - 4 <= i <= line + 2]

    def _undone_beside(self, link: Link) -> bool:
        """Whether the subject names an account and no news of it, and a link of the same form undoes what this does."""
        subject = self._subject_cues
        if not subject & Cue.ACCOUNT or subject & (Cue.NOTICE | Cue.TRADE | Cue.ELSEWHERE) or self._codes:
            return False
        return link.href == self._first and any(url in self._refused for url in self._choices.others(link.href))

    def _token(self, link: Link) -> float:
        return token_strength(link.href[:MAX_URL], self._codes, self._shared)

    def _subject_asks(self) -> bool:
        """Whether the subject names a purpose and nothing else, and no code serves it."""
        subject = self._subject_cues
        other = Cue.NOTICE | Cue.TRADE | Cue.ELSEWHERE | Cue.REFUSE | Cue.NOTME
        return bool(subject & _PURPOSE) and not subject & other and not self._codes

    def _text_cues(self, link: Link) -> int:
        """What the text of a link says, or the label before a URL that is shown as it is."""
        if not _is_address(link):
            said = _union(self._wording.cues(link.text))
            return said | Cue.REFUSE if fold(link.text).strip(" .!,") in _NO else said
        label = self._label(link)
        said = _union(self._wording.cues(label))
        # Of a longer sentence the context takes care, which knows the sentence before it too.
        if not label or said & Cue.NOTME:
            return 0
        if said & _PURPOSE and self._subject_cues & Cue.NOTICE:
            return 0
        return said if said & Cue.REFUSE or len(label.split()) <= _LABEL_WORDS else 0

    def _label(self, link: Link) -> str:
        """What is written before a URL ("Join: https://…"), or the short line above one that is alone on its line."""
        before = self._document.lines[link.line].text[: link.start]
        if before.strip(" -*•·>|<("):
            tail = before[-2 * _LABEL :]
            sentences = _sentences(tail.rstrip(_LABEL_MARKS))
            label = sentences[-1] if sentences and tail.rstrip()[-1:] in _LABEL_MARKS else ""
        else:
            label = self._above(link.line)
            if label[-1:] in ("", *".!?。！？") or "://" in label:
                return ""
        return label if len(label) <= _LABEL and not any(ch.isdigit() for ch in label) else ""

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
        total |= cue.cues | (_FIRM if cue.cues & Cue.AUTH and not cue.cues & Cue.CONFIRM else 0)
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
