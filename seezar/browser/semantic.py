"""Pages that need understanding: Stagehand's observe, act and extract with our models, in a Chromium of its own.

Stagehand 4 runs as an extension of the browser, acts only in the default context of a browser, and needs its DevTools
port. So it gets a persistent context of its own for the one identity it works for, seeded with the stored session and
gone afterwards; the port listens on loopback and takes connections of the extension only.
"""

import asyncio
import hashlib
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self, TypeVar, cast

from playwright.async_api import BrowserContext, Error, Locator, Page, Playwright, async_playwright
from pydantic import BaseModel, ValidationError

from seezar.accounts.records import SessionState
from seezar.browser.launching import ARGUMENTS, Launcher
from seezar.browser.risks import NotAgreed, risk_of
from seezar.browser.shadow import OPEN_SHADOW_ROOTS
from seezar.browser.stagehand_model import Spend, StagehandModel
from seezar.browser.state import restore_session_storage
from seezar.browser.way_out import WayOut, show_credentials
from seezar.egress import EgressPolicy
from seezar.errors import InvalidInput, OriginNotAllowed, SeezarError
from seezar.models.router import ModelRouter
from seezar.redaction import Redactor
from seezar.settings import Settings
from seezar.telemetry.spans import traced
from seezar.vault.origins import origin_of

# Stagehand waits for ever where its extension has died.
_CALL_S: Final = 120.0
_START_S: Final = 60.0
# What may be done to a page. Others (drag and drop, uploads) have more effects than one sentence says.
_METHODS: Final = frozenset(
    {
        "click",
        "fill",
        "type",
        "press",
        "hover",
        "doubleClick",
        "selectOptionFromDropdown",
        "scrollTo",
        "nextChunk",
        "prevChunk",
    }
)
_HIDES_ITS_TEXT: Final = """element => element.type === 'password' ||
  !['', 'none', undefined].includes(getComputedStyle(element).webkitTextSecurity)"""

Schema = TypeVar("Schema", bound=BaseModel)


class PageNotUnderstood(SeezarError):
    """No model could be asked, or none found on the page what was asked for."""

    status = "page_not_understood"


@dataclass(frozen=True)
class Proposal:
    """What could be done on a page: `method` on the element at `selector` (an XPath), with `arguments`."""

    selector: str
    description: str
    method: str
    arguments: tuple[str, ...] = ()


class Extraction(BaseModel):
    """The answer to a question about a page."""

    answer: str


