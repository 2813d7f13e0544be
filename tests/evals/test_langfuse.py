"""Evals in Langfuse: sets are datasets, runs are experiments, results are scores; and none of it touches the evals."""

import asyncio
import json
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from evals import results
from evals.experiment import Experiment
from evals.langfuse import LangfuseReport, dataset_name
from evals.results import CaseResult, MetricResult
from evals.run import ROOT
from playground.langfuse import LangfuseServer, LangfuseState
from seezar.telemetry.targets import LangfuseProject, langfuse_project

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def case_of(eval_id: str, text: str = "hello", answer: str = "hi") -> dict[str, Any]:
    return {
        "eval_id": eval_id,
        "conversation": [
            {
                "user_content": {"role": "user", "parts": [{"text": text}]},
                "final_response": {"role": "model", "parts": [{"text": answer}]},
                "intermediate_data": {"tool_uses": [{"name": "sign_in", "args": {"account": "a"}}]},
            }
        ],
    }


def write_set(folder: Path, *cases: dict[str, Any]) -> Path:
    path = folder / "coordinator" / "offline.evalset.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"eval_set_id": "s", "name": "s", "description": "d", "eval_cases": cases}))
    return path


def result(eval_id: str = "one", *, passed: bool = True, trace_id: str | None = TRACE) -> CaseResult:
    status = "passed" if passed else "failed"
    metrics = (
        MetricResult("tools_in_order", float(passed), 1.0, status),
        MetricResult("token_usage_v1", 12.0, None, "informational"),
        MetricResult("not_computed", None, 1.0, "not_evaluated"),
    )
    return CaseResult(eval_id, status, metrics, "session", trace_id, SPAN if trace_id else None, "details")


def report_to(server: LangfuseServer, told: list[str]) -> LangfuseReport:
    project = langfuse_project(server.environment)
    assert project is not None
    return LangfuseReport(project, told.append)


async def begun(report: LangfuseReport, path: Path) -> Experiment:
    experiment = await asyncio.to_thread(report.begin, path)
    assert experiment is not None
    return experiment


async def test_a_set_is_a_dataset_and_the_second_time_the_same_one(tmp_path: Path) -> None:
    path = write_set(tmp_path, case_of("one"), case_of("two", text="password: hunter2secret"))
    told: list[str] = []
    async with LangfuseServer() as server:
        first = await begun(report_to(server, told), path)
        items = json.loads(json.dumps(server.state.items))
        second = await begun(report_to(server, told), path)
    assert told == []
    assert list(server.state.datasets) == ["seezar/coordinator/offline"] == [dataset_name(path)]
    assert first.dataset_id == second.dataset_id == server.state.datasets["seezar/coordinator/offline"]["id"]
    assert (
        first.items
        == second.items
        == {"one": "seezar.coordinator.offline.one", "two": "seezar.coordinator.offline.two"}
    )
    assert first.id != second.id, "two runs"
    assert list(items) == list(server.state.items) == list(first.items.values())
    one, two = server.state.items.values()
    assert one["input"] == ["hello"]
    assert one["expectedOutput"] == [{"answer": "hi", "tools": [{"name": "sign_in", "arguments": {"account": "a"}}]}]
    assert "hunter2secret" not in json.dumps(two)
    assert "«masked»" in two["input"][0]


async def test_a_case_that_left_the_set_is_archived_and_one_that_changed_is_changed(tmp_path: Path) -> None:
    # More than one page of items.
    cases = [case_of(f"case-{number}") for number in range(103)]
    told: list[str] = []
    async with LangfuseServer() as server:
        await begun(report_to(server, told), write_set(tmp_path, *cases))
        await begun(report_to(server, told), write_set(tmp_path, case_of("case-0", text="changed"), *cases[1:101]))
    states = {identity.rpartition(".")[2]: item for identity, item in server.state.items.items()}
    assert {name for name, item in states.items() if item["status"] == "ARCHIVED"} == {"case-101", "case-102"}
    assert states["case-0"]["input"] == ["changed"]
    assert told == []


async def test_every_metric_is_a_score_on_the_trace_of_its_case(tmp_path: Path) -> None:
    path, told = write_set(tmp_path, case_of("one")), list[str]()
    async with LangfuseServer() as server:
        report = report_to(server, told)
        experiment = await begun(report, path)
        for _ in range(2):
            await asyncio.to_thread(report.finish, experiment, [result(passed=False)])
    assert told == []
    scores = server.state.scores.values()
    shown = {score["name"]: (score["value"], score["dataType"], score["comment"]) for score in scores}
    assert shown == {
        "passed": (0.0, "BOOLEAN", "the whole case: failed"),
        "tools_in_order": (0.0, "NUMERIC", "failed; threshold 1"),
        "token_usage_v1": (12.0, "NUMERIC", "informational"),
    }
    assert len(server.state.scores) == 3, "told twice, they are the same scores"
    for score in scores:
        assert (score["traceId"], score["observationId"], score["environment"]) == (TRACE, SPAN, "sdk-experiment")
    assert ("POST", "/api/public/dataset-run-items") not in server.state.asked


