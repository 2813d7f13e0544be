"""Which link is the one to open for signing in, confirming, resetting or joining.

Text, place, path and token are weighed. A link is only taken when it carries something that makes it personal (a
token), and when what is said at it names such a purpose. Links that undo, report, decline, or lead to reading, paying
and sharing are refused even with a token.
"""

import re
from dataclasses import dataclass

from seezar.mail.document import Document, Link
from seezar.mail.link_words import ACCOUNT, FIRM, NAMED, OWNED, PURPOSE, SAYS, LinkWords, union
from seezar.mail.normalise import fold
from seezar.mail.occasions import Choices, dated, numbered, priced, timed
from seezar.mail.urls import MAX_URL, leads_through_login, path_score, shared_values, token_strength, url_words
from seezar.mail.wording import Cue, Found, Wording

THRESHOLD = 5.1
MAX_LINKS = 300
# What speaks against a link, and is none of it where it is part of a name.
_AGAINST = Cue.TRADE | Cue.OTHER | Cue.ELSEWHERE | Cue.REFUSE | Cue.NOTICE
# Characters of a mail that says one thing.
_BRIEF = 500
# "Re: …": the subject of an answer is what somebody wrote of; which mark is used differs by language and program.
_ANSWER = re.compile(r"\s*(?:re|aw|sv|vs|antw|odp|ynt|回复|答复|回覆|返信)\s*(?:\[\d+\])?\s*[:：]", re.IGNORECASE)
_QUOTED = re.compile(r"\"[^\"]{3,200}\"|「[^」]{3,200}」")


@dataclass(frozen=True, slots=True)
class Target:
    """A link that passed, with its score and what speaks for it."""

    link: Link
    score: float
    reason: str


