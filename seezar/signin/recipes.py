"""Knowing a page again: what was learned there, verified before it is used."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from playwright.async_api import Page
from pydantic import ValidationError

from seezar.accounts.recipes import Recipe
from seezar.errors import InvalidInput
from seezar.signin.address import template
from seezar.signin.choice import AnswerInvalid, ChoiceRefused, answer_of, read_answer
from seezar.signin.policy import sure
from seezar.signin.reading import LOGIN_KINDS, Reading
from seezar.signin.snapshot import find_parts
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

    async def recall(
        self, page: Page, reading: Reading, origins: Sequence[str], *, in_flow: bool = False
    ) -> Reading | None:
        """The reading to act upon at once when this page is known and looks as it did, else None.

        The shape of the form and the kind must be the same. Where the detector is not sure and a model has shown the
        parts, each of them must be there exactly once and visible, and they pass the checks of a model's answer
        (`seezar.signin.choice.read_answer`), on a look of now.

        Args:
            origins: of the account.
            in_flow: the site has got something from us: no way to the form is taken any more.

        Raises:
            playwright.async_api.Error: the page is gone.
        """
        recipe = self._known.get(_key(page.url, reading))
        if recipe is None:
            return None
        if recipe.kind == reading.kind and sure(reading) and recipe.roles == reading.parts:
            self._used[recipe.key] = recipe
            return replace(reading, recalled=True)
        if recipe.learned_by == "detector" or sure(reading) or (in_flow and "opener" in recipe.roles):
            return None
        replayed = await _replay(page, recipe, reading, origins)
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


async def _replay(page: Page, recipe: Recipe, reading: Reading, origins: Sequence[str]) -> Reading | None:
    # What the detector takes for a registration, a change or a message is none that a model was asked about.
    if recipe.kind != reading.kind and reading.kind not in LOGIN_KINDS | {"otp", "other"}:
        return None
    found = await find_parts(page, [part for parts in recipe.roles.values() for part in parts], origins)
    if found is None:
        return None
    try:
        replayed = await read_answer(answer_of(recipe), found, reading, origins)
    except (AnswerInvalid, ChoiceRefused, ValidationError):
        return None
    if replayed is None:
        return None
    return replace(replayed, advised=False, recalled=True, evidence=["worked here before", *reading.evidence])
