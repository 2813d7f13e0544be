"""What a site declares: the hosts in the Content-Security-Policy of its documents."""

from collections.abc import Iterable
from typing import Final

from seezar.egress.hosts import HostPattern
from seezar.errors import InvalidInput

# Directives that say from where something may be loaded or to where something may be sent (CSP Level 3, section 6). The
# others name who may embed the page, where violations are reported to, and what is switched off.
_LOADING: Final = frozenset(
    {
        "default-src",
        "child-src",
        "connect-src",
        "font-src",
        "form-action",
        "frame-src",
        "img-src",
        "manifest-src",
        "media-src",
        "object-src",
        "prefetch-src",
        "script-src",
        "script-src-attr",
        "script-src-elem",
        "style-src",
        "style-src-attr",
        "style-src-elem",
        "worker-src",
    }
)
_SCHEMES: Final = ("https", "wss", "http", "ws")
# A header that names more is no declaration.
_MOST: Final = 200


def declared_hosts(policies: Iterable[str]) -> tuple[HostPattern, ...]:
    """The host sources in the values of Content-Security-Policy headers.

    Not in it: `*`, sources that are a scheme alone (`https:`), keywords, nonces and hashes, and `*.` of a suffix that
    many owners share: they allow nearly everything, and name nobody.
    """
    found: dict[HostPattern, None] = {}
    for policy in policies:
        # Several headers arrive as one, with commas or line breaks between them.
        for directive in policy.replace(",", ";").replace("\n", ";").split(";"):
            name, *sources = directive.split()[:_MOST] or [""]
            if name.lower() not in _LOADING:
                continue
            for source in sources:
                pattern = _host_source(source)
                if pattern is not None and len(found) < _MOST:
                    found[pattern] = None
    return tuple(found)


def _host_source(source: str) -> HostPattern | None:
    scheme, separator, rest = source.partition("://")
    if separator and scheme.lower() not in _SCHEMES:
        return None
    host = (rest if separator else source).partition("/")[0]
    # A keyword is in quotes, a scheme ends in a colon, and a host of one label is a slip more often
    # than a host.
    if (
        not host
        or host.startswith("'")
        or host.endswith(":")
        or ("." not in host and host.partition(":")[0] != "localhost")
    ):
        return None
    try:
        return HostPattern.parse(host)
    except InvalidInput:
        return None
