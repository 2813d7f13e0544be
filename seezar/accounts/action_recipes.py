"""Which element was meant by which words on a page, once a model has pointed it out. Digests, never words or values."""

import hashlib
from dataclasses import dataclass

from seezar.database import Database


@dataclass(frozen=True)
class ActionRecipe:
    """What was meant.

    Attributes:
        origin: of the page.
        path: template of its path (`seezar.signin.address.template`).
        words: the instruction; only its digest is stored.
        selector: of the element, as Playwright takes it.
        method: what was done to it.
        element: digest of what it is and says, by which it is known again.
    """

    origin: str
    path: str
    words: str
    selector: str
    method: str
    element: bytes


class ActionRecipes:
    """The rows of `app.action_recipe`, shared by all accounts of a site."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, origin: str, path: str, words: str) -> ActionRecipe | None:
        """What these words have meant on this page."""
        row = await self._database.one(
            "SELECT selector, method, element FROM app.action_recipe WHERE origin = %s AND path = %s AND words = %s",
            origin,
            path,
            _digest(words),
        )
        if row is None:
            return None
        return ActionRecipe(origin, path, words, row["selector"], row["method"], bytes(row["element"]))

    async def learn(self, recipe: ActionRecipe) -> None:
        """Keep what has just worked."""
        await self._database.run(
            "INSERT INTO app.action_recipe (origin, path, words, selector, method, element)"
            " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (origin, path, words) DO UPDATE SET"
            " selector = excluded.selector, method = excluded.method, element = excluded.element,"
            " uses = app.action_recipe.uses + 1, used_at = now()",
            recipe.origin,
            recipe.path,
            _digest(recipe.words),
            recipe.selector,
            recipe.method,
            recipe.element,
        )

    async def drop(self, recipe: ActionRecipe) -> None:
        """Forget what does not hold any more."""
        await self._database.run(
            "DELETE FROM app.action_recipe WHERE origin = %s AND path = %s AND words = %s",
            recipe.origin,
            recipe.path,
            _digest(recipe.words),
        )


def _digest(words: str) -> bytes:
    return hashlib.sha256(" ".join(words.lower().split()).encode()).digest()