class SemanticBrowser:
    """A Chromium with Stagehand for one identity; started when entered, gone when left.

    Args:
        settings: which Chromium.
        router: answers Stagehand's questions.
        redact: replaces what must not leave.
        origins: where the browser may be when a model is asked or something is done.
        way_out: the proxy that it goes out through.
        policy: what its pages may reach.
        spend: takes one model call from a budget; False when there is none left.
        state: the session to start from.
        group: of the model pool.
    """

    def __init__(
        self,
        settings: Settings,
        router: ModelRouter,
        redact: Redactor,
        origins: Sequence[str],
        *,
        way_out: WayOut,
        policy: EgressPolicy,
        spend: Spend,
        state: SessionState | None = None,
        group: str = "smart",
    ) -> None:
        self._settings = settings
        self._launcher = Launcher(settings)
        self._router = router
        self._redact = redact
        self._origins = tuple(origins)
        self._model = StagehandModel(router, redact, spend, group=group)
        self._way_out = way_out
        self._policy = policy
        self._state = state
        self._playwright: Playwright | None = None
        self._profile: tempfile.TemporaryDirectory[str] | None = None
        self._context: BrowserContext | None = None
        self._browser: Any = None
        self._stagehand: Any = None

    async def __aenter__(self) -> Self:
        if self._router.pool.is_offline:
            raise PageNotUnderstood(
                "No model is configured, and the built-in rules cannot read pages.",
                kept="No browser was started.",
                next_step="Add a provider key (litellm_config.yaml lists them).",
            )
        try:
            await asyncio.wait_for(self._start(), _START_S)
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def page(self) -> Page:
        """The page, for what needs no model: loading, reading, looking."""
        assert self._context is not None, "the browser is not started"
        return self._context.pages[-1]

    @property
    def context(self) -> BrowserContext:
        """The context, whose state can be captured."""
        assert self._context is not None, "the browser is not started"
        return self._context

    @traced("browser.observe")
    async def observe(self, instruction: str, *, variables: Mapping[str, str] | None = None) -> list[Proposal]:
        """What could be done on the page for `instruction`, the best first; nothing is done.

        Args:
            variables: values by name, for an instruction that says %name%. No model sees a value.

        Raises:
            PageNotUnderstood: no answer.
            OriginNotAllowed: the page is elsewhere.
        """
        self._model.begin(variables or {})
        found = await self._call(self._stagehand.observe(instruction, variables=dict(variables or {}) or None))
        return [
            Proposal(
                action.selector, self._redact(action.description), action.method or "", tuple(action.arguments or ())
            )
            for action in found.data
        ]

    @traced("browser.act")
    async def act(
        self,
        instruction: str,
        *,
        variables: Mapping[str, str] | None = None,
        agreed: str = "",
        before: Callable[[Proposal], Awaitable[None]] | None = None,
    ) -> Proposal:
        """Do the one thing on the page that `instruction` asks for; returns what was done.

        Args:
            variables: as of `observe`.
            agreed: what a person has said may be done, as `NotAgreed` told it.
            before: awaited with what was chosen, right before it is done. When this raises after that, it may have been
                done all the same.

        Raises:
            PageNotUnderstood: nothing on the page fits, or what fits is not done: a password is never typed here.
            NotAgreed: it is more than looking and filling in, and nobody has said that this may be done.
            OriginNotAllowed: the page is elsewhere.
        """
        proposals = await self.observe(instruction, variables=variables)
        if not proposals:
            raise _not_found(instruction)
        chosen = proposals[0]
        await self._refuse_unfit(chosen)
        try:
            risk = await risk_of(
                self.page.locator(chosen.selector).first, chosen.method, chosen.arguments, self._origins
            )
        except Error:
            raise _gone() from None
        if risk is not None and self._redact(risk) != agreed:
            raise NotAgreed(self._redact(risk), kept="Nothing was done.", next_step="Ask the person.")
        action = {
            "selector": chosen.selector,
            "description": chosen.description,
            "method": chosen.method,
            "arguments": list(chosen.arguments),
        }
        if before is not None:
            await before(chosen)
        done = await self._call(self._stagehand.act(action, variables=dict(variables or {}) or None))
        if not done.data.success:
            raise PageNotUnderstood("The element did not take the action.", next_step="Look at the page again.")
        return chosen

    @traced("browser.extract")
    async def extract(self, instruction: str, schema: type[Schema] = Extraction) -> Schema:
        """What the page says about `instruction`, in the shape of `schema`.

        Raises:
            PageNotUnderstood: no answer, or none of that shape.
            OriginNotAllowed: the page is elsewhere.
        """
        self._model.begin({})
        try:
            return cast("Schema", (await self._call(self._stagehand.extract(instruction, schema))).data)
        except ValidationError:
            raise PageNotUnderstood("The model's answer does not have the shape that was asked for.") from None

    async def close(self) -> None:
        """End the browser; nothing of its profile stays."""
        for end in (self._stagehand, self._browser, self._context):
            if end is not None:
                # Gone already is what was wanted; which of its many errors says so does not matter.
                with suppress(Exception):
                    await asyncio.wait_for(end.close(), _CALL_S / 10)
        if self._context is not None:
            await self._way_out.release(self._context)
        if self._playwright is not None:
            with suppress(Error):
                await self._playwright.stop()
        if self._profile is not None:
            await asyncio.to_thread(self._profile.cleanup)
        self._stagehand = self._browser = self._context = self._playwright = self._profile = None

    async def _start(self) -> None:
        # Only here: it costs a second, and hardly any process ever needs it.
        from stagehand import Stagehand, local_browser
        from stagehand.extension_assets import extension_directory

        extension = str(extension_directory())
        self._profile = tempfile.TemporaryDirectory(prefix="seezar-semantic-", ignore_cleanup_errors=True)
        self._playwright = await async_playwright().start()
        server = await self._way_out.proxy.start()
        identity = self._way_out.proxy.new_identity()
        self._context = await self._playwright.chromium.launch_persistent_context(
            self._profile.name,
            executable_path=self._launcher.executable(self._playwright),
            headless=self._settings.headless,
            proxy={"server": server},
            chromium_sandbox=self._launcher.sandboxed,
            accept_downloads=False,
            args=[
                *ARGUMENTS,
                "--remote-debugging-port=0",
                f"--remote-allow-origins={_extension_origin(extension)}",
                f"--load-extension={extension}",
                f"--disable-extensions-except={extension}",
                "--enable-unsafe-extension-debugging",
            ],
            ignore_default_args=["--disable-extensions"],
        )
        self._context.set_default_timeout(self._settings.page_timeout * 1000)
        await self._context.add_init_script(OPEN_SHADOW_ROOTS)
        if self._state is not None:
            await self._context.set_storage_state(cast("Any", self._state.storage))
            await restore_session_storage(self._context, self._state)
        # Chromium writes the port it took into the first line.
        note = Path(self._profile.name) / "DevToolsActivePort"
        port = (await asyncio.to_thread(note.read_text)).split("\n", 1)[0]
        # Where the extension listens to its own browser.
        self._policy.add_origin(f"http://127.0.0.1:{int(port)}")
        await show_credentials(self._context.pages[0], identity)
        self._way_out.own(self._context, identity)
        self._way_out.bind(self._context, self._policy)
        self._browser = await local_browser.connect(cdp_url=f"http://127.0.0.1:{int(port)}")
        self._stagehand = await Stagehand.create(
            browser=self._browser, model=self._model, self_heal=False, logging={"level": "off"}
        )

    async def _call(self, call: Awaitable[Any]) -> Any:
        try:
            self._check_origin()
        except OriginNotAllowed:
            cast("Any", call).close()
            raise
        try:
            return await asyncio.wait_for(call, _CALL_S)
        except (SeezarError, ValidationError):
            raise
        except Exception as error:  # noqa: BLE001 - it raises what its transport, its protocol and its validation raise
            # What Stagehand says may quote the page or the prompt.
            why = self._model.trouble or f"Stagehand failed ({type(error).__name__})"
            raise PageNotUnderstood(f"Nothing was done on the page: {why}.", kept="The session is unchanged.") from None

    def _check_origin(self) -> None:
        try:
            origin = origin_of(self.page.url)
        except InvalidInput:
            origin = "the page"
        if origin not in self._origins:
            raise OriginNotAllowed(
                f"{origin} is not registered for this account.",
                kept="Nothing was asked or done there.",
                next_step="Open a page of the site, or register the origin with --origin.",
            )

    async def _refuse_unfit(self, chosen: Proposal) -> None:
        if chosen.method not in _METHODS:
            raise PageNotUnderstood(f"What fits is a {chosen.method or 'wish'} that is not done here.")
        try:
            if chosen.method in ("fill", "type"):
                await refuse_secret(self.page.locator(chosen.selector).first)
        except Error:
            raise _gone() from None


async def refuse_secret(field: Locator) -> None:
    """Make sure that a field does not hide what is typed into it.

    Raises:
        PageNotUnderstood: it does.
        playwright.async_api.Error: it is gone.
    """
    if await field.evaluate(_HIDES_ITS_TEXT, timeout=5_000):
        raise PageNotUnderstood(
            "A password is never typed here, on whoever's word.",
            next_step="Use the sign-in, which checks where it types.",
        )


def _gone() -> PageNotUnderstood:
    return PageNotUnderstood("The element that was named is not on the page any more.")


def _not_found(instruction: str) -> PageNotUnderstood:
    return PageNotUnderstood(
        f"Nothing on the page fits “{instruction[:100]}”.",
        kept="Nothing was done.",
        next_step="Open the page where it can be done, and say what it is called there.",
    )


def _extension_origin(folder: str) -> str:
    """The origin of an unpacked extension without a key: Chromium takes its id from the hash of its path (crx_file's
    `id_util::GenerateIdForPath`: the first 16 bytes of SHA-256, written with the letters a to p).
    """
    digest = hashlib.sha256(folder.encode()).hexdigest()[:32]
    return "chrome-extension://" + "".join(chr(ord("a") + int(digit, 16)) for digit in digest)
