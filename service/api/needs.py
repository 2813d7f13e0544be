"""What routes work with.

Coroutines, though they wait for nothing: FastAPI runs plain functions in threads, which costs more than all they do.
"""

from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from seezar.application import Application
from workflows.client import Client


async def application(request: Request) -> Application:
    """The stores."""
    return request.app.state.application


async def client(request: Request) -> Client:
    """Asks the workers."""
    return request.app.state.client


type App = Annotated[Application, Depends(application)]
type Workers = Annotated[Client, Depends(client)]