class LinkReader:
    """Scores the links of one document, with the subject of its mail.

    Args:
        indices: the lines to read; the others are quoted.
        codes: codes of the same mail.
        names: folded words that the sender calls itself by: "Acme Tickets" has no tickets in every subject.
    """

    def __init__(
        self,
        subject: str,
        document: Document,
        indices: list[int],
        wording: Wording,
        codes: frozenset[str],
        names: frozenset[str] = frozenset(),
    ) -> None:
        self._document = document
        self._wording = wording
        self._codes = codes
        self._own = frozenset(indices)
        # What a subject quotes is the title of something: a topic, a task, a file.
        unquoted = _QUOTED.sub(" ", subject)
        self._subject_cues = union(
            Found(cue.start, cue.end, cue.cues & ~_AGAINST) if fold(unquoted[cue.start : cue.end]) in names else cue
            for cue in wording.cues(unquoted)
        )
        self._answers = _ANSWER.match(subject) is not None
        if self._answers:
            self._subject_cues = Cue.ELSEWHERE
        self._words = LinkWords(document, indices, wording, subject=self._subject_cues, codes=codes)
        self._all = self._subject_cues
        for index in indices:
            self._all |= union(wording.cues(document.lines[index].text))
        self._brief = sum(len(document.lines[index].text) for index in indices) <= _BRIEF
        self._shared = shared_values(link.href for link in document.links[:MAX_LINKS])
        mine = [link for link in document.links[:MAX_LINKS] if link.line in self._own]
        self._choices = Choices(link.href for link in mine)
        self._refused = {
            link.href for link in mine if self._choices.declines(link.href) or self._words.text_cues(link) & Cue.REFUSE
        }
        self._event_subject = dated(subject)
        personal = self._personal_links(mine)
        # The button of a mail that has one.
        self._first = personal[0] if personal else None
        self._personal = frozenset(personal)

    def _personal_links(self, links: list[Link]) -> list[str]:
        """The links that carry a token and that nothing at them refuses, in their order."""
        return [
            link.href
            for link in links
            if self._token(link) >= 2.0
            and path_score(link.href) >= 0
            and not self._words.text_cues(link) & (Cue.REFUSE | Cue.NOTME | Cue.ELSEWHERE)
        ]

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
        text = self._words.text_cues(link)
        generic = not text & SAYS
        context = self._words.context_cues(link, generic=generic)
        score, reason = token + path, "token"
        score += _text_score(text)
        if text & PURPOSE and not text & (Cue.REFUSE | Cue.ELSEWHERE):
            reason = "link text names the purpose"
        score += self._context_score(context, generic=generic)
        if generic:
            reason = "words at the link name the purpose"
        if generic and not context & SAYS and link.href == self._first and self._subject_asks():
            score += 2.0
            reason = "the subject names the purpose of the only button"
        elif generic and not context & SAYS and self._undone_beside(link):
            score += 3.5
            reason = "the subject names what the link beside it undoes"
        if self._sole(link, text | context, path):
            score += 3.0
            reason = "the only personal link, and its address names the purpose"
        score -= self._occasion(link, text, context)
        score += self._mail_score(text, context, token, path)
        score -= self._remedy(context | text, link)
        return score, reason

    def _mail_score(self, text: int, context: int, token: float, path: float) -> float:
        """What the subject and the mail as a whole add to a link."""
        score = -4.0 if self._answers else 0.0
        subject = self._subject_cues
        near = subject | text | context
        agreed = bool((text | context) & PURPOSE) and not (subject | text) & (Cue.TRADE | Cue.ELSEWHERE | Cue.NOTICE)
        if subject & PURPOSE:
            score += 1.7 if path > 0 else 1.0
            # Subject and link agree: a short token is enough, unless it is the code that the mail is about.
            score += 1.0 if agreed and not self._codes else 0.0
        elif not self._all & PURPOSE:
            score -= 1.5
        elif subject & Cue.ELSEWHERE and not text & PURPOSE:
            # A message, a comment or a file in which somebody speaks of signing in.
            score -= 2.0
        about_account = self._all & ACCOUNT
        if subject & Cue.TRADE and (
            not about_account or (text | context) & Cue.TRADE or (path <= 0 and not subject & (Cue.AUTH | Cue.OTP))
        ):
            # "Register", "confirm", "join" are also said of events, parcels and offers.
            score -= 3.0
        invited = subject & Cue.INVITE and not (subject | text) & (Cue.TRADE | Cue.ELSEWHERE)
        if near & (Cue.TRADE | Cue.ELSEWHERE) and not near & (ACCOUNT | Cue.OTP) and not invited:
            score -= 4.0
        if token < 3 and path <= 0 and not text & PURPOSE and not agreed:
            score -= 0.5
        return score

    def _occasion(self, link: Link, text: int, context: int) -> float:
        """What speaks against a link whose words say "confirm", "accept", "join", but not of what."""
        subject = self._subject_cues
        near = subject | text | context
        meeting = any(numbered(line) for line in self._words.around(link.line))
        if meeting and near & Cue.INVITE and not subject & (ACCOUNT | Cue.OTP):
            return 6.0
        event = self._event_subject or any(timed(line) for line in self._words.lead(link.line))
        lead = self._words.lead_cues(link.line)
        if event and near & Cue.CONFIRM and (subject | lead) & Cue.TRADE and not (near | lead) & OWNED:
            # One registers for a course as for an account.
            return 6.0
        if subject & Cue.ELSEWHERE and not subject & PURPOSE and text & Cue.CONFIRM and not near & (FIRM | Cue.OTP):
            # Somebody else asks, for access or for a place in the team.
            return 4.0
        if self._event_subject and subject & Cue.INVITE and not near & (FIRM | Cue.OTP | Cue.PASSWORD):
            return 6.0
        if text & Cue.INVITE and not text & NAMED and not subject & PURPOSE and not self._words.invited(link):
            # "Join the discussion": nobody was asked to join anything.
            return 4.0
        if near & NAMED:
            return 0.0
        choice = any(url in self._refused for url in self._choices.others(link.href))
        # An invitation to a team may be declined too; it names no day.
        if event or (choice and not subject & Cue.INVITE):
            return 8.0
        if near & Cue.AUTH and not lead & NAMED:
            return 4.0
        if near & Cue.INVITE and not subject & (Cue.INVITE | Cue.AUTH) and not lead & NAMED:
            return 4.0
        if near & (Cue.OTHER | Cue.TRADE | Cue.ELSEWHERE) and any(priced(line) for line in self._words.lead(link.line)):
            return 4.0
        return 0.0

    def _undone_beside(self, link: Link) -> bool:
        """Whether the subject names an account and no news of it, and a link of the same form undoes what this does."""
        subject = self._subject_cues
        if not subject & Cue.ACCOUNT or subject & (Cue.NOTICE | Cue.TRADE | Cue.ELSEWHERE) or self._codes:
            return False
        return link.href == self._first and any(url in self._refused for url in self._choices.others(link.href))

    def _sole(self, link: Link, said: int, path: float) -> bool:
        """Whether a mail about an account has no code and this one link with a token, whose address names a purpose.

        What is said in a language or phrase that is not known is made up for by that.
        """
        other = Cue.TRADE | Cue.ELSEWHERE | Cue.REFUSE | Cue.NOTME | Cue.NOTICE
        if self._codes or path <= 0 or self._personal != frozenset({link.href}) or (self._subject_cues | said) & other:
            return False
        if self._subject_cues & (ACCOUNT | FIRM):
            return True
        if self._brief and self._all & Cue.AUTH and self._all & Cue.ACCOUNT:
            return True
        return bool(self._all & (Cue.ACCOUNT | FIRM)) and bool(self._all & (Cue.IGNORE | Cue.CAUTION))

    def _token(self, link: Link) -> float:
        return token_strength(link.href[:MAX_URL], self._codes, self._shared)

    def _subject_asks(self) -> bool:
        """Whether the subject names a purpose and nothing else, and no code serves it."""
        subject = self._subject_cues
        other = Cue.NOTICE | Cue.TRADE | Cue.ELSEWHERE | Cue.REFUSE | Cue.NOTME
        return bool(subject & PURPOSE) and not subject & other and not self._codes

    def _context_score(self, context: int, *, generic: bool) -> float:
        score = 0.0
        if context & Cue.NOTME and not context & Cue.IGNORE:
            score -= 5.0
        elif context & Cue.INVITE and self._all & Cue.TRADE and not (context | self._all) & (Cue.AUTH | Cue.OTP):
            score -= 3.0 if generic else 0.5
        elif context & PURPOSE:
            # "Thanks for confirming your address" is said of what is done.
            score += 2.5 if generic and not context & Cue.NOTICE else 1.0
        elif context & Cue.REFUSE and not context & Cue.IGNORE:
            score -= 4.0 if generic else 1.0
        elif context & (Cue.ELSEWHERE | Cue.TRADE):
            score -= 2.0 if generic else 0.5
        return score

    def _remedy(self, said: int, link: Link) -> float:
        """A notice of what has happened offers a new password as a remedy; that is no step of signing in."""
        if self._codes and self._words.advised(link):
            return 6.0
        if not self._all & Cue.NOTICE:
            return 0.0
        password = bool(said & Cue.PASSWORD) or bool(
            url_words(link.href) & {"password", "passwd", "reset", "forgot", "recover"}
        )
        asked = self._subject_cues & Cue.PASSWORD and not self._subject_cues & Cue.NOTICE
        if password and not asked:
            return 6.0 if self._subject_cues & Cue.NOTICE else 4.0
        return 1.0


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