async def test_before_version_4_the_run_is_linked_by_its_endpoint(tmp_path: Path) -> None:
    path, told = write_set(tmp_path, case_of("one")), list[str]()
    async with LangfuseServer(LangfuseState(version="3.120.0")) as server:
        report = report_to(server, told)
        experiment = await begun(report, path)
        await asyncio.to_thread(report.finish, experiment, [result()])
    assert told == []
    (link,) = server.state.run_items
    assert link["datasetRunName"] == experiment.name
    assert (link["datasetItemId"], link["traceId"], link["observationId"]) == (experiment.items["one"], TRACE, SPAN)
    assert " UTC, " in experiment.name
    assert (link["metadata"]["revision"] or "no revision") == experiment.name.partition(" UTC, ")[2]


async def test_cases_without_a_trace_are_told_once(tmp_path: Path) -> None:
    path, told = write_set(tmp_path, case_of("one")), list[str]()
    async with LangfuseServer() as server:
        report = report_to(server, told)
        experiment = await begun(report, path)
        for _ in range(2):
            await asyncio.to_thread(report.finish, experiment, [result(trace_id=None)])
    assert told == ["The evals were not traced, so Langfuse has no traces of them to score."]
    assert server.state.scores == {}


@pytest.mark.parametrize(("status", "reason"), [(401, "it refuses the keys"), (400, "it answered status 400")])
async def test_a_refusal_is_one_sentence_for_the_whole_run(tmp_path: Path, status: int, reason: str) -> None:
    path, told = write_set(tmp_path, case_of("one")), list[str]()
    async with LangfuseServer() as server:
        server.state.answers_with = status
        report = report_to(server, told)
        assert [await asyncio.to_thread(report.begin, path) for _ in range(2)] == [None, None]
        assert len(server.state.asked) == 1, "what is refused is not asked again"
    (sentence,) = told
    assert sentence == (
        f"Langfuse at {server.url} does not take the report of the evals: {reason}. "
        "They go on without it, with the same results."
    )


async def test_it_may_go_away_between_the_dataset_and_the_scores(tmp_path: Path) -> None:
    path, told = write_set(tmp_path, case_of("one")), list[str]()
    async with LangfuseServer() as server:
        report = report_to(server, told)
        experiment = await begun(report, path)
    await asyncio.to_thread(report.finish, experiment, [result()])
    assert [sentence.partition(": ")[2].partition(".")[0] for sentence in told] == ["it cannot be reached"]


async def test_one_that_hangs_costs_seconds(tmp_path: Path) -> None:
    path, told = write_set(tmp_path, case_of("one")), list[str]()
    async with LangfuseServer() as server:
        server.state.open.clear()
        began = time.monotonic()
        assert await asyncio.to_thread(report_to(server, told).begin, path) is None
    assert time.monotonic() - began < 10
    assert "it does not answer in time" in told[0]


async def test_something_else_at_the_address_is_told(tmp_path: Path) -> None:
    """A server that answers 200 to everything, with what is not Langfuse's."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = b'{"hello": 1}'
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b" % (len(body), body))
        await writer.drain()
        writer.close()

    path, told = write_set(tmp_path, case_of("one")), list[str]()
    other = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with other:
        url = f"http://127.0.0.1:{other.sockets[0].getsockname()[1]}"
        report = LangfuseReport(LangfuseProject(url, "pk", "sk-lf-secret"), told.append)
        assert await asyncio.to_thread(report.begin, path) is None
    assert "its answers are not those of Langfuse" in told[0]
    assert "sk-lf-secret" not in told[0]


def test_a_set_that_cannot_be_read_is_no_dataset(tmp_path: Path) -> None:
    told: list[str] = []
    path = tmp_path / "broken.evalset.json"
    path.write_text("{")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        report = LangfuseReport(LangfuseProject(f"http://127.0.0.1:{taken.getsockname()[1]}", "p", "s"), told.append)
        assert report.begin(path) is None
    assert told == []


def test_results_and_experiments_go_from_process_to_process(tmp_path: Path) -> None:
    written, cases = tmp_path / "results.json", [result(), result("two", passed=False, trace_id=None)]
    assert results.read(written) == []
    results.write(written, cases)
    assert results.read(written) == cases
    experiment = Experiment("id", "name", "dataset", {"one": "item"})
    assert Experiment.from_json(experiment.to_json()) == experiment


def test_without_keys_nothing_of_it_is_loaded() -> None:
    code = (
        "import sys, evals.run; from rich.console import Console; assert evals.run.langfuse_report(Console()) is None; "
        "loaded = {'langfuse', 'evals.langfuse', 'evals.experiment', 'opentelemetry.sdk'} & set(sys.modules); "
        "assert not loaded, loaded"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env={"PATH": "/usr/bin:/bin"}, check=True)
