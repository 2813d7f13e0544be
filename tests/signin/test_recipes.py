"""What a sign-in remembers of the pages of a site, and what it makes of that the next time."""

from dataclasses import replace

import pytest
from playwright.async_api import Page

from seezar.accounts.recipes import Part, Recipe, Recipes
from seezar.database import Database
from seezar.signin.detector import detect
from seezar.signin.driver import SignInDriver
from seezar.signin.reading import Kind
from seezar.signin.recipes import RecipeBook
from tests.signin.driving import (
    APP_FORM,
    LOGIN,
    PASSWORD,
    USER,
    Keys,
    account,
    check_password,
    drive,
    protected,
    right,
)
from tests.site import Request, Response, Site, redirect, serve
from tests.site import page as html

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser]

# A page that goes on asking for things: it is never quiet before the site has answered them.
_RESTLESS = "<script>setInterval(() => fetch('/tick'), 40)</script>"
# Nothing here tells a program what the fields are.
_ODD = html(
    """<h1>Bridge</h1><form method="post" action="/login"><p>Call sign <input name="n1"></p>
    <p>Watchword <input name="n2" type="password"></p><p>Deck <input name="n3"></p>
    <p>Remarks <textarea name="remarks"></textarea></p><button>Aboard</button></form>""",
    title="Bridge",
)
_FORM = "html > body:nth-of-type(1) > form:nth-of-type(1)"
_ROLES = {
    "username": (Part("/", (('input[name="n1"]', 0),)),),
    "password": (Part("/", (('input[name="n2"]', 0),)),),
    "submit": (Part("/", ((f"{_FORM} > button:nth-of-type(1)", 0),)),),
}


def _moved(recipe: Recipe, origin: str) -> Recipe:
    """The recipe as of a site on another port."""
    return replace(recipe, origin=origin)


async def sign_in(page: Page, site: Site, book: RecipeBook) -> tuple[str, SignInDriver]:
    """One sign-in with `book`; its status, and the driver."""
    run = drive(page, account(site), Keys(), recipes=book)
    return (await run.run()).status, run.driver


async def test_what_worked_is_learned_without_any_value(page: Page) -> None:
    async with serve({"/": LOGIN, "/login": check_password, "/home": protected}) as site:
        status, driver = await sign_in(page, site, RecipeBook())
        assert status == "submitted"
        (recipe,) = driver.recipes.learned
        assert (recipe.origin, recipe.path, recipe.kind) == (site.url, "/", "login")
        assert recipe.roles.keys() == {"username", "password", "submit"}
        assert USER not in repr(recipe)
        assert PASSWORD not in repr(recipe)


async def test_a_known_page_is_not_watched_until_it_is_quiet(page: Page) -> None:
    ticks = 0

    def tick(_: Request) -> str:
        nonlocal ticks
        ticks += 1
        return "ok"

    restless = LOGIN.replace("</body>", f"{_RESTLESS}</body>")
    assert restless != LOGIN
    routes = {"/": restless, "/login": check_password, "/home": protected, "/tick": tick}
    async with serve(routes) as site:
        _, driver = await sign_in(page, site, RecipeBook())
        unknown, ticks = ticks, 0
        await page.context.clear_cookies()
        status, again = await sign_in(page, site, RecipeBook(driver.recipes.learned))
        assert status == "submitted"
        assert again.recipes.used
        assert ticks < unknown


async def test_a_page_that_has_changed_is_read_and_learned_anew(page: Page) -> None:
    changed = LOGIN.replace('name="user"', 'name="mail"').replace('name="password"', 'name="secret"')

    def check(request: Request) -> Response | str:
        sent = (request.form.get("mail"), request.form.get("secret"))
        return redirect("/home", cookie="sid=1; Path=/") if sent == (USER, PASSWORD) else changed

    async with serve({"/": LOGIN, "/login": check_password, "/home": protected}) as site:
        _, driver = await sign_in(page, site, RecipeBook())
    before = [_moved(recipe, "") for recipe in driver.recipes.learned]
    await page.context.clear_cookies()
    async with serve({"/": changed, "/login": check, "/home": protected}) as site:
        book = RecipeBook(_moved(recipe, site.url) for recipe in before)
        status, driver = await sign_in(page, site, book)
        assert status == "submitted"
        assert not driver.recipes.used
        assert driver.recipes.learned[0].signature != before[0].signature


async def test_a_page_on_another_path_of_the_site_is_another_page(page: Page) -> None:
    async with serve({"/": LOGIN, "/login": check_password, "/home": protected}) as site:
        _, driver = await sign_in(page, site, RecipeBook())
        (recipe,) = driver.recipes.learned
        await page.context.clear_cookies()
        elsewhere = Recipe(recipe.origin, "/other", recipe.signature, recipe.kind, recipe.roles)
        _, driver = await sign_in(page, site, RecipeBook([elsewhere]))
        assert not driver.recipes.used


