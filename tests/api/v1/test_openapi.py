"""Every route answers as its OpenAPI description says, whatever is sent to it."""

import asyncio
import os

import psycopg
import pytest
from dbos import run_dbos_database_migrations

from benchmarks.fuzz_api import fuzz
from seezar.access import Scope
from seezar.accounts import NewAccount
from seezar.settings import Settings
from tests.api.v1.server import api_server
from workflows.engine import dbos_url

# `make fuzz-api` sends more.
_WANTED = int(os.environ.get("FUZZ_REQUESTS", "600"))


@pytest.mark.slow
@pytest.mark.timeout(300 + _WANTED)
async def test_answers_are_those_described(settings: Settings, database_url: str, postgres: str) -> None:
    # As a worker that was there before has left it: runs are queued, nobody takes them.
    engine = dbos_url(database_url)
    await asyncio.to_thread(run_dbos_database_migrations, engine)
    try:
        async with api_server(settings, database_url) as api:
            await api.application.accounts.add(NewAccount("ops", "https://a.example/login", "me"))
            await api.application.access.clients.add("ops", [Scope.RUNS_READ])
            box = await api.application.mail.create("ops")
            async with await api.client() as client:
                description = (await client.get("/openapi.json")).json()
                run = (await client.post("/v1/sign-ins", json={"account": "ops"})).json()
            known = {"name": "ops", "account": "ops", "run_id": run["id"], "address": box.address}
            token = await api.token()
            outcome = await asyncio.to_thread(fuzz, api.root, description, token, wanted=_WANTED, first=1, known=known)
    finally:
        with psycopg.connect(postgres, autocommit=True) as connection:
            name = engine.partition("?")[0].rpartition("/")[2]
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())
    print(f"figures: {outcome}")  # noqa: T201 - the figures of the long run
    assert not outcome.faults, "\n".join(outcome.faults.values())
    assert outcome.requests >= _WANTED * 0.9
    # They were not all refused alike: every route that exists was asked, and things were made, read and refused.
    assert len(outcome.routes) == sum(len(path) for path in description["paths"].values())
    assert {200, 201, 202, 204, 404, 422} <= set(outcome.statuses)
