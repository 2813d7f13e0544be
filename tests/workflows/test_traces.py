"""One trace through everything: from the command through the queue into the worker, and through its death."""

import asyncio
import json
import os
import re
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence

import psycopg
import pytest
import pytest_asyncio

from playground.collector import Collector, Received, Reception, tree
from playground.world import DEMO_ACCOUNTS
from tests.workflows.test_crash import wait_for_checkpoint
from tests.world import World, make_world
from workflows.ground import worker_environment
from workflows.registry import live_workers

pytestmark = pytest.mark.asyncio(loop_scope="module")

_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with Collector() as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(postgres: str, collector: Collector) -> AsyncIterator[World]:
    with pytest.MonkeyPatch.context() as patch:
        # Workers have it from whoever starts them.
        patch.setenv(_ENDPOINT, collector.url)
        async with make_world(postgres) as made:
            yield made


async def seezar(world: World, *words: str) -> Process:
    """A command in a process of its own, as a person starts it."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "service.cli", *words, env=worker_environment(world.settings), stdout=PIPE, stderr=PIPE
    )


async def done(process: Process) -> dict[str, object]:
    output, errors = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode == 0, errors.decode()
    return json.loads(output)


def of_run(spans: Sequence[Received], run_id: str) -> list[Received]:
    """All spans of the trace that a run belongs to."""
    trace = next(span.trace for span in spans if span.attributes.get("seezar.run.id") == run_id)
    return [span for span in spans if span.trace == trace]


async def received(collector: Collector, run_id: str) -> list[Received]:
    """The trace of a run, once the command and the last step of its workflow have told theirs."""

    def whole(spans: Sequence[Received]) -> bool:
        names = [span.name for span in spans if span.attributes.get("seezar.run.id") == run_id]
        return "sign_in" in names and "finish" in names and any(span.name == "seezar sign_in" for span in spans)

    return of_run(await asyncio.to_thread(collector.wait, whole), run_id)


def secrets(world: World) -> list[str]:
    """Every password and key of the world, and every code and link that its sites have mailed."""
    known = [value for demo in DEMO_ACCOUNTS for value in (demo.password, demo.totp_secret) if value]
    bodies = [body.get_content() for mail in world.mailer.sent if (body := mail.get_body()) is not None]
    return known + [code for body in bodies for code in re.findall(r"\b\d{6}\b", body)]


async def test_a_sign_in_is_one_trace(world: World, collector: Collector) -> None:
    result = await done(await seezar(world, "sign-in", "demo-mail", "--fresh", "--json"))
    assert result["status"] == "signed_in"
    run_id = str(result["run_id"])
    spans = await received(collector, run_id)
    drawn = [(depth, span.name, span.resource["seezar.role"]) for depth, span in tree(spans)]
    assert drawn[:3] == [(0, "seezar sign_in", "cli"), (1, "queue sign_in", "cli"), (2, "sign_in", "worker")]
    below = [(depth, name) for depth, name, _ in drawn[3:]]
    steps = [name for depth, name in below if depth == 3]
    assert steps[0] == "begin"
    assert {"open_and_submit", "answer_mail", "finish"} <= set(steps)
    actions = {name for depth, name in below if depth > 3}
    assert {"browser.open", "browser.read", "browser.submit", "browser.fill", "browser.verify"} <= actions
    assert "session.store" in actions
    # Nothing hangs in the air.
    assert [name for depth, name, _ in drawn if depth == 0] == ["seezar sign_in"]
    worker = [span for span in spans if span.resource["seezar.role"] == "worker"]
    assert {span.attributes["seezar.run.id"] for span in worker} == {run_id}
    assert {span.attributes["seezar.account"] for span in worker} == {"demo-mail"}

    shown = await done(await seezar(world, "runs", "show", run_id, "--json"))
    assert shown["trace_id"] == spans[0].trace
    listed = await done(await seezar(world, "runs", "list", "--trace", spans[0].trace, "--json"))
    assert [run["id"] for run in listed["runs"]] == [run_id]  # pyright: ignore[reportGeneralTypeIssues] - JSON


async def test_no_secret_is_in_any_export(world: World, collector: Collector) -> None:
    for account in ("demo-mail", "demo-totp", "demo-password"):
        result = await done(await seezar(world, "sign-in", account, "--fresh", "--json"))
        await received(collector, str(result["run_id"]))
    sent = b"".join(collector.bodies)
    known = secrets(world)
    assert len(known) >= 5, "no code was mailed"
    assert [secret for secret in known if secret.encode() in sent] == []


async def test_a_run_whose_worker_died_goes_on_in_its_trace(world: World, collector: Collector) -> None:
    world.mailer.hold = True
    process = await seezar(world, "sign-in", "demo-mail", "--fresh", "--json")
    run = await until(lambda: world.application.runs.open_sign_in("demo-mail"))
    await wait_for_checkpoint(world, run.id)
    # What it has done is told, before it dies.
    await asyncio.to_thread(
        collector.wait, lambda spans: any(s.name == "open_and_submit" for s in of_run(spans, run.id))
    )
    world.kill_worker()
    # The command waits for the run, and starts the next worker; without one, nobody takes the mail.
    await until(lambda: takes_mail(world))
    await world.mailer.release()
    assert (await done(process))["status"] == "signed_in"
    spans = await received(collector, run.id)
    assert len({span.trace for span in spans}) == 1
    lost, again = (span for span in spans if span.name == "sign_in")
    assert lost.attributes["seezar.lost"] is True
    assert lost.error == "Its worker died; the next one has taken it up."
    assert (lost.trace, lost.id) in again.links
    assert lost.parent == again.parent
    # The steps of the dead worker hang below the span that it never told; the second is the record of the first.
    did, replayed = (span for span in spans if span.name == "open_and_submit")
    assert (did.parent, replayed.parent) == (lost.id, again.id)
    assert any(span.parent == did.id for span in spans)
    assert not any(span.parent == replayed.id for span in spans)
    assert next(span for span in spans if span.name == "answer_mail").parent == again.id


async def test_who_waits_for_a_run_of_another_trace_is_linked_to_it(world: World, collector: Collector) -> None:
    world.mailer.hold = True
    first = await seezar(world, "sign-in", "demo-mail", "--fresh", "--json")
    run = await until(lambda: world.application.runs.open_sign_in("demo-mail"))
    second = await seezar(world, "sign-in", "demo-mail", "--fresh", "--json")
    await until(lambda: two_wait(world))
    await world.mailer.release()
    results = [await done(first), await done(second)]
    assert {result["run_id"] for result in results} == {run.id}
    spans = await received(collector, run.id)
    roots = [span for span in collector.spans if span.name == "seezar sign_in" and span.trace != spans[0].trace]
    assert (spans[0].trace, next(s.id for s in spans if s.name == "queue sign_in")) in [
        link for root in roots for link in root.links
    ]


async def until[T](look: Callable[[], Awaitable[T | None]], *, timeout: float = 60.0) -> T:
    """What `look` finds, once it finds something."""
    async with asyncio.timeout(timeout):
        while True:
            if found := await look():
                return found
            await asyncio.sleep(0.05)


async def takes_mail(world: World) -> bool | None:
    """Whether a worker is there that does."""
    return any(note.smtp_port for note in live_workers(world.settings))


async def two_wait(world: World) -> bool | None:
    """Whether two commands wait for a run at this moment."""
    async with await psycopg.AsyncConnection.connect(world.url) as connection:
        rows = await (
            await connection.execute("SELECT pid FROM pg_stat_activity WHERE query ~ '^LISTEN .*seezar_run'")
        ).fetchall()
    return len(rows) >= 2


@pytest.mark.parametrize("reception", [Reception.HANGS, Reception.REFUSES])
async def test_a_collector_that_does_not_work_is_no_reason_to_wait(
    world: World, collector: Collector, reception: Reception
) -> None:
    collector.reception = reception
    try:
        async with asyncio.timeout(60):
            result = await done(await seezar(world, "sign-in", "demo-totp", "--fresh", "--json"))
    finally:
        collector.reception = Reception.TAKES
    assert result["status"] == "signed_in"


async def test_without_a_target_a_run_has_no_trace(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(_ENDPOINT, raising=False)
    async with make_world(postgres) as plain:
        result = await plain.sign_in("demo-password")
        run = await plain.application.runs.get(str(result["run_id"]))
    assert (result["status"], run.trace_id) == ("signed_in", None)


async def test_without_a_target_a_worker_loads_nothing_of_opentelemetry() -> None:
    loads = """
import sys
import workflows.answer_sign_in, workflows.check_session, workflows.engine, workflows.open_page, workflows.semantic
import workflows.sign_in, workflows.sign_out, workflows.worker
from seezar.telemetry.setup import telemetry
print(telemetry.start("worker"), [name for name in sys.modules if name.startswith("opentelemetry")])
"""
    without = {name: value for name, value in os.environ.items() if name != _ENDPOINT}
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", loads, env=without, stdout=PIPE)
    output, _ = await asyncio.wait_for(process.communicate(), 60)
    assert output.decode().strip() == "False []"
