"""What a mail must not make us do: whose mail it is, and which links may be opened at all."""

import re
import unicodedata
from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

import idna

from seezar.domains import host_of_site, ip_address, is_loopback, normal_host, same_site
from seezar.mail.document import Link
from seezar.mail.mime import ParsedMail
from seezar.mail.provider import sender_allowed
from seezar.mail.urls import MAX_URL

_ABSOLUTE = re.compile(r"[/\\]{2}|[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_CARRIED = re.compile(r"https?:[/\\]+([^/\\?#\s]+)", re.IGNORECASE)
_IMITATING = frozenset({"CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "GEORGIAN", "LISU", "DESERET"})
_VISIBLE_URL = re.compile(r"(?:https?://|www\.)[^\s<>\"]+|^[\w-]+(?:\.[\w-]+)*\.[a-z]{2,24}(?:/\S*)?$", re.IGNORECASE)
_REDIRECT_KEYS = re.compile(
    r"^(?:url|u|link|to|target|dest|destination|redir|next|return|returnurl|continue|goto|forward)$|redirect|return_?(?:to|url|uri)|continue_?url",
    re.IGNORECASE,
)
# Keys whose value names where a visitor came from or what is shown, not where the link passes on to.
_HARMLESS_KEYS = re.compile(r"^(?:utm_\w+|ref|referr?er|source|src|campaign|logo|img|image|icon)$", re.IGNORECASE)
# Letters of other scripts that look like Latin ones in any typeface; a name of nothing else is made to deceive.
_LOOKALIKES = frozenset("асԁеһіјӏорԛѕԝхуєүҽոօսցհιοαορυνκ")
_RESULT = re.compile(r"\b(dmarc|spf|dkim)\s*=\s*([a-z]+)", re.IGNORECASE)


def distrust(mail: ParsedMail, senders: Sequence[str]) -> str | None:
    """Why nothing of this mail may be used, or None.

    A pass in Authentication-Results proves nothing here, since anyone can write that header; a failure is always
    believed (RFC 8601 §7.1 warns of the first, nobody gains by forging the second).
    """
    if senders and not sender_allowed(mail.sender, tuple(senders)):
        return "the sender is not one that was expected"
    if senders and mail.senders > 1:
        return "the mail names more than one sender"
    for header in mail.authentication_results:
        results: dict[str, set[str]] = {}
        for method, result in _RESULT.findall(header):
            results.setdefault(method.lower(), set()).add(result.lower())
        if results.get("dmarc", set()) & {"fail", "permerror"}:
            return "the mail failed DMARC"
        signed = "pass" in results.get("dkim", set())
        passed = "pass" in results.get("spf", set()) or "pass" in results.get("dmarc", set())
        failed = results.get("spf", set()) & {"fail", "softfail"} or "fail" in results.get("dkim", set())
        if failed and not signed and not passed:
            return "the mail failed SPF and DKIM"
    return None


def refuse_link(link: Link, site: str | None) -> str | None:
    """Why a link may not be opened, or None.

    Args:
        site: host or URL of the site that is signed in to; its registrable domain must be the link's. None = any.
    """
    url = link.href
    if len(url) > MAX_URL or "\\" in url or any(ord(ch) <= 0x20 or ord(ch) == 0x7F for ch in url):
        # Browsers read a backslash as a slash, our parser does not: what differs is refused.
        return "the link is malformed"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "the link is malformed"
    name = normal_host(host) if host else None
    if not host or name is None or _is_number(name):
        return "the link has no valid host"
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        return "the link hides its host behind a user name"
    if parts.scheme.lower() != "https" and not (parts.scheme.lower() == "http" and is_loopback(host)):
        return "the link is not https"
    if imitates(name):
        return "the link's host mixes letters that look alike"
    if site is not None:
        expected = host_of_site(site)
        if expected is None or not same_site(host, expected):
            return "the link leads to another site"
        if _redirects_away(url, host):
            return "the link passes on to another site"
    if not link.bare and (shown := shown_host(link.text)) is not None and not same_site(shown, host):
        return "the link shows another host than it leads to"
    return None


def shown_host(text: str) -> str | None:
    """The host of a URL that is the visible text of a link, or stands in it; None when there is none."""
    match = _VISIBLE_URL.search(text.strip())
    return None if match is None else host_of_site(match[0])


def imitates(host: str) -> bool:
    """Whether a label of a host in normal form mixes Latin with look-alike scripts, or consists of look-alikes only."""
    for label in host.split("."):
        if not label.startswith("xn--"):
            continue
        try:
            letters = [char for char in idna.decode(label) if char.isalpha()]
        except (idna.IDNAError, UnicodeError):
            # Not a name that a registry gives out.
            return True
        scripts = {unicodedata.name(char, "").partition(" ")[0] for char in letters}
        if scripts & _IMITATING and (len(scripts) > 1 or all(char in _LOOKALIKES for char in letters)):
            return True
    return False


def _is_number(name: str) -> bool:
    """Whether browsers would read a host as a number for an IPv4 address (`0x7f.1`) where `ipaddress` does not."""
    last = name.rpartition(".")[2]
    return ip_address(name) is None and (last.isdecimal() or re.fullmatch(r"0x[0-9a-f]*", last) is not None)


def _redirects_away(url: str, host: str) -> bool:
    """Whether a parameter or the path of a URL carries an address of another site."""
    parts = urlsplit(url)
    carried = [parts.path, parts.fragment.partition("?")[0]]
    for pair in re.split(r"[&;]", f"{parts.query}&{parts.fragment.partition('?')[2]}"):
        key, _, value = pair.partition("=")
        target = unquote(unquote(value)).strip()
        if _HARMLESS_KEYS.match(key):
            continue
        if _REDIRECT_KEYS.search(key) and _ABSOLUTE.match(target):
            other = host_of_site(re.sub(r"^[/\\]+", "", target.replace("\\", "/")))
            if other is None or not same_site(other, host):
                return True
        carried.append(target)
    return any(_leads_away(text, host) for text in carried)


def _leads_away(text: str, host: str) -> bool:
    for match in _CARRIED.finditer(unquote(unquote(text))):
        other = host_of_site(match[1])
        if other is None or not same_site(other, host):
            return True
    return False
