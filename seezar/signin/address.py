"""Addresses of pages without what belongs to one visit or one user."""

import re
from urllib.parse import parse_qsl, urlsplit

# Parts of a path that belong to one visit or one user: counters, UUIDs, tokens, addresses, anything encoded.
_PERSONAL = re.compile(r"\d{3,}|[0-9a-f]{8,}|[@%=~+]|.{25,}", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z][A-Za-z_.-]*\d{0,2}")
_HIDDEN = "{}"
# Where a page is told apart by a parameter, its name is enough; more than these are a tracker's.
_PARAMETERS = 6


def template(url: str) -> str:
    """The address of a page without what changes from visit to visit or belongs to a user; no value is left in it.

    Segments that are no plain words become `{}`; of the query only the names stay, of the fragment a route.
    """
    try:
        parts = urlsplit(url)
        names = sorted({name for name, _ in parse_qsl(parts.query, keep_blank_values=True)})
    except ValueError:
        return ""
    path = "/".join(_segment(segment) for segment in parts.path.split("/"))
    query = "&".join(_segment(name) for name in names[:_PARAMETERS])
    route = parts.fragment.partition("?")[0] if parts.fragment.startswith(("/", "!/")) else ""
    fragment = "/".join(_segment(segment) for segment in route.split("/"))
    return path + (f"?{query}" if query else "") + (f"#{fragment}" if fragment else "")


def _segment(segment: str) -> str:
    if not segment or (_WORD.fullmatch(segment) and not _PERSONAL.search(segment)):
        return segment
    return _HIDDEN
