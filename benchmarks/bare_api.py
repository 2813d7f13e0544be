"""A FastAPI route with one query: no tokens, no checks. `python -m benchmarks.bare_api URL PORT`."""

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool


def build(url: str) -> FastAPI:
    """The application over the database at `url`."""
    pool: AsyncConnectionPool[Any] = AsyncConnectionPool(
        url, min_size=1, max_size=8, open=False, kwargs={"row_factory": dict_row, "autocommit": True}
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        async with pool:
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/runs/{run_id}")
    async def run(run_id: str) -> dict[str, Any]:
        async with pool.connection() as connection:
            row = await (await connection.execute("SELECT * FROM app.run WHERE id = %s", (run_id,))).fetchone()
        return row or {}

    return app


if __name__ == "__main__":
    uvicorn.run(build(sys.argv[1]), port=int(sys.argv[2]), log_level="critical", access_log=False)
