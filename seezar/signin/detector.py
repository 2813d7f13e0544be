"""The detector: one look at a page, one reading of what it asks for."""

from playwright.async_api import Frame, Locator, Page

from seezar.signin.classify import Verdict, classify
from seezar.signin.fields import FieldView
from seezar.signin.forms import ButtonView
from seezar.signin.model import model
from seezar.signin.offers import Offer
from seezar.signin.reading import Kind, Reading
from seezar.signin.scan import OPEN_SHADOW_ROOTS, FrameScan, locator, scan_page
from seezar.signin.words import vocabulary

__all__ = ["OPEN_SHADOW_ROOTS", "Kind", "Reading", "detect", "preload"]


def preload() -> None:
    """Read the vocabulary and the model now (about 0.1 s of processor time), so that the first `detect` need not."""
    vocabulary()
    model()


async def detect(page: Page) -> Reading:
    """Read a page as it is now, over all its frames. One look, no waiting: a caller that expects a change looks again.

    Args:
        page: a loaded or loading page, of a context with `OPEN_SHADOW_ROOTS` if closed shadow roots are to be seen.

    Raises:
        playwright.async_api.Error: the page is closed or crashed.
    """
    looks = await scan_page(page)
    if not looks:
        return Reading("other", 0.0, evidence=["the page could not be looked at: it is loading or does not answer"])
    verdict = classify([scan for _, scan in looks])
    return _reading(verdict, looks)


def _reading(verdict: Verdict, looks: list[tuple[Frame, FrameScan]]) -> Reading:
    frame, scan = looks[verdict.frame]

    def place(view: FieldView | ButtonView | None) -> Locator | None:
        return locator(frame, view.raw.path) if view is not None else None

    def offered(offer: Offer | None) -> Locator | None:
        return locator(looks[offer.frame][0], offer.view.raw.path) if offer is not None else None

    roles, offers = verdict.roles, verdict.offers
    boxes = [place(box) for box in roles.otp]
    return Reading(
        kind=verdict.kind,
        confidence=verdict.confidence,
        username=place(roles.username),
        password=place(roles.password),
        submit=place(roles.submit),
        remember=place(roles.remember),
        otp=[box for box in boxes if box is not None],
        evidence=verdict.evidence,
        opener=offered(offers.opener),
        resend=offered(offers.resend),
        send_code=offered(offers.send_code),
        trust=offered(offers.trust),
        skip=offered(offers.skip),
        origin=_origin(scan.url),
        alerts=tuple(str(alert["text"]) for _, look in looks for alert in look.alerts)[:10],
        captcha=offers.captcha,
        passkey=offers.passkey,
        signature=verdict.signature,
    )


def _origin(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}" if rest else url
