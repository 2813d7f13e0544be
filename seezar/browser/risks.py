"""What an action on a page may bring about, as far as the element says: what a person has to agree to before.

Told by the page's own document and not by the model that chose the element, which may have been talked into it.
"""

import re
from collections.abc import Sequence
from typing import Any, Final

from playwright.async_api import Locator

from seezar.errors import InvalidInput, SeezarError
from seezar.fencing import visible
from seezar.vault.origins import origin_of

# Looking, and what can be taken back before it is sent.
_HARMLESS: Final = frozenset({"hover", "scrollTo", "nextChunk", "prevChunk", "fill", "type"})
_LOOKING_KEYS: Final = re.compile(r"(?:Tab|Escape|Home|End|PageUp|PageDown|Arrow(?:Up|Down|Left|Right))")
_CLICKS: Final = frozenset({"click", "doubleClick"})
# A link should only lead somewhere; some sites delete by one.
_CHANGES: Final = re.compile(
    r"delet|remov|destroy|log.?out|log.?off|sign.?(?:out|off)|cancel|unsubscri|revoke|reset|disable|deactiv|clos|pay\b|"
    r"\bbuy|checkout|order.?now|confirm|approv|accept|transfer|send|submit|publish|upgrade|"
    r"lösch|entfern|abmeld|kündig|bezahl|kauf|bestell|bestätig|senden|supprim|déconn|payer|achet|elimin|borrar|pagar|"
    r"cerrar|compr",
    re.IGNORECASE,
)
_MOST_SHOWN: Final = 80
_LOOK: Final = """element => {
  const within = element.closest('a[href], button, input, summary, label, [role=tab]') ?? element;
  const form = within.form ?? within.closest('form');
  return {
    tag: within.tagName.toLowerCase(), type: (within.getAttribute('type') ?? '').toLowerCase(),
    tab: within.getAttribute('role') === 'tab', href: within.href ?? '', download: within.hasAttribute('download'),
    script: within.hasAttribute('onclick'),
    form: form ? form.action : '',
    text: within.innerText || within.value || within.getAttribute('aria-label') || within.title || '',
  };
}"""


class NotAgreed(SeezarError):
    """It would change something, and no person has said that it may be done; `what` says what it is."""

    status = "needs_confirmation"


async def risk_of(
    element: Locator, method: str, arguments: Sequence[str], origins: Sequence[str], *, downloads: bool = False
) -> str | None:
    """What a person has to agree to before it is done, in words that name the element; None when nobody has to.

    Harmless is looking, filling in without sending, and following a link within `origins` that does not sound as if it
    changed something. A button may do anything.

    Args:
        downloads: whether a link to a file is harmless as well.

    Raises:
        playwright.async_api.Error: the element is gone.
    """
    sends = any("\n" in argument or "\r" in argument for argument in arguments)
    if method in _HARMLESS and not sends:
        return None
    if method == "press" and all(_LOOKING_KEYS.fullmatch(argument) for argument in arguments):
        return None
    found: dict[str, Any] = await element.evaluate(_LOOK, timeout=5_000)
    if method in _CLICKS and _only_looks(found, origins, downloads):
        return None
    return _told(found, method, arguments)


def _only_looks(found: dict[str, Any], origins: Sequence[str], downloads: bool) -> bool:
    if _CHANGES.search(f"{found['text']} {found['href']}"):
        return False
    if found["tag"] == "a" and found["href"]:
        return (downloads or not found["download"]) and not found["script"] and _origin(found["href"]) in origins
    return not found["script"] and (found["tag"] == "summary" or bool(found["tab"]))


def _origin(url: str) -> str:
    try:
        return origin_of(url)
    except InvalidInput:
        return ""


def _told(found: dict[str, Any], method: str, arguments: Sequence[str]) -> str:
    named = " ".join(visible(str(found["text"])).split())[:_MOST_SHOWN]
    kind = {"a": "link", "button": "button", "input": f"{found['type'] or 'text'} field"}.get(found["tag"], "element")
    given = f" with “{' '.join(visible(' '.join(arguments)).split())[:_MOST_SHOWN]}”" if arguments else ""
    target = found["href"] if found["tag"] == "a" else found["form"]
    leads = f", which {'leads' if found['tag'] == 'a' else 'sends'} to {_shown(target)}" if target else ""
    return f"{method} the {kind} “{named}”{given}{leads}"


def _shown(url: str) -> str:
    return visible(url).partition("?")[0].partition("#")[0][: 2 * _MOST_SHOWN]
