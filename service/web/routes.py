"""What of ADK's server we answer ourselves, and what we do not serve."""

import asyncio
import re
import threading
from typing import TYPE_CHECKING, Any

from seezar.errors import SeezarError
from service.web.page import LOGO

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.responses import JSONResponse

NAME = "seezar"
# ADK's agent builder writes Python that its server then imports, its test recorder runs commands, and its deployment
# calls a cloud: none of them belongs to an operator agent, and its server asks nobody who they are.
_BUILDING = re.compile(r"/dev/apps/[^/]+/(?:builder|tests|deploy)(?:/|$)")
# Pages about ADK's routes load their scripts from a foreign host.
_FOREIGN = ("/docs", "/redoc")


def serve_routes(app: "FastAPI", *, url: str, loaded: threading.Event, builder: bool) -> None:
    """Put our routes before those of ADK, and take out what is not served.

    Args:
        app: of ADK.
        url: of the database, which `/health` asks.
        loaded: is set once the agents are there.
        builder: serve the agent builder, the test recorder and the deployment as well.
    """
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    async def runtime_config(_: "Request") -> "JSONResponse":
        # The page asks whether it may send usage data to ADK's makers unless that has been answered; here it is no.
        config = {"backendUrl": "", "telemetry": False, "logo": {"text": NAME, "imageUrl": LOGO}}
        return JSONResponse(config, headers={"cache-control": "no-store"})

    async def consent(_: "Request") -> "JSONResponse":
        return JSONResponse({"telemetry": False})

    async def health(_: "Request") -> "JSONResponse":
        state = await _health(url, agents=loaded.is_set())
        return JSONResponse(state, status_code=200 if state["status"] == "ok" else 503)

    kept = [route for route in app.router.routes if builder or not _BUILDING.match(_path(route))]
    app.router.routes[:] = [
        Route("/dev-ui/assets/config/runtime-config.json", runtime_config),
        Route("/dev-ui/config", _logo),
        Route("/config/telemetry", consent, methods=["GET", "POST"]),
        Route("/health", health),
        *(route for route in kept if _path(route).partition("/oauth2")[0] not in _FOREIGN),
    ]


async def _logo(_: "Request") -> "JSONResponse":
    from starlette.responses import JSONResponse

    return JSONResponse({"logo_text": NAME, "logo_image_url": LOGO})


async def _health(url: str, *, agents: bool) -> dict[str, Any]:
    """`{"status", "database", "worker", "agents"}`."""
    from workflows.ground import worker_ready

    database = worker = False
    try:
        worker = await asyncio.to_thread(worker_ready, url)
        database = True
    except SeezarError:
        pass
    well = database and worker and agents
    return {"status": "ok" if well else "unavailable", "database": database, "worker": worker, "agents": agents}


def _path(route: Any) -> str:
    return getattr(route, "path", "")
