"""Doing one thing on a page without a model: by the name of an element, or by what a model has pointed out before."""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin

from playwright.async_api import Error, Locator, Page

from seezar.accounts.action_recipes import ActionRecipe
from seezar.accounts.records import Account
from seezar.browser.pointing import Wish, point, wish_of
from seezar.browser.risks import NotAgreed, risk_of
from seezar.browser.semantic import refuse_secret
from seezar.redaction import Redactor
from seezar.signin.address import template
from seezar.vault.origins import origin_of
from workflows.runtime import runtime

# What can be done again with what the words of the instruction say, and nothing else.
_LEARNED: Final = frozenset({"click", "doubleClick", "hover"})
# What an element is and says; where it says something else, it is another one.
_LOOKS: Final = """element => [
  element.tagName, element.getAttribute('type'), element.getAttribute('role'), element.getAttribute('name'),
  element.getAttribute('aria-label'), element.getAttribute('href'), (element.innerText || '').trim().slice(0, 200),
].join('\\n')"""


@dataclass(frozen=True)
class Target:
    """An element, and what is to be done to it.

    Attributes:
        by: `words` (its name) or `recipe`.
    """

    element: Locator
    method: str
    value: str
    by: str
    recipe: ActionRecipe | None = None


async def may_know(record: Account, instruction: str, url: str | None) -> bool:
    """Whether an instruction can perhaps be done without a model on the page `url`."""
    if wish_of(instruction) is not None:
        return True
    return await _recipe(urljoin(record.verify_url, url) if url else record.verify_url, instruction) is not None


async def target_of(page: Page, instruction: str, *, wish: Wish | None = None) -> Target | None:
    """What an instruction means on this page; None when only a model could tell.

    Args:
        wish: what it asks for, where that is known otherwise.
    """
    recipe = await _recipe(page.url, instruction)
    if recipe is not None:
        element = page.locator(recipe.selector)
        if await element.count() == 1 and await _looks(element) == recipe.element:
            return Target(element, recipe.method, "", "recipe", recipe)
        # The page is not what it was.
        await runtime().application.action_recipes.drop(recipe)
    wish = wish or wish_of(instruction)
    element = await point(page, wish) if wish is not None else None
    return Target(element, wish.method, wish.value, "words") if wish is not None and element is not None else None


async def do(
    target: Target,
    record: Account,
    redact: Redactor,
    agreed: str,
    before: Callable[[], Awaitable[None]],
    *,
    downloads: bool = False,
) -> None:
    """Do it.

    Args:
        agreed: what a person has said may be done.
        before: awaited right before it is done.
        downloads: that a link gives a file is what is wanted of it.

    Raises:
        NotAgreed: it is more than looking and filling in, and nobody has said that this may be done.
        PageNotUnderstood: a password would be typed.
        playwright.async_api.Error: the element does not take it.
    """
    arguments = (target.value,) if target.value else ()
    if target.method == "fill":
        await refuse_secret(target.element)
    risk = await risk_of(target.element, target.method, arguments, record.origins, downloads=downloads)
    if risk is not None and redact(risk) != agreed:
        raise NotAgreed(redact(risk), kept="Nothing was done.", next_step="Ask the person.")
    await before()
    element = target.element
    match target.method:
        case "fill":
            await element.fill(target.value)
        case "selectOptionFromDropdown":
            await element.select_option(label=target.value)
        case "check":
            await element.set_checked(True)
        case "uncheck":
            await element.set_checked(False)
        case "hover":
            await element.hover()
        case "doubleClick":
            await element.dblclick()
        case _:
            await element.click()


async def learnt(page: Page, instruction: str, selector: str, method: str) -> ActionRecipe | None:
    """What is to be remembered of an element that a model has pointed out, before anything is done to it.

    Returns:
        None when it could not be found or done again.
    """
    if method not in _LEARNED:
        return None
    element = page.locator(selector)
    try:
        if await element.count() != 1:
            return None
        looks = await _looks(element)
    except Error:
        return None
    return ActionRecipe(origin_of(page.url), template(page.url), instruction, selector, method, looks)


async def _recipe(url: str, instruction: str) -> ActionRecipe | None:
    return await runtime().application.action_recipes.find(origin_of(url), template(url), instruction)


async def _looks(element: Locator) -> bytes:
    return hashlib.sha256(str(await element.evaluate(_LOOKS, timeout=5_000)).encode()).digest()
