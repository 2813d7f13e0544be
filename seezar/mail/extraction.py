"""The code and the link of a mail, read without a model.

`extract` is the one entry. It parses the mail (`mime`), lays out what a person sees (`markup`, `document`), cuts what
belongs to earlier mails (`quoting`), scores candidates for codes (`candidates`, `codes`) and links (`links`, `urls`) by
wording in seventy languages (`wording`), and refuses what is not safe (`safety`). Wrong is worse than none.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from seezar.domains import host_of_site, same_site
from seezar.mail import codes, links
from seezar.mail.codes import CodeReader, Reading
from seezar.mail.document import Document, from_plain
from seezar.mail.links import LinkReader, Target
from seezar.mail.markup import from_html
from seezar.mail.mime import ParsedMail, parse
from seezar.mail.normalise import clean, fold
from seezar.mail.quoting import split
from seezar.mail.safety import distrust, refuse_link
from seezar.mail.wording import Wording

# Origin-bound codes, https://wicg.github.io/sms-one-time-codes/: `@host #code`, then an embedded host after `@` or `%`.
_BOUND = re.compile(r"^@([\w.-]+\.[\w-]+|localhost)\s+#([A-Za-z0-9-]{3,20})(?:\s+[@%]([\w.-]+))?$")
_MAX_PARTS = 6


@dataclass(frozen=True, slots=True)
class Extraction:
    """What a mail holds for signing in.

    Attributes:
        code: as typed; None when there is none or it is not safe to use.
        link: the URL to open; None when there is none or it is not safe to open.
        confidence: 0 to 1, of the less sure of what was found; of there being nothing when nothing was found.
        reason: what the decision rests on, in words; never holds code or link.
    """

    code: str | None = field(repr=False)
    link: str | None = field(repr=False)
    confidence: float
    reason: str


_ANY_MAIL = (
    b"From: a@a.test\r\nSubject: Your code\r\nContent-Type: text/html\r\n\r\n"
    b"<p>Your code is <b>123456</b></p><a href='https://a.test/login?token=1'>Sign in</a>"
)


def preload() -> None:
    """Load now (a quarter of a second) what the first reading would load, so that nobody waits for it."""
    extract(_ANY_MAIL, site="a.test")


def extract(raw: bytes, *, site: str | None = None, senders: Sequence[str] = ()) -> Extraction:
    """Read code and link of a mail. Never raises on the content of `raw`, needs no network, and is linear in its size.

    Args:
        raw: the mail as received (RFC 5322, first 10 MiB).
        site: host or URL of the site that is signed in to; a link, and a code bound to an origin, must belong to it.
        senders: addresses or domains the mail must come from; empty = any.
    """
    mail = parse(raw)
    reason = distrust(mail, senders)
    if reason is not None:
        return Extraction(None, None, 1.0, f"refused: {reason}")
    subject = clean(mail.subject).replace("\n", " ").strip()[:500]
    views = _views(mail, subject)
    bound = _bound_code(views)
    if bound is not None:
        code, refusal = _check_bound(bound, site)
        found_code = (Reading(code, 9.0, "code bound to its site"), None) if code else (None, refusal)
    else:
        found_code = _best_code(views, subject, mail), None
    reading, code_refusal = found_code
    target, link_refusal = _best_link(views, subject, site, reading, _own_names(mail))
    return _result(reading, target, code_refusal or link_refusal)


@dataclass(frozen=True, slots=True)
class _View:
    """A body as it is read: one document and those of its lines that count."""

    document: Document
    indices: list[int]
    html: bool
    wording: Wording


def _views(mail: ParsedMail, subject: str) -> list[_View]:
    """The bodies to read: of the mail itself, or, when that says nothing, of the mail that it forwards."""
    own: list[tuple[Document, list[int], bool]] = []
    carried: list[tuple[Document, list[int], bool]] = []
    for part in mail.parts[:_MAX_PARTS]:
        html = part.kind == "html"
        document = from_html(part.text) if html else from_plain(part.text)
        if part.forwarded:
            carried.append((document, list(range(len(document.lines))), html))
            continue
        mine, forwarded = split(document, subject)
        own.append((document, mine, html))
        if forwarded:
            carried.append((document, forwarded, html))
    chosen = _make(own, subject)
    if carried and not any(_speaks(view, subject) for view in chosen):
        chosen = _make(carried, subject)
    return chosen or _make([(Document([], []), [], False)], subject)


def _make(bodies: list[tuple[Document, list[int], bool]], subject: str) -> list[_View]:
    return [
        _View(document, indices, html, Wording([subject, *(document.lines[i].text for i in indices)]))
        for document, indices, html in bodies
    ]


def _speaks(view: _View, subject: str) -> bool:
    """Whether a body itself has a code or a link worth anything."""
    readings = CodeReader("", view.document, view.indices, view.wording).readings()
    if any(reading.score >= codes.THRESHOLD for reading in readings.values()):
        return True
    return bool(LinkReader(subject, view.document, view.indices, view.wording, frozenset()).targets())


def _bound_code(views: list[_View]) -> tuple[str, str] | None:
    """Host and code of an origin-bound last line."""
    for view in views:
        for index in reversed(view.indices[-3:]):
            match = _BOUND.match(view.document.lines[index].text)
            if match:
                return match[1].lower(), match[2]
    return None


def _check_bound(bound: tuple[str, str], site: str | None) -> tuple[str | None, str | None]:
    host, code = bound
    if site is not None:
        expected = host_of_site(site)
        if expected is None or not same_site(host, expected):
            return None, "the code is bound to another site"
    return code, None


def _best_code(views: list[_View], subject: str, mail: ParsedMail) -> Reading | None:
    names = frozenset(re.findall(r"\w+", f"{mail.sender_name} {mail.sender.replace('.', ' ')}".casefold()))
    merged: dict[str, Reading] = {}
    tops: list[tuple[bool, str]] = []
    for view in views:
        readings = CodeReader(subject, view.document, view.indices, view.wording, names).readings()
        top = max(readings.values(), key=lambda r: r.score, default=None)
        if top is not None and top.score >= codes.THRESHOLD:
            tops.append((view.html, top.value))
        for value, reading in readings.items():
            old = merged.get(value)
            if old is None:
                merged[value] = reading
            else:
                best = max(old, reading, key=lambda r: r.score)
                agreed = 0.4 if min(old.score, reading.score) >= codes.THRESHOLD - 1 else 0.0
                merged[value] = Reading(value, best.score + agreed, best.reason)
    ranked = sorted((r for r in merged.values() if r.score >= codes.THRESHOLD), key=lambda r: -r.score)
    if not ranked:
        return None
    return _unambiguous(ranked, tops)


def _unambiguous(ranked: list[Reading], tops: list[tuple[bool, str]]) -> Reading | None:
    best = ranked[0]
    close = [reading for reading in ranked[1:] if best.score - reading.score < 0.25]
    if len(close) >= 2:
        # A list of equals: recovery codes, seat numbers. None of them is the code.
        return None
    if close:
        # Two bodies of one mail may differ; the one that a person sees is the HTML.
        shown = {value for html, value in tops if html}
        picked = [reading for reading in (best, *close) if reading.value in shown]
        return picked[0] if len(picked) == 1 else None
    return best


def _own_names(mail: ParsedMail) -> frozenset[str]:
    """The words that the sender calls itself by, folded: of its display name and its domain."""
    domain = mail.sender.rpartition("@")[2].replace(".", " ")
    return frozenset(re.findall(r"\w+", fold(clean(f"{mail.sender_name} {domain}"))))


def _best_link(
    views: list[_View], subject: str, site: str | None, reading: Reading | None, names: frozenset[str]
) -> tuple[Target | None, str | None]:
    known = frozenset([reading.value]) if reading else frozenset[str]()
    targets: list[Target] = []
    for view in views:
        targets += LinkReader(subject, view.document, view.indices, view.wording, known, names).targets()
    refusal: str | None = None
    for target in sorted(targets, key=lambda target: -target.score):
        refused = refuse_link(target.link, site)
        if refused is None:
            return target, None
        refusal = refusal or refused
    return None, refusal


def _confidence(score: float, threshold: float) -> float:
    """A logistic curve through 0.6 at the threshold, 0.95 two points above it."""
    return round(1 / (1 + math.exp(-(0.4 + 1.27 * (score - threshold)))), 3)


def _result(reading: Reading | None, target: Target | None, refusal: str | None) -> Extraction:
    sure: list[float] = []
    reasons: list[str] = []
    if reading is not None:
        sure.append(_confidence(reading.score, codes.THRESHOLD))
        reasons.append(f"code: {reading.reason}")
    if target is not None:
        sure.append(_confidence(target.score, links.THRESHOLD))
        reasons.append(f"link: {target.reason}")
    if refusal is not None:
        reasons.append(f"refused: {refusal}")
    if not sure:
        return Extraction(
            None, None, 1.0 if refusal else 0.9, "; ".join(reasons) or "no code and no link for signing in"
        )
    return Extraction(
        reading.value if reading else None, target.link.href if target else None, min(sure), "; ".join(reasons)
    )
