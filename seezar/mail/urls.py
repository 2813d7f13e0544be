"""What a URL itself tells: words of its path and parameters, and how personal it is."""

import re
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from urllib.parse import unquote, urlsplit

from seezar.mail.normalise import word_set

# Longer ones are not opened, and not read.
MAX_URL = 4096

_NOUN_WORDS = re.compile(r"[a-z]+|[A-Z][a-z]+|[A-Z]+(?![a-z])")

# Words of paths and parameter names. URLs are written in English by developers everywhere, so one language is enough.
_GOOD = word_set(
    "verify verification verified confirm confirmation confirmed activate activation validate validation reset "
    "recover recovery magic magiclink login signin logon signup register registration auth authenticate "
    "authentication passwordless otp otl invite invites invitation invitations accept join unlock approve "
    "authorize password passwd forgot restore onetime oob oobcode callback enroll onboarding setup optin "
    "emailchange newemail activateaccount subscribe finish"
)
_BAD = word_set(
    "unsubscribe unsub optout preferences preference settings notification notifications privacy terms legal help "
    "support faq contact docs doc documentation blog news newsletter download downloads export exports share "
    "shared sharing file files folder document documents invoice invoices billing bill order orders receipt "
    "receipts payment payments pay track tracking shipment calendar event events ics meeting meetings webinar "
    "survey feedback review reviews rate rating comment comments post posts thread topic topics issue issues pull "
    "dashboard job jobs pipeline pipelines builds trace rsvp attendance room rooms call calls "
    "cal appointment appt abuse report block lock deny reject decline cancel cancellation undo revert revoke disavow "
    "notme wasntme secure security protect view browser webview article story product products cart checkout shop "
    "upgrade pricing renew subscription message messages conversation chat ticket tickets task tasks project "
    "projects image images asset assets incident incidents status alert alerts alerting booking bookings sign "
    "signing static media attachment attachments"
)
# An event is named whatever is done about it: accepted, confirmed, or read.
_EVENT = word_set("calendar meeting meetings webinar rsvp attendance appointment appt ics")
_REFUSING = _EVENT | word_set(
    "unsubscribe unsub optout cancel undo revert revoke deny reject decline report abuse notme wasntme disavow block"
)
_TRACKERS = re.compile(
    r"/(?:ls/click|wf/click|track(?:ing)?/click|click|cl0|e3t|f/a|trk)(?:/|\?|$)|[?&]upn=", re.IGNORECASE
)
_TOKEN_KEYS = word_set(
    "token key code secret hash sig signature ticket otp nonce oob oobcode oobCode t k jwt pin digest credential "
    "verifier auth id_token access_token challenge magic confirmation invite invitation payload data flow"
)
_PLAIN_KEYS = re.compile(
    r"^(?:utm_.*|mc_.*|.*email|mail|lang|locale|lng|ref|referrer|source|src|campaign|.*redirect.*|.*callback.*"
    r"|next|continue.*|return.*|url|.*uri"
    r"|expires?|expiry|exp|ts|time|timestamp|type|mode|action|client_id|tab_id|org.*|tenant.*"
    r"|user_?id|uid|user|account_?id|id|name|theme|v)$",
    re.IGNORECASE,
)
_LOGIN_PAGE = re.compile(r"(?:^|/)(?:log-?_?in|sign-?_?in|log-?_?on|sign-?_?on|sso)(?:\.\w{2,5})?/?$", re.IGNORECASE)
_ONWARD = re.compile(
    r"^(?:next|.*redirect.*|continue.*|return.*|goto|dest|destination|target|forward|back|utm_.*)$", re.I
)
# A parameter of a home page with so many random characters is no matter of tracking, if its name says so too.
_LONG_TOKEN = 24
_SLUG = re.compile(r"[a-z]+(?:[-_.][a-z]+)*|[A-Za-z]?[a-z]+(?:[A-Z][a-z]+)*")
_CONSONANTS = re.compile(r"[bcdfghjklmnpqrstvwxz]{6}", re.IGNORECASE)
# Those that may stand in a path or query as they are (RFC 3986, unreserved and sub-delims).
_TOKEN_CHARS = re.compile(r"[A-Za-z0-9_\-.~=+/:|%!*$,;'()]+")
# A JSON Web Token (RFC 7519): header and claims, and a signature or the parts of an encrypted one.
_JWT = re.compile(r"eyJ[\w-]{10,}(?:\.[\w-]*){2,4}")


def carried_codes(url: str) -> frozenset[str]:
    """Values of parameters of a URL that are named like a code, when its path is for signing in or confirming."""
    try:
        query = urlsplit(url).query
    except ValueError:
        return frozenset()
    if "=" not in query or path_score(url) < 2.0:
        return frozenset()
    pairs = [pair.partition("=") for pair in query.split("&")[:40]]
    return frozenset(
        unquote(value) for key, _, value in pairs if key.lower() in ("code", "otp", "pin", "token", "passcode")
    )


def url_words(url: str) -> frozenset[str]:
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
        words.update(a + b for a, b in pairwise(split))
    return frozenset(words)


def path_score(url: str) -> float:
    """What the words of a URL say: 2 for a purpose, -4 for another, 0 for nothing."""
    words = url_words(url)
    if words & _BAD:
        # "/account/security/verify", "/events/…/invitation": the purpose wins over a mere place, never over a refusal.
        hard = words & _REFUSING
        return -4.0 if hard or not words & _GOOD else 0.0
    return 2.0 if words & _GOOD else 0.0


