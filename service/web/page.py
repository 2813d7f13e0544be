"""ADK Web's page under our name, and without anything from outside: its fonts come from here."""

import re
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import FastAPI

_STATIC = Path(__file__).parent / "static"
MOUNT = "/seezar-static"
LOGO = f"{MOUNT}/logo.svg"
# The fonts that the page asks for, by a part of their address, and ours in their place.
_OURS = {"/materialicons/": "material-icons.woff2", "/materialsymbolsoutlined/": "material-symbols-outlined.woff2"}
_SOURCE = re.compile(r"url\((https://fonts\.gstatic\.com/[^)]*)\)")
_OUTSIDE = re.compile(r"<link[^>]+https://fonts\.[^>]*>")
# A font of text has a fallback on every machine; its face is taken out, so that nobody asks for it.
_FACE = re.compile(r"@font-face\{[^}]*\}")
_TITLE = re.compile(r"<title>[^<]*</title>")
_ICON = re.compile(r'<link rel="icon"[^>]*>')


def page() -> str:
    """ADK Web's `index.html` with our name and local fonts.

    Raises:
        RuntimeError: this version of ADK has no such page.
    """
    spec = find_spec("google.adk.cli")
    index = Path(spec.origin).parent / "browser" / "index.html" if spec and spec.origin else None
    if index is None or not index.is_file():
        raise RuntimeError("this version of ADK has no page of ADK Web")
    html = _FACE.sub(lambda face: _local(face[0]), index.read_text(encoding="utf-8"))
    html = _TITLE.sub("<title>seezar</title>", _OUTSIDE.sub("", html), count=1)
    return _ICON.sub(f'<link rel="icon" type="image/svg+xml" href="{LOGO}">', html, count=1)


def serve_page(app: "FastAPI") -> None:
    """Let `app` answer with our page, fonts and logo, before ADK's own routes."""
    from starlette.responses import HTMLResponse
    from starlette.routing import Mount, Route
    from starlette.staticfiles import StaticFiles

    html = page()

    async def index(_: object) -> HTMLResponse:
        return HTMLResponse(html)

    for path in ("/dev-ui/", "/dev-ui/index.html"):
        app.router.routes.insert(0, Route(path, index))
    app.router.routes.insert(0, Mount(MOUNT, StaticFiles(directory=_STATIC)))


def _local(face: str) -> str:
    source = _SOURCE.search(face)
    if source is None:
        return face
    ours = next((name for part, name in _OURS.items() if part in source[1]), None)
    return "" if ours is None else _SOURCE.sub(f"url({MOUNT}/fonts/{ours})", face)
