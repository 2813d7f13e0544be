"""Recipes: what worked on the pages of a site before. Selectors and shapes, never a value."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from psycopg.types.json import Jsonb

from seezar.database import Database, Row

# Sites show variants of a page in turn; older shapes of the same page than these are gone from it.
_KEPT_SHAPES = 3


@dataclass(frozen=True)
class Part:
    """Where one element of a page is.

    Attributes:
        frame: template of the frame's address (`seezar.signin.address.template`).
        path: a CSS selector for each shadow tree on the way, with the place among its matches.
    """

    frame: str
    path: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Recipe:
    """What worked on a page.

    Attributes:
        origin: of the page.
        path: template of its path.
        signature: shape of its form (`Reading.signature`).
        kind: what the page is (`Reading.kind`).
        roles: where its parts are, by role.
        learned_by: who told the parts first.
    """

    origin: str
    path: str
    signature: str
    kind: str
    roles: dict[str, tuple[Part, ...]]
    learned_by: Literal["detector", "model"] = "detector"

    @property
    def key(self) -> tuple[str, str, str]:
        """What the recipe is found by."""
        return (self.origin, self.path, self.signature)


class Recipes:
    """The recipes in `app.recipe`, shared by all accounts of a site."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, origins: Sequence[str]) -> list[Recipe]:
        """The recipes for pages of `origins`."""
        rows = await self._database.all("SELECT * FROM app.recipe WHERE origin = ANY(%s)", list(origins))
        return [_recipe(row) for row in rows]

    async def learn(self, recipes: Iterable[Recipe]) -> None:
        """Keep what has just led to a sign-in. Shapes of the same page that were not met for long make room."""
        async with self._database.connection() as connection:
            for recipe in recipes:
                await connection.execute(
                    "INSERT INTO app.recipe (origin, path, signature, kind, learned_by, roles)"
                    " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (origin, path, signature) DO UPDATE SET"
                    " kind = excluded.kind, roles = excluded.roles, learned_by = excluded.learned_by,"
                    " uses = app.recipe.uses + 1, used_at = now()",
                    (*recipe.key, recipe.kind, recipe.learned_by, Jsonb(_plain(recipe.roles))),
                )
                await connection.execute(
                    "DELETE FROM app.recipe WHERE (origin, path, signature) IN (SELECT origin, path, signature"
                    " FROM app.recipe WHERE origin = %s AND path = %s AND kind = %s"
                    " ORDER BY used_at DESC, signature OFFSET %s)",
                    (recipe.origin, recipe.path, recipe.kind, _KEPT_SHAPES),
                )

    async def drop(self, recipes: Iterable[Recipe]) -> None:
        """Forget recipes that did not work any more."""
        async with self._database.connection() as connection:
            for recipe in recipes:
                await connection.execute(
                    "DELETE FROM app.recipe WHERE origin = %s AND path = %s AND signature = %s", recipe.key
                )

    async def forget(self, origins: Sequence[str]) -> int:
        """Forget all recipes for pages of `origins`; returns how many there were."""
        return await self._database.run("DELETE FROM app.recipe WHERE origin = ANY(%s)", list(origins))


def _plain(roles: dict[str, tuple[Part, ...]]) -> dict[str, Any]:
    return {
        role: [{"frame": p.frame, "path": [list(step) for step in p.path]} for p in parts]
        for role, parts in roles.items()
    }


def _recipe(row: Row) -> Recipe:
    roles = {
        role: tuple(Part(p["frame"], tuple((str(css), int(nth)) for css, nth in p["path"])) for p in parts)
        for role, parts in row["roles"].items()
    }
    return Recipe(row["origin"], row["path"], row["signature"], row["kind"], roles, row["learned_by"])