async def test_what_a_model_has_shown_once_is_not_asked_again(page: Page) -> None:
    def check(request: Request) -> Response | str:
        sent = (request.form.get("n1"), request.form.get("n2"))
        return redirect("/home", cookie="sid=1; Path=/") if sent == (USER, PASSWORD) else _ODD

    async with serve({"/": _ODD, "/login": check, "/home": protected}) as site:
        status, driver = await sign_in(page, site, RecipeBook())
        assert status == "needs_person", "the page must be one that the detector is not sure of"
        reading = await detect(page)
        shown = Recipe(site.url, "/", reading.signature, "login", _ROLES, "model")
        status, driver = await sign_in(page, site, RecipeBook([shown]))
        assert status == "submitted"
        (learned,) = driver.recipes.learned
        assert learned.learned_by == "model"


async def test_what_a_model_has_shown_is_not_used_where_it_does_not_stand(page: Page) -> None:
    roles = {**_ROLES, "password": (Part("/", (('input[name="gone"]', 0),)),)}
    async with serve({"/": _ODD, "/login": LOGIN, "/home": protected}) as site:
        await page.goto(site.url)
        shown = Recipe(site.url, "/", (await detect(page)).signature, "login", roles, "model")
        status, _ = await sign_in(page, site, RecipeBook([shown]))
        assert status == "needs_person"
        assert not site.posts()


async def test_code_pages_are_learned_as_well(page: Page) -> None:
    def check(request: Request) -> Response | str:
        return APP_FORM if right(request) else LOGIN

    routes = {"/": LOGIN, "/login": check, "/code": redirect("/home", cookie="sid=1; Path=/"), "/home": protected}
    async with serve(routes) as site:
        run = drive(page, account(site, "totp"), Keys())
        assert (await run.run()).status == "submitted"
        assert [recipe.kind for recipe in run.driver.recipes.learned] == ["login", "otp"]


async def test_a_password_never_becomes_part_of_an_address(page: Page) -> None:
    # The script that sends the form wakes up after a click has submitted it the browser's own way.
    sleepy = LOGIN.replace('method="post" action="/login"', 'id="form"')
    woken = sleepy.replace(
        "</body>",
        """<script>setTimeout(() => document.getElementById('form').addEventListener('submit', async (event) => {
          event.preventDefault();
          await fetch('/login', {method: 'POST', body: new URLSearchParams(new FormData(event.target))});
          location = '/home';
        }), 900)</script></body>""",
    )
    async with serve({"/": woken, "/login": check_password, "/home": protected}) as site:
        status, _ = await sign_in(page, site, RecipeBook())
        assert status == "submitted"
        assert [request.path for request in site.posts()] == ["/login"]
        assert not any("password" in request.query for request in site.requests)


@pytest.mark.parametrize(
    ("changes", "kinds"),
    [({}, ("login", "other")), ({"button": "Create account"}, ()), ({"password": "new-password"}, ())],
    ids=["odd", "registration", "new password"],
)
async def test_what_a_model_has_shown_is_judged_again(
    page: Page, changes: dict[str, str], kinds: tuple[str, ...]
) -> None:
    """Neither a page that reads as something never filled is taken for a login, nor one that became a bait."""
    body = _ODD.replace("Aboard", changes.get("button", "Aboard")).replace(
        'type="password"', f'type="password" autocomplete="{changes.get("password", "off")}"'
    )
    readings: tuple[Kind, ...] = ("login", "other", "signup", "change", "reset", "await_link", "signed_in")
    async with serve({"/": body}) as site:
        await page.goto(site.url)
        reading = replace(await detect(page), confidence=0.6)
        book = RecipeBook([Recipe(site.url, "/", reading.signature, "login", _ROLES, "model")])
        replayed = {kind: await book.recall(page, replace(reading, kind=kind), (site.url,)) for kind in readings}
        assert tuple(kind for kind, found in replayed.items() if found is not None) == kinds
        elsewhere = await book.recall(page, replace(reading, kind="login"), ("https://other.example",))
        assert elsewhere is None


async def test_a_stored_recipe_is_the_one_that_was_learned(page: Page, database_url: str) -> None:
    async with serve({"/": LOGIN, "/login": check_password, "/home": protected}) as site:
        _, driver = await sign_in(page, site, RecipeBook())
        async with await Database.open(database_url, application_name="seezar-test") as database:
            stored = Recipes(database)
            await stored.learn(driver.recipes.learned)
            known = await stored.of((site.url,))
        assert known == driver.recipes.learned
        await page.context.clear_cookies()
        _, again = await sign_in(page, site, RecipeBook(known))
        assert again.recipes.used
