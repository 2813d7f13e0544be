"""Look at labelled pages once and keep what the detector would see, so that training needs no browser.

    python -m benchmarks.detector.collect --out looks.jsonl --corpus PAGES.zip ... [--synthetic N] [--seed N]

A corpus is a zip with `labels.jsonl` (one page a line: `id`, `types`, `gt`) and `pages/ID.html`; its pages are not
part of
this project. Labels inside the pages are taken out before the detector looks.
"""

import argparse
import asyncio
import json
import os
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from threading import Thread
from typing import Any, Final

from playwright.async_api import Browser, Page, async_playwright

from benchmarks.detector.synthetic import synthetic_pages
from seezar.signin import scan

_SCRIPTS: Final = files("benchmarks.detector")


@dataclass
class LabelledPage:
    """A page with its labels. `marks` maps "field 3" or "button 2" of the main frame's look to [role, form type]
    pairs.
    """

    id: str
    source: str
    types: list[str]
    marks: dict[str, list[list[str]]] = field(default_factory=dict[str, list[list[str]]])
    look: dict[str, Any] = field(default_factory=dict[str, Any])
    ignore: list[str] = field(default_factory=list[str])


def corpus_pages(path: Path) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Label record and HTML of each page of a corpus."""
    with zipfile.ZipFile(path) as archive:
        for line in archive.read("labels.jsonl").decode().splitlines():
            record = json.loads(line)
            yield record, archive.read(f"pages/{record['id']}.html")


def serve(pages: dict[str, bytes]) -> tuple[ThreadingHTTPServer, str]:
    """Serve pages by id on a free loopback port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = pages.get(self.path.strip("/").split("?")[0])
            self.send_response(200 if body else 404)
            self.send_header("content-type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_port}"


async def look_at(page: Page, url: str, record: dict[str, Any], source: str) -> LabelledPage:
    """Load one page, take its labels out, look at it, and match the labels to the look."""
    await page.goto(url, wait_until="domcontentloaded", timeout=20_000)
    await page.evaluate(_SCRIPTS.joinpath("lift.js").read_text(encoding="utf-8"), record)
    raw = await page.evaluate(scan.script(), scan.arguments())
    look: dict[str, Any] = json.loads(raw) if isinstance(raw, str) else raw
    keys: list[str] = []
    paths: list[scan.Path] = []
    typed = scan.parse(look)
    for what, items in (("field", typed.fields), ("button", typed.buttons)):
        for i, item in enumerate(items):
            if item.path:
                keys.append(f"{what} {i}")
                paths.append(item.path)
    matched: list[list[list[str]]] = await page.evaluate(
        _SCRIPTS.joinpath("match.js").read_text(encoding="utf-8"), paths
    )
    marks = {key: hits for key, hits in zip(keys, matched, strict=True) if hits}
    return LabelledPage(str(record["id"]), source, list(record["types"]), marks, look, list(record.get("ignore", [])))


async def collect(browser: Browser, source: str, records: list[tuple[dict[str, Any], bytes]]) -> list[LabelledPage]:
    """Look at every page of one source. Pages load nothing but themselves."""
    server, base = serve({str(record["id"]): body for record, body in records})
    context = await browser.new_context(viewport={"width": 1280, "height": 1000})
    await context.route(
        "**/*",
        lambda r: r.continue_() if r.request.url.startswith(base) and r.request.is_navigation_request() else r.abort(),
    )
    page = await context.new_page()
    looks: list[LabelledPage] = []
    for record, _ in records:
        looks.append(await look_at(page, f"{base}/{record['id']}", record, source))
    await context.close()
    server.shutdown()
    return looks


def launch_options() -> dict[str, Any]:
    """A Chromium of this machine: $CHROMIUM, or one on the PATH, or Playwright's own."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    return {"executable_path": path, "args": ["--no-sandbox", "--disable-gpu"]}


async def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, nargs="*", default=[])
    parser.add_argument("--synthetic", type=int, default=600)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    sources = [(path.stem, list(corpus_pages(path))) for path in options.corpus]
    sources.append(("synthetic", list(synthetic_pages(options.synthetic, options.seed))))
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(**launch_options())
        with options.out.open("w", encoding="utf-8") as out:
            for source, records in sources:
                for looked in await collect(browser, source, records):
                    out.write(json.dumps(asdict(looked), ensure_ascii=False) + "\n")
        await browser.close()


if __name__ == "__main__":
    asyncio.run(_main())
