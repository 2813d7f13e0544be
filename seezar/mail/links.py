"""Which link is the one to open for signing in, confirming, resetting or joining: text, place, path and token are weighed.

A link is only taken when it carries something that makes it personal (a token), and when what is said at it names such a
purpose. Links that undo, report, decline, or lead to reading, paying and sharing are refused even with a token.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from seezar.mail.document import Document, Link
from seezar.mail.wording import Cue, Found, Wording

THRESHOLD = 5.5
# Longer ones are not opened, and not read.
MAX_URL = 4096

_PURPOSE = Cue.AUTH | Cue.INVITE | Cue.OTP
_SAYS = _PURPOSE | Cue.NOTME | Cue.REFUSE | Cue.ELSEWHERE | Cue.TRADE
_NOUN_WORDS = re.compile(r"[a-z]+|[A-Z][a-z]+|[A-Z]+(?![a-z])")

# Words of paths and parameter names. URLs are written in English by developers everywhere, so one language is enough.
_GOOD = frozenset(
    "verify verification verified confirm confirmation confirmed activate activation validate validation reset recover recovery"
    " magic magiclink login signin logon signup register registration auth authenticate authentication passwordless otp otl"
    " invite invites invitation invitations accept join unlock approve authorize password passwd forgot restore"
    " onetime oob oobcode callback enroll onboarding setup optin emailchange newemail activateaccount subscribe finish".split()
)
_BAD = frozenset(
    "unsubscribe unsub optout preferences preference settings notification notifications privacy terms legal help support faq contact"
    " docs doc documentation blog news newsletter download downloads export exports share shared sharing file files folder document"
    " documents invoice invoices billing bill order orders receipt receipts payment payments pay track tracking shipment calendar"
    " event events ics meeting meetings webinar survey feedback review reviews rate rating comment comments post posts thread"
    " topic topics issue issues pull commit dashboard abuse report block lock deny reject decline cancel cancellation undo revert revoke"
    " disavow notme wasntme secure security protect view browser webview article story product products cart checkout shop upgrade"
    " pricing renew subscription message messages conversation chat ticket tickets task tasks project projects image images asset"
    " assets incident incidents status alert alerts alerting booking bookings sign signing static media attachment attachments".split()
)
_TRACKERS = re.compile(r"/(?:ls/click|wf/click|track(?:ing)?/click|click|cl0|e3t|f/a|trk)(?:/|\?|$)|[?&]upn=", re.IGNORECASE)
_TOKEN_KEYS = frozenset(
    "token key code secret hash sig signature ticket otp nonce oob oobcode oobCode t k jwt pin digest credential verifier auth id_token"
    " access_token challenge magic confirmation invite invitation payload data flow".split()
)
_PLAIN_KEYS = re.compile(
    r"^(?:utm_.*|mc_.*|.*email|mail|lang|locale|lng|ref|referrer|source|src|campaign|.*redirect.*|.*callback.*|next|continue.*|return.*|url|.*uri"
    r"|expires?|expiry|exp|ts|time|timestamp|type|mode|action|client_id|tab_id|org.*|tenant.*|user_?id|uid|user|account_?id|id|name|theme|v)$",
    re.IGNORECASE,
)
_SLUG = re.compile(r"[a-z]+(?:[-_.][a-z]+)*|[A-Za-z]?[a-z]+(?:[A-Z][a-z]+)*")
_TOKEN_CHARS = re.compile(r"[A-Za-z0-9_\-.~=+/:|%!*]+")
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

    def __init__(self, subject: str, document: Document, indices: list[int], wording: Wording, codes: frozenset[str]) -> None:
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
                best[link.href] = worst if worst.score < -2 else max(known, Target(link, score, reason), key=lambda t: t.score)
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
        score += self._context_score(context, above, generic=not named or not text)
        if not named or not text:
            reason = "words before the link name the purpose"
        if self._subject_cues & _PURPOSE:
            score += 1.7 if path > 0 else 1.0
        elif not self._all & _PURPOSE:
            score -= 1.5
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

    def _context_score(self, context: int, above: list[str], *, generic: bool) -> float:
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
        password = bool(said & Cue.PASSWORD) or bool(_url_words(link.href) & {"password", "passwd", "reset", "forgot", "recover"})
        asked = self._subject_cues & Cue.PASSWORD and not self._subject_cues & Cue.NOTICE
        return 4.0 if password and not asked else 1.0


def _union(cues: Iterable[Found]) -> int:
    total = 0
    for cue in cues:
        total |= cue.cues
    return total


def _sentences(text: str) -> list[str]:
    return [part for part in _SENTENCE.split(text.rstrip()) if part.strip()]


def carried_codes(url: str) -> frozenset[str]:
    """Values of parameters of a URL that are named like a code, when its path is for signing in or confirming."""
    try:
        query = urlsplit(url).query
    except ValueError:
        return frozenset()
    if "=" not in query or path_score(url) < 2.0:
        return frozenset()
    pairs = [pair.partition("=") for pair in query.split("&")[:40]]
    return frozenset(unquote(value) for key, _, value in pairs if key.lower() in ("code", "otp", "pin", "token", "passcode"))


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


def _url_words(url: str) -> frozenset[str]:
    """Words of path, fragment and parameter names, and of short `mode=` values."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return frozenset()
    pieces = [*re.split(r"[/;]", parts.path), *re.split(r"[/?&;]", parts.fragment)]
    for pair in parts.query.split("&"):
        key, _, value = pair.partition("=")
        pieces.append(key)
        if key.lower() in ("action", "mode", "type", "op", "cmd", "a", "step", "flow", "purpose"):
            pieces.append(value)
    words: set[str] = set()
    for piece in pieces[:60]:
        name = unquote(piece.partition("=")[0])
        if len(name) > 40 or token_value(name) >= 2.0:
            continue
        split = [word.lower() for word in _NOUN_WORDS.findall(name)]
        words.update(split)
        words.update(a + b for a, b in zip(split, split[1:], strict=False))
    return frozenset(words)


