"""Knowing a page again: what was learned there, verified before it is used."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from playwright.async_api import Error, Frame, Locator, Page

from seezar.accounts.recipes import Recipe
from seezar.errors import InvalidInput
from seezar.signin.address import template
from seezar.signin.policy import SURE, sure
from seezar.signin.reading import Reading
from seezar.signin.scan import locator
from seezar.vault.origins import origin_of


class RecipeBook:
    """The recipes of a site during one sign-in: which are known, which were used, what was learned anew.

    Args:
        known: the recipes for pages of the account's origins.
    """

    def __init__(self, known: Iterable[Recipe] = ()) -> None:
        self._known = {recipe.key: recipe for recipe in known}
        self._used: dict[tuple[str, str, str], Recipe] = {}
        self._learned: dict[tuple[str, str, str], Recipe] = {}

    @property
    def learned(self) -> Sequence[Recipe]:
        """What was acted upon, in order; worth keeping once the sign-in has succeeded."""
        return list(self._learned.values())

    @property
    def used(self) -> Sequence[Recipe]:
        """The recipes that were replayed; to be dropped when the sign-in came to a stop at the forms."""
        return list(self._used.values())

    async def recall(self, page: Page, reading: Reading) -> Reading | None:
        """The reading to act upon at once when this page is known and looks as it did, else None.

        The shape of the form and the kind must be the same. Where the detector is not sure and the recipe's parts came
        from elsewhere, each part must be there exactly once and visible; the policy is applied as to every reading.

        Raises:
            playwright.async_api.Error: the page is gone.
        """
        recipe = self._known.get(_key(page.url, reading))
        if recipe is None:
            return None
        if recipe.kind == reading.kind and sure(reading) and recipe.roles == reading.parts:
            self._used[recipe.key] = recipe
            return replace(reading, recalled=True)
        if recipe.learned_by == "detector" or sure(reading):
            return None
        replayed = await _replay(page, recipe, reading)
        if replayed is not None:
            self._used[recipe.key] = recipe
        return replayed

    def note(self, url: str, reading: Reading) -> None:
        """What was done on the page at `url` by this reading had an effect."""
        key = _key(url, reading)
        if not key[0] or not reading.parts:
            return
        known = self._known.get(key)
        by = (
            "model"
            if reading.advised or (known is not None and known.learned_by == "model" and key in self._used)
            else "detector"
        )
        self._learned[key] = Recipe(*key, reading.kind, reading.parts, by)


def _key(url: str, reading: Reading) -> tuple[str, str, str]:
    try:
        return (origin_of(url), template(url), reading.signature)
    except InvalidInput:
        return ("", "", "")


async def _replay(page: Page, recipe: Recipe, reading: Reading) -> Reading | None:
    found: dict[str, list[Locator]] = {}
    for role, parts in recipe.roles.items():
        for part in parts:
            frame = _frame(page, part.frame)
            place = locator(frame, part.path) if frame is not None else None
            if place is None or not await _stands(place):
                return None
            found.setdefault(role, []).append(place)
    single = {role: places[0] for role, places in found.items()}
    return replace(
        reading,
        kind=recipe.kind,
        confidence=SURE,
        recalled=True,
        username=single.get("username"),
        password=single.get("password"),
        submit=single.get("submit"),
        remember=single.get("remember"),
        otp=found.get("otp", []),
        opener=single.get("opener"),
        parts=recipe.roles,
        evidence=["worked here before", *reading.evidence],
    )


def _frame(page: Page, wanted: str) -> Frame | None:
    fitting = [frame for frame in page.frames if template(frame.url) == wanted]
    return fitting[0] if len(fitting) == 1 else None


async def _stands(place: Locator) -> bool:
    try:
        return await place.count() == 1 and await place.is_visible()
    except Error:
        return False