def leads_through_login(url: str) -> bool:
    """Whether a URL is that of the login page, which leads on to another page: it signs nobody in by itself.

    A parameter that is named a token, a code or a key does.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    if not _LOGIN_PAGE.search(parts.path):
        return False
    keys = [pair.partition("=")[0].lower() for pair in parts.query.split("&")[:60]]
    if not any(_ONWARD.match(key) for key in keys):
        return False
    return not any(
        (len(key) >= 3 and key in _TOKEN_KEYS) or key.endswith(("token", "code", "key", "hash")) for key in keys
    )


def shared_values(urls: Iterable[str]) -> frozenset[str]:
    """Values that stand in the parameters of four or more URLs: they name the reader, not what a link is for."""
    count = Counter(value for url in set(urls) for value in {pair.partition("=")[2] for pair in _pairs(url)[0]})
    return frozenset(unquote(value) for value, times in count.items() if times >= 4 and len(value) >= 6)


def _pairs(url: str) -> tuple[list[str], list[str]]:
    """The parameters of query and fragment, and the segments of path and of a fragment that is a path."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return [], []
    fragment_path, _, fragment_query = parts.fragment.partition("?")
    if "=" in fragment_path and "/" not in fragment_path:
        fragment_query, fragment_path = fragment_path, ""
    segments = [s for s in [*parts.path.split("/"), *fragment_path.split("/")] if s]
    return re.split(r"[&;]", f"{parts.query}&{fragment_query}")[:60], segments[:40]


def token_strength(url: str, codes: frozenset[str] = frozenset(), shared: frozenset[str] = frozenset()) -> float:
    """How personal a URL is: 3 for a random token, 2 for a short one, 1 for a tracking parameter only, 0 for none.

    Args:
        codes: codes of the same mail; a URL that carries one is as personal as one with a token.
        shared: values that do not count, see `shared_values`.
    """
    pairs, segments = _pairs(url)
    best = _segment_strength(segments, alone=not any(pairs))
    if codes and segments and unquote(segments[-1]) in codes:
        best = 3.0
    for pair in pairs:
        key, _, value = pair.partition("=")
        raw = unquote(value)
        if raw and raw in codes:
            best = max(best, 3.0)
        if raw not in shared:
            strength = _value_strength(key, raw)
            # A home page with some parameter is a home page.
            own = segments or key.lower() in _TOKEN_KEYS or (len(raw) >= _LONG_TOKEN and _named_well(key))
            best = max(best, strength if own else min(strength, 1.0))
    if len(pairs) <= 2 and "=" not in "".join(pairs):
        # A bare query, `/verify?k3Vd9Q…`.
        best = max(best, token_value(unquote("".join(pairs))))
    return min(best, 1.0) if best and (_TRACKERS.search(url) or leads_through_login(url)) else best


def _named_well(key: str) -> bool:
    """Whether a parameter is named for a purpose: `confirmEmail`."""
    return not _GOOD.isdisjoint(word.lower() for word in _NOUN_WORDS.findall(key))


def _segment_strength(segments: list[str], *, alone: bool) -> float:
    best = 0.0
    previous = ""
    named = False
    for place, segment in enumerate(segments):
        value = token_value(segment)
        last = place == len(segments) - 1
        if value >= 2.0 or (value > 0 and (previous.lower() in _GOOD or (named and last))):
            best = max(best, value, 2.0)
        previous = segment
        named = named or (value == 0 and _named_well(segment))
    if alone and any(char.isalpha() for char in previous) and token_value(previous) > 0:
        best = max(best, 1.0)
    return best


def _value_strength(key: str, raw: str) -> float:
    name = re.split(r"[_\-.\[]", key.lower())
    named = (
        key in _TOKEN_KEYS
        or any(part in _TOKEN_KEYS for part in name)
        or key.lower().endswith(("token", "code", "key", "hash"))
    )
    if _JWT.fullmatch(raw):
        return 3.0
    if _PLAIN_KEYS.match(key) and not (named and "id" not in name and key.lower() not in ("uid", "id")):
        return 0.0
    strength = token_value(raw)
    if named and (strength > 0 or (len(raw) >= 6 and not _SLUG.fullmatch(raw))):
        return max(strength, 2.0)
    return 2.5 if named and len(raw) >= 16 else strength


def token_value(text: str) -> float:
    """3 for a value only a machine writes (16 or more random characters), 2 for 10 or more, 1 for 6 or more, else 0."""
    if len(text) < 6 or not _TOKEN_CHARS.fullmatch(text) or "://" in text or "@" in text:
        return 0.0
    if _SLUG.fullmatch(text):
        return 2.5 if len(text) >= 16 and _unpronounceable(text) else 0.0
    digits = sum(ch.isdigit() for ch in text)
    letters = sum(ch.isalpha() for ch in text)
    if not letters:
        return 1.0 if digits >= 6 else 0.0
    parts = re.split(r"[-_.~]", text)
    wordy = [part for part in parts if part.isalpha() and (part.islower() or part.istitle())]
    if len(parts) >= 2 and sum(map(len, wordy)) > len(text) * 0.6 and max(map(len, parts)) < 20:
        return 0.0
    changes = sum(1 for a, b in pairwise(text) if _kind(a) != _kind(b))
    if len(text) >= 16 and (digits >= 2 or changes >= 5):
        return 3.0
    if len(text) >= 10 and (digits >= 2 or changes >= 4):
        return 2.0
    mixed = len({_kind(char) for char in text}) >= 3 and len(text) >= 8
    return 1.0 if digits and (changes >= 3 or mixed) else 0.0


def _unpronounceable(text: str) -> bool:
    if not text.isalpha():
        return False
    vowels = sum(ch in "aeiouyAEIOUY" for ch in text)
    return vowels < len(text) * 0.2 or _CONSONANTS.search(text) is not None


def _kind(char: str) -> int:
    return 0 if char.isdigit() else 1 if char.islower() else 2 if char.isupper() else 3
