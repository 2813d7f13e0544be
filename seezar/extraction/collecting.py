"""Collecting from a page in the browser what may hold rows: its tables and lists, and the JSON that it was answered."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Error, Frame, Page, Response

from seezar.errors import InvalidInput
from seezar.extraction.fields import Field
from seezar.extraction.responses import MAX_BYTES, MAX_ROWS, sources_of
from seezar.extraction.tables import Source, of_page
from seezar.telemetry.spans import traced
from seezar.vault.origins import origin_of

_SOURCES = (Path(__file__).parent / "sources.js").read_text(encoding="utf-8")
LIMITS = {"rows": MAX_ROWS, "cells": 200_000, "text": 10_000}
"""What is taken of one page: rows of a source, cells of all, characters of a cell."""
_MAX_RESPONSES = 60
_BODY_S = 5.0


@dataclass(frozen=True)
class Collected:
    """What a page has.

    Attributes:
        url: its address.
        title: of the document.
        lang: what the page says its language is; empty when it does not.
        sources: of the page and of its frames, then of its responses.
        truncated: whether there was more than `LIMITS`, or than the page has drawn.
    """

    url: str
    title: str
    lang: str
    sources: tuple[Source, ...]
    truncated: bool


class Responses:
    """The JSON that a page is answered from now on.

    Args:
        origins: of the account; what others answer is not kept.
    """

    def __init__(self, page: Page, origins: Sequence[str]) -> None:
        self._page = page
        self._origins = frozenset(origins)
        self._heard: list[Response] = []
        page.on("response", self._hear)

    def forget(self) -> None:
        """Drop what was heard: another page is about to be opened."""
        self._heard.clear()

    def close(self) -> None:
        """Hear no more."""
        self._page.remove_listener("response", self._hear)

    def _hear(self, response: Response) -> None:
        if len(self._heard) >= _MAX_RESPONSES or response.status != 200:
            return
        media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type == "application/json" or media_type.endswith("+json"):
            with suppress(InvalidInput):
                if origin_of(response.url) in self._origins:
                    self._heard.append(response)

    async def sources(self) -> list[Source]:
        """What they hold in rows, in the order in which they came."""
        found: list[Source] = []
        for response in list(self._heard):
            # One that was cut off, or that the browser has thrown away by now.
            with suppress(Error, TimeoutError):
                length = response.headers.get("content-length", "")
                if length.isdigit() and int(length) > MAX_BYTES:
                    continue
                async with asyncio.timeout(_BODY_S):
                    body = await response.body()
                found += sources_of(body, _without_query(response.url))
        return found


@traced("browser.collect")
async def collect(
    page: Page, fields: Sequence[Field], *, rows: str = "", responses: Responses | None = None
) -> Collected:
    """What of `page` may hold rows of `fields`.

    Args:
        rows: CSS selector of the rows, for fields that have selectors of their own; empty when the page is one row.

    Raises:
        InvalidInput: a selector cannot be used.
        playwright.async_api.Error: the page is gone.
    """
    selectors = {field.name: field.select for field in fields if field.select}
    # Without a selector for each required field they would find half a row.
    chosen = selectors and all(field.select for field in fields if field.required)
    argument = {"limits": LIMITS, "select": {"rows": rows, "fields": selectors} if chosen else None}
    main = await _evaluate(page.main_frame, argument)
    sources, truncated = of_page(main), bool(main["truncated"])
    allowed = {origin_of(page.url)} if page.url.startswith("http") else set[str]()
    for frame in page.frames[1:]:
        # A frame that goes away, and one of somebody else, have nothing to say.
        with suppress(Error, InvalidInput):
            if frame.url in ("about:srcdoc", "about:blank") or origin_of(frame.url) in allowed:
                inner = await _evaluate(frame, argument)
                sources += of_page(inner)
                truncated = truncated or bool(inner["truncated"])
    if responses is not None:
        sources += await responses.sources()
    return Collected(_without_query(main["url"]), main["title"], main["lang"], tuple(sources), truncated)


async def _evaluate(frame: Frame, argument: dict[str, Any]) -> dict[str, Any]:
    try:
        return await frame.evaluate(_SOURCES, argument)
    except Error as error:
        if "is not a valid selector" in error.message:
            raise InvalidInput(
                "A selector of the extraction is no CSS selector.",
                kept="Nothing was read.",
                next_step="Correct `rows` or `x-select` and run it again.",
            ) from None
        raise


def _without_query(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"
