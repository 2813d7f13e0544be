"""ADK Web's page without anything from outside: its fonts come from here, so that it is whole without internet."""

import re
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import FastAPI

_FONTS = Path(__file__).parent / "static" / "fonts"
_MOUNT = "/seezar-fonts"
# The fonts that the page asks for, by a part of their address, and ours in their place.
_OURS = {"/materialicons/": "material-icons.woff2", "/materialsymbolsoutlined/": "material-symbols-outlined.woff2"}
_SOURCE = re.compile(r"url\((https://fonts\.gstatic\.com/[^)]*)\)")
_OUTSIDE = re.compile(r"<link[^>]+https://fonts\.[^>]*>")
# A font of text has a fallback on every machine; its face is taken out, so that nobody asks for it.
_FACE = re.compile(r"@font-face\{[^}]*\}")


def page() -> str:
    """ADK Web's `index.html` with local fonts.

    Raises:
        RuntimeError: this version of ADK has no such page.
    """
    spec = find_spec("google.adk.cli")
    index = Path(spec.origin).parent / "browser" / "index.html" if spec and spec.origin else None
    if index is None or not index.is_file():
        raise RuntimeError("this version of ADK has no page of ADK Web")
    html = _FACE.sub(lambda face: _local(face[0]), index.read_text(encoding="utf-8"))
    return _OUTSIDE.sub("", html)


def serve_page(app: "FastAPI") -> None:
    """Let `app` answer with our page and fonts, before ADK's own routes."""
    from starlette.responses import HTMLResponse
    from starlette.routing import Mount, Route
    from starlette.staticfiles import StaticFiles

    html = page()

    async def index(_: object) -> HTMLResponse:
        return HTMLResponse(html)

    for path in ("/dev-ui/", "/dev-ui/index.html"):
        app.router.routes.insert(0, Route(path, index))
    app.router.routes.insert(0, Mount(_MOUNT, StaticFiles(directory=_FONTS)))


def _local(face: str) -> str:
    source = _SOURCE.search(face)
    if source is None:
        return face
    ours = next((name for part, name in _OURS.items() if part in source[1]), None)
    return "" if ours is None else _SOURCE.sub(f"url({_MOUNT}/{ours})", face)