def path_score(url: str) -> float:
    """What the words of a URL say: 2 for a purpose, -4 for another, 0 for nothing."""
    words = _url_words(url)
    if words & _BAD:
        # "/account/security/verify", "/events/…/invitation": the purpose wins over a mere place, never over a refusal.
        hard = words & {"unsubscribe", "unsub", "optout", "cancel", "undo", "revert", "revoke", "deny", "reject", "decline", "report",
                        "abuse", "notme", "wasntme", "disavow", "block", "privacy", "terms", "preferences"}
        return -4.0 if hard or not words & _GOOD else 0.0
    return 2.0 if words & _GOOD else 0.0


def token_strength(url: str, codes: frozenset[str] = frozenset()) -> float:
    """How personal a URL is: 3 for a random token, 2 for a short one, 1 for a tracking parameter only, 0 for none.

    Args:
        codes: codes of the same mail; a URL that carries one is as personal as one with a token.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return 0.0
    best = 0.0
    segments = [s for s in parts.path.split("/") if s]
    fragment_path, _, fragment_query = parts.fragment.partition("?")
    if "=" in fragment_path and "/" not in fragment_path:
        fragment_query, fragment_path = fragment_path, ""
    segments += [s for s in fragment_path.split("/") if s]
    previous = ""
    for segment in segments[:40]:
        value = token_value(segment)
        if value >= 2.0 or (value > 0 and previous.lower() in _GOOD):
            best = max(best, max(value, 2.0))
        previous = segment
    for pair in re.split(r"[&;]", f"{parts.query}&{fragment_query}")[:60]:
        key, _, value = pair.partition("=")
        raw = unquote(value)
        if raw and raw in codes:
            best = max(best, 2.5)
        name = re.split(r"[_\-.\[]", key.lower())
        named = key in _TOKEN_KEYS or any(part in _TOKEN_KEYS for part in name) or key.lower().endswith(("token", "code", "key", "hash"))
        if _PLAIN_KEYS.match(key) and not (named and "id" not in name and key.lower() not in ("uid", "id")):
            continue
        strength = token_value(raw)
        if named and (strength > 0 or len(raw) >= 6 and not _SLUG.fullmatch(raw)):
            strength = max(strength, 2.0)
        elif named and len(raw) >= 16:
            strength = 2.5
        best = max(best, strength)
    if not segments and not parts.query and parts.fragment:
        best = max(best, token_value(parts.fragment))
    if not parts.query.count("=") and parts.query:
        best = max(best, token_value(unquote(parts.query)))
    return min(best, 1.0) if best and _TRACKERS.search(url) else best


def token_value(text: str) -> float:
    """3 for a value that only a machine writes (16 or more random characters), 2 for 10 or more, 1 for 6 or more, else 0."""
    if len(text) < 6 or not _TOKEN_CHARS.fullmatch(text) or "://" in text or "@" in text:
        return 0.0
    if _SLUG.fullmatch(text) and not (len(text) >= 20 and _unpronounceable(text)):
        return 0.0
    digits = sum(ch.isdigit() for ch in text)
    letters = sum(ch.isalpha() for ch in text)
    if not letters:
        return 1.0 if digits >= 6 else 0.0
    parts = re.split(r"[-_.~]", text)
    wordy = [part for part in parts if part.isalpha() and (part.islower() or part.istitle())]
    if len(parts) >= 2 and sum(map(len, wordy)) > len(text) * 0.6 and max(map(len, parts)) < 20:
        return 0.0
    changes = sum(1 for a, b in zip(text, text[1:], strict=False) if _kind(a) != _kind(b))
    if len(text) >= 16 and (digits >= 2 or changes >= 5):
        return 3.0
    if len(text) >= 10 and (digits >= 2 or changes >= 4):
        return 2.0
    return 1.0 if digits and changes >= 2 else 0.0


def _unpronounceable(text: str) -> bool:
    vowels = sum(ch in "aeiouyAEIOUY" for ch in text)
    return vowels < len(text) * 0.25 and not re.search(r"[-_.]", text)


def _kind(char: str) -> int:
    return 0 if char.isdigit() else 1 if char.islower() else 2 if char.isupper() else 3

