"""The detector: one look at a page, one reading of what it asks for."""

from collections.abc import Collection
from dataclasses import replace

from playwright.async_api import Frame, Locator, Page

from seezar.accounts.recipes import Part
from seezar.errors import InvalidInput
from seezar.signin.address import template
from seezar.signin.challenge import challenge_of
from seezar.signin.classify import Verdict, classify
from seezar.signin.fields import FieldView
from seezar.signin.forms import ButtonView
from seezar.signin.model import model
from seezar.signin.offers import Offer
from seezar.signin.reading import LOGIN_KINDS, Kind, Method, Reading
from seezar.signin.scan import OPEN_SHADOW_ROOTS, FrameScan, locator, scan_page
from seezar.signin.ways import Spot
from seezar.signin.words import vocabulary
from seezar.vault.origins import origin_of

__all__ = ["OPEN_SHADOW_ROOTS", "Kind", "Reading", "detect", "preload"]


def preload() -> None:
    """Read the vocabulary and the model now (about 0.1 s of processor time), so that the first `detect` need not."""
    vocabulary()
    model()


async def detect(page: Page, *, origins: Collection[str] = (), username: str = "") -> Reading:
    """Read a page as it is now, over all its frames. One look, no waiting: a caller that expects a change looks again.

    Args:
        page: a loaded or loading page, of a context with `OPEN_SHADOW_ROOTS` if closed shadow roots are to be seen.
        origins: registered for the account; where the page itself is of one of them, forms in frames of others count
            only when there is no other form, and controls there not at all.
        username: of the account, to know its tile by where one chooses an account.

    Raises:
        playwright.async_api.Error: the page is closed or crashed.
    """
    looks = await scan_page(page)
    if not looks:
        unseen = ["the page could not be looked at: it is loading or does not answer"]
        return Reading("other", 0.0, evidence=unseen, blank=True)
    foreign = _foreign([frame.url for frame, _ in looks], origins)
    verdict = classify([scan for _, scan in looks], foreign=foreign, username=username)
    reading = _reading(verdict, looks, foreign)
    # A frame that was not looked at may hold a script that changes the page around it.
    return reading if len(looks) == len(page.frames) else replace(reading, still=False)


def _foreign(urls: list[str], origins: Collection[str]) -> frozenset[int]:
    """Indexes of the frames whose origin is not registered, where that of the page is; the addresses are the browser's
    own.
    """

    def registered(url: str) -> bool:
        try:
            return origin_of(url) in origins
        except InvalidInput:
            return False

    if not registered(urls[0]):
        return frozenset()
    return frozenset(i for i, url in enumerate(urls) if not registered(url))


def _reading(verdict: Verdict, looks: list[tuple[Frame, FrameScan]], foreign: frozenset[int]) -> Reading:
    frame, scan = looks[verdict.frame]

    def place(view: FieldView | ButtonView | None) -> Locator | None:
        return locator(frame, view.raw.path) if view is not None else None

    def offered(offer: Offer | None) -> Locator | None:
        return locator(looks[offer.frame][0], offer.view.raw.path) if offer is not None else None

    def spotted(spot: Spot | None) -> Locator | None:
        return locator(looks[spot.frame][0], spot.view.raw.path) if spot is not None else None

    roles, offers, ways, signs = verdict.roles, verdict.offers, verdict.ways, verdict.signs
    methods: dict[Method, Locator] = {
        method: where for method, spot in ways.methods.items() if (where := spotted(spot)) is not None
    }

    def part(views: list[FieldView] | list[ButtonView]) -> tuple[Part, ...]:
        # The look's steps are lists; a recipe that was stored comes back with tuples.
        return tuple(Part(address, tuple((css, nth) for css, nth in v.raw.path)) for v in views if v.raw.path)

    boxes = [place(box) for box in roles.otp]
    address = template(scan.url)
    parts = {
        "username": part([roles.username] if roles.username else []),
        "password": part([roles.password] if roles.password else []),
        "submit": part([roles.submit] if roles.submit else []),
        "otp": part(roles.otp),
    }
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
        weak_opener=offers.weak_opener,
        consent=spotted(ways.consent),
        consent_accepts=ways.consent_accepts,
        terms=spotted(ways.terms),
        terms_box=spotted(ways.terms_box),
        tile=spotted(ways.tile),
        password_way=spotted(ways.password_way),
        other_way=spotted(ways.other_way),
        methods=methods,
        confirm=spotted(ways.confirm),
        told=signs.told,
        approval=signs.approval,
        channels=signs.channels,
        code_sent=signs.code_sent,
        challenge=challenge_of([look for _, look in looks], foreign, offers, ways, signs),
        lines=frozenset[int]().union(*(_lines(look) for i, (_, look) in enumerate(looks) if i not in foreign)),
        session=offers.logout >= 0.5,
        blank=signs.blank,
        still=all(look.still for _, look in looks),
        device=place(roles.device),
        unfinished=verdict.kind in LOGIN_KINDS and (roles.submit is None or roles.submit.nameless),
        parts={role: found for role, found in parts.items() if found},
    )


def _lines(look: FrameScan) -> frozenset[int]:
    """Hashes of what a frame says, but on its controls: a label that turns into "Signing in" is no answer. What ends in
    dots says that something is going on.
    """
    controls = {raw.text for raw in look.buttons}
    lines = {line for line in look.text.split("\n") if line not in controls and not line.endswith(("...", "…"))}
    return frozenset(hash(line) for line in lines) | {hash((f.name, f.id)) for f in look.fields if f.invalid}


def _origin(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}" if rest else url
