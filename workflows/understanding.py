"""The last reader of an extraction: what was learnt of pages like this one, and a model that points where nothing fits.

A model is asked once for each kind of page and run, in a browser of its own; what it read is thrown away once it has
shown where the rows stand.
"""

import asyncio

from playwright.async_api import Page

from seezar.accounts.records import Account, SessionState
from seezar.browser.semantic import PageNotUnderstood, SemanticBrowser
from seezar.extraction.definitions import Definition
from seezar.extraction.learning import Selectors, learn, request_for, shape_of
from seezar.redaction import Redactor
from seezar.signin.address import template
from seezar.signin.network import NetworkWatch
from workflows.open_page import allowed, refuse_ours
from workflows.runtime import Runtime


class Understanding:
    """Of one run.

    Args:
        state: the session, which the model's browser has a copy of.
    """

    def __init__(
        self,
        runtime: Runtime,
        run_id: str,
        account: Account,
        definition: Definition,
        redact: Redactor,
        state: SessionState,
    ) -> None:
        self._app, self._pool = runtime.application, runtime.pool
        self._run_id = run_id
        self._account = account
        self._definition = definition
        self._redact = redact
        self._state = state
        # Several tabs come to pages of one kind at once; the first one asks.
        self._asking = asyncio.Lock()
        self._asked: set[str] = set()

    async def known(self, page: Page) -> Definition | None:
        """The definition as pages like this one were read before."""
        found = await self._app.extraction_recipes.find(self._definition.name, template(page.url))
        return None if found is None else found.applied(self._definition)

    async def failed(self, page: Page) -> None:
        """What was learnt does not hold any more."""
        await self._app.extraction_recipes.drop(self._definition.name, template(page.url))

    async def asked(self, page: Page, address: str) -> Definition | None:
        """The definition as a model has shown it can be read; None when none is configured, or none could show it.

        Args:
            address: that `page` was opened with.
        """
        path = template(page.url)
        if self._app.models.pool.is_offline or self._definition.download:
            return None
        async with self._asking:
            if path in self._asked:
                return await self.known(page)
            self._asked.add(path)
            await self._app.runs.event(self._run_id, "ask", "Asking a model where the rows of a page stand")
            try:
                selectors = await self._shown(address)
            except PageNotUnderstood as error:
                await self._app.runs.event(self._run_id, "ask", f"No model could show it: {error.what}")
                return None
            if selectors is None:
                await self._app.runs.event(
                    self._run_id, "ask", "What the model read does not stand on the page like that"
                )
                return None
            await self._app.extraction_recipes.learn(self._definition.name, path, selectors)
            return selectors.applied(self._definition)

    async def _shown(self, address: str) -> Selectors | None:
        app, settings = self._app, self._app.settings

        async def spend() -> bool:
            return await app.runs.spend_model_call(self._run_id, limit=settings.model_calls_per_sign_in)

        origins, way_out = self._account.origins, self._pool.way_out
        policy = self._pool.policy_of(self._account)
        async with SemanticBrowser(
            settings, app.models, self._redact, origins, way_out=way_out, policy=policy, spend=spend, state=self._state
        ) as browser:
            watch = NetworkWatch(browser.page, origins)
            refuse_ours(await browser.page.goto(allowed(address, self._account), wait_until="domcontentloaded"))
            await watch.quiet(settings.page_timeout)
            allowed(browser.page.url, self._account)
            fields = self._definition.fields
            answered = await browser.extract(request_for(self._definition), shape_of(fields))
            return await learn(browser.page, answered, fields)
