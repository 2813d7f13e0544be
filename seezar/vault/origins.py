"""Origins (RFC 6454): where a secret may be used."""

import re
from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

from seezar.domains import normal_host
from seezar.errors import InvalidInput

_DEFAULT_PORTS = {"https": 443, "http": 80}
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def origin_of(url: str) -> str:
    """`scheme://host[:port]` of `url`, host in lower-case ASCII, default port left out.

    Raises:
        InvalidInput: not an http(s) URL with a host, or it carries a user name.
    """
    text = url.strip()
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise InvalidInput(f"{text!r} is not a URL.", next_step="Give it as https://host/path.") from None
    if parts.username is not None or parts.password is not None:
        raise InvalidInput(
            "A URL must not carry a user name or password.", next_step="Give them with --username and --password-env."
        )
    host = normal_host(parts.hostname or "")
    if parts.scheme not in _DEFAULT_PORTS or host is None or port == 0 or _CONTROL.search(text):
        raise InvalidInput(f"{text!r} is not a web address.", next_step="Give it as https://host/path.")
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + (f":{port}" if port not in (None, _DEFAULT_PORTS[parts.scheme]) else "")


def is_loopback(origin: str) -> bool:
    """Whether the host of `origin` is this machine."""
    host = urlsplit(origin).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def is_secure(origin: str) -> bool:
    """Whether a secret may travel there: https, or http to this machine only."""
    return origin.startswith("https://") or is_loopback(origin)


def checked_origins(urls: Iterable[str]) -> tuple[str, ...]:
    """The origins of `urls`, without repeats, in order.

    Raises:
        InvalidInput: one is no origin, or is plain http to another machine.
    """
    origins = tuple(dict.fromkeys(origin_of(url) for url in urls))
    for origin in origins:
        if not is_secure(origin):
            raise InvalidInput(
                f"{origin} is not encrypted; a password is sent only over https (or http to this machine).",
                next_step="Use the https:// address of the site.",
            )
    return origins
