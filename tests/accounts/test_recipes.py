"""Recipes in the database."""

from seezar.accounts.recipes import Part, Recipe, Recipes
from seezar.database import Database

ORIGIN = "https://site.test"
ROLES = {
    "password": (Part("/login", (("#password", 0),)),),
    "otp": (Part("/login", (("div > input:nth-of-type(1)", 0),)), Part("/login", (("x-code", 0), ("input", 1)))),
}


def recipe(signature: str = "s1", **changes: str) -> Recipe:
    """A recipe for the login page."""
    values = {"origin": ORIGIN, "path": "/login", "kind": "login"} | changes
    return Recipe(signature=signature, roles=ROLES, **values)  # pyright: ignore[reportArgumentType]


async def test_what_was_learned_comes_back(database: Database) -> None:
    recipes = Recipes(database)
    await recipes.learn([recipe(), recipe("s2", path="/code", learned_by="model")])
    found = {known.key: known for known in await recipes.of([ORIGIN])}
    assert found == {known.key: known for known in (recipe(), recipe("s2", path="/code", learned_by="model"))}
    assert await recipes.of(["https://other.test"]) == []


async def test_a_shape_is_replaced_not_doubled(database: Database) -> None:
    recipes = Recipes(database)
    await recipes.learn([recipe()])
    await recipes.learn([recipe(kind="password")])
    (found,) = await recipes.of([ORIGIN])
    assert found.kind == "password"


async def test_old_shapes_of_a_page_make_room(database: Database) -> None:
    recipes = Recipes(database)
    for signature in ("s1", "s2", "s3", "s4"):
        await recipes.learn([recipe(signature)])
    assert {found.signature for found in await recipes.of([ORIGIN])} == {"s2", "s3", "s4"}


async def test_broken_ones_are_dropped_and_a_site_is_forgotten(database: Database) -> None:
    recipes = Recipes(database)
    await recipes.learn([recipe("s1"), recipe("s2"), recipe("s1", origin="https://other.test")])
    await recipes.drop([recipe("s1")])
    assert [found.signature for found in await recipes.of([ORIGIN])] == ["s2"]
    assert await recipes.forget([ORIGIN]) == 1
    assert len(await recipes.of(["https://other.test"])) == 1
