"""What is said at a link: by its text, the label and the sentences before it, and the line behind it."""

import re
from collections.abc import Iterable

from seezar.mail.document import Document, Link
from seezar.mail.normalise import fold, word_set
from seezar.mail.wording import Cue, Found, Wording

PURPOSE = Cue.AUTH | Cue.INVITE | Cue.OTP
SAYS = PURPOSE | Cue.NOTME | Cue.REFUSE | Cue.ELSEWHERE | Cue.TRADE
ACCOUNT = Cue.ACCOUNT | Cue.PASSWORD
# An AUTH word that is not said of anything else ("confirm" is).
FIRM = 1 << 30
NAMED = ACCOUNT | Cue.OTP | FIRM
# An account, an address, a password by name: one also registers and signs up for a course.
OWNED = 1 << 31
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
_SENTENCE = re.compile(r"(?<=[.!?。！？；])\s*(?=\S)|(?<=[。！？])")


class LinkWords:
    """Reads the cues at the links of one document.

    Args:
        indices: the lines that count; the others are quoted.
        subject: the cues of the subject.
        codes: the codes of the mail.
    """

    def __init__(
        self, document: Document, indices: list[int], wording: Wording, *, subject: int, codes: frozenset[str]
    ) -> None:
        self._document = document
        self._wording = wording
        self._codes = codes
        self._subject_cues = subject
        self._readable = [i for i in indices if document.lines[i].text]
        self._own = frozenset(indices)
        self._linked = frozenset(link.line for link in document.links)

    def text_cues(self, link: Link) -> int:
        """What the text of a link says, or the label before a URL that is shown as it is."""
        if not _is_address(link):
            said = union(self._wording.cues(link.text))
            return said | Cue.REFUSE if said & Cue.BROWSER or _is_no(link.text) else said
        label = self._label(link)
        cues = self._wording.cues(label)
        if _is_no(label) or (cues and cues[-1].cues & Cue.REFUSE):
            # "Ignore this or cancel:" ends with what the URL does.
            return Cue.REFUSE
        said = union(cues)
        # Of a longer sentence the context takes care, which knows the sentence before it too.
        if not label or said & Cue.NOTME:
            return 0
        if said & PURPOSE and self._subject_cues & Cue.NOTICE:
            return 0
        return said if said & Cue.REFUSE or len(label.split()) <= _LABEL_WORDS else 0

    def context_cues(self, link: Link, *, generic: bool) -> int:
        """What is said before a link; for one that says nothing itself, else what is said behind it."""
        context = union(cue for part in self._context(link) for cue in self._wording.cues(part))
        if context & Cue.NOTME and context & Cue.IGNORE:
            # "If it was not you, do nothing" says nothing of the link.
            context &= ~(Cue.NOTME | Cue.REFUSE)
        if generic and not context & SAYS:
            behind = union(self._wording.cues(self._behind(link)))
            context |= behind if behind & PURPOSE and not behind & (Cue.NOTME | Cue.REFUSE) else 0
        return context

    def lead(self, line: int) -> list[str]:
        """What stands before the link and on its line: below it there are footers, and what they say of accounts."""
        return [self._document.lines[i].text for i in self._readable if i <= line][-40:]

    def lead_cues(self, line: int) -> int:
        """The cues of `lead`."""
        total = 0
        for text in self.lead(line):
            total |= union(self._wording.cues(text))
        return total

    def around(self, line: int) -> list[str]:
        """The lines about one."""
        return [self._document.lines[i].text for i in self._readable if line - 4 <= i <= line + 2]

    def invited(self, link: Link) -> bool:
        """Whether something is said of an invitation before a link."""
        lines = self._document.lines
        before = [lines[i].text for i in self._readable if i < link.line] + [lines[link.line].text[: link.start]]
        return any(union(self._wording.cues(text)) & Cue.INVITE for text in before)

    def advised(self, link: Link) -> bool:
        """Whether it is said before a link what to do when it was somebody else: set a new password, for instance."""
        said = (union(self._wording.cues(text)) for text in self.lead(link.line))
        return any(cues & Cue.NOTME and cues & Cue.PASSWORD and not cues & Cue.IGNORE for cues in said)

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
            says = union(self._wording.cues(sentence)) & SAYS
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


def union(cues: Iterable[Found]) -> int:
    """All that some cues say, with `FIRM` and `OWNED`."""
    total = 0
    for cue in cues:
        total |= cue.cues
        if cue.cues & Cue.AUTH and not cue.cues & Cue.CONFIRM:
            total |= FIRM
        if cue.cues & (Cue.OTP | Cue.PASSWORD) or (cue.cues & Cue.ACCOUNT and not cue.cues & Cue.AUTH):
            total |= OWNED
    return total


def _is_address(link: Link) -> bool:
    """Whether a URL is shown in place of words."""
    return link.bare or _LOOKS_LIKE_URL.match(link.text) is not None


def _is_no(text: str) -> bool:
    return fold(text).strip(" .!,:") in _NO


def _sentences(text: str) -> list[str]:
    return [part for part in _SENTENCE.split(text.rstrip()) if part.strip()]
