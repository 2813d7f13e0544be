"""What a browser context remembers: taking it out, and starting a new context from it."""

import json
from typing import Any

from playwright.async_api import BrowserContext, Error, Page

from seezar.accounts.records import SessionState

# sessionStorage is per tab and not part of Playwright's storage_state. It is put back into the first page of the
# context only (`restored` marks the tab), and only on the origin it came from.
_RESTORE = """
(() => {
  const all = %s;
  const mine = all[location.origin];
  if (!mine || window.top !== window || sessionStorage.getItem('__seezar_restored')) return;
  for (const [key, value] of Object.entries(mine)) sessionStorage.setItem(key, value);
  sessionStorage.setItem('__seezar_restored', '1');
})();
"""
_CAPTURE = """() => ({
  origin: location.origin,
  agent: navigator.userAgent,
  items: Object.fromEntries(Object.entries(sessionStorage)),
})"""


async def capture(context: BrowserContext, page: Page) -> SessionState:
    """Cookies, localStorage and IndexedDB of the context, and sessionStorage of `page`. Secret.

    Raises:
        playwright.async_api.Error: the browser is gone.
    """
    storage: dict[str, Any] = dict(await context.storage_state(indexed_db=True))
    session_storage: dict[str, dict[str, str]] = {}
    try:
        got: dict[str, Any] = await page.evaluate(_CAPTURE)
    except Error:
        # A sandboxed or opaque page has no sessionStorage; there is nothing to keep then.
        got = {"agent": "", "items": {}}
    if got["items"]:
        items = {key: value for key, value in got["items"].items() if key != "__seezar_restored"}
        if items:
            session_storage[got["origin"]] = items
    return SessionState(storage=storage, session_storage=session_storage, user_agent=got["agent"])


async def restore_session_storage(context: BrowserContext, state: SessionState) -> None:
    """Make the first page of `context` start with the stored sessionStorage."""
    if state.session_storage:
        await context.add_init_script(_RESTORE % json.dumps(state.session_storage))
