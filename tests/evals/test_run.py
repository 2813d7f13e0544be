"""The evals tell right from wrong, and the offline set expects what the playground shows."""

import json
import shutil
from io import StringIO
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from rich.console import Console

from evals.run import ROOT, failures, langfuse_report, offline_sets, run_reported, run_set
from playground.data import DASHBOARDS
from playground.langfuse import LangfuseServer
from seezar.models.rules.grammar import parse
from seezar.settings import Settings
from tests.world import make_world

HERE = Path(__file__).parent


WRONG = {"wrong_number", "wrong_tool", "unexpected_sign_in"}


@pytest.fixture
def wrong_set(tmp_path: Path) -> Path:
    folder = tmp_path / "coordinator"
    folder.mkdir()
    shutil.copy(HERE / "wrong.evalset.json", folder)
    shutil.copy(ROOT / "evals" / "coordinator" / "test_config.json", folder)
    (tmp_path / "pool.yaml").write_text("model_list: []\n")
    return folder / "wrong.evalset.json"


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.timeout(600)  # ADK's evaluation imports for half a minute on a busy machine
async def test_a_wrong_expectation_fails_and_only_that(postgres: str, tmp_path: Path, wrong_set: Path) -> None:
    async with make_world(postgres, page_timeout=60.0, litellm_config=tmp_path / "pool.yaml") as world:
        outcome = await run_set(wrong_set, world.settings)
    assert {case.eval_id for case in outcome.failed} == WRONG, outcome.output
    assert [case.eval_id for case in outcome.cases] == ["right", "wrong_number", "wrong_tool", "unexpected_sign_in"]
    assert not outcome.good
    shown = failures(outcome)
    assert all(f"Eval Id: {name}\n" in shown for name in WRONG)
    assert "Eval Id: right\n" not in shown
    assert all(case.trace_id is None for case in outcome.cases), "traced without a target"


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_a_run_is_an_experiment_in_langfuse_and_its_scores_hang_on_its_traces(
    postgres: str, tmp_path: Path, wrong_set: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with LangfuseServer() as langfuse:
        for name, value in langfuse.environment.items():
            monkeypatch.setenv(name, value)
        console = Console(file=StringIO())
        report = langfuse_report(console)
        assert report is not None
        async with make_world(postgres, page_timeout=60.0, litellm_config=tmp_path / "pool.yaml") as world:
            outcome = await run_reported(wrong_set, world.settings, report)
    state = langfuse.state
    assert {case.eval_id for case in outcome.failed} == WRONG, outcome.output
    assert console.file.getvalue() == ""  # pyright: ignore[reportAttributeAccessIssue] - it is the StringIO from above
    assert [item["datasetName"] for item in state.items.values()] == ["seezar/coordinator/wrong"] * 4

    spans = [
        (span, {one.key: one.value.string_value for one in span.attributes})
        for body in state.traces
        for sent in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in sent.scope_spans
        for span in scope.spans
    ]
    (dataset,) = state.datasets.values()
    for case in outcome.cases:
        mine = [(span, told) for span, told in spans if span.trace_id.hex() == case.trace_id]
        (first,) = [told for span, told in mine if span.span_id.hex() == case.span_id]
        assert first["langfuse.observation.input"] == json.dumps(
            state.items[first["langfuse.experiment.item.id"]]["input"]
        )
        assert "finish_task" in first["langfuse.observation.output"] or case.eval_id == "wrong_tool"
        assert first["langfuse.experiment.item.expected_output"]
        assert first["session.id"] == case.session_id
        # All that ADK and the instrumentation recorded of the conversation is of this item.
        of_agents = [told for span, told in mine if span.name.startswith(("invocation", "agent_run", "call_llm"))]
        assert len(of_agents) >= 3
        for told in of_agents:
            assert told["langfuse.experiment.dataset.id"] == dataset["id"]
            assert told["langfuse.experiment.item.id"] == f"seezar.coordinator.wrong.{case.eval_id}"
            assert told["langfuse.experiment.item.root_observation_id"] == case.span_id
        scores = {one["name"]: one for one in state.scores.values() if one["traceId"] == case.trace_id}
        assert {"passed", "tools_in_order", "answer_says", "nothing_secret", "sessions_kept"} <= set(scores)
        assert scores["passed"]["value"] == float(case.eval_id not in WRONG)
        assert scores["answer_says"]["value"] == float(case.eval_id != "wrong_number")
        assert scores["passed"]["observationId"] == case.span_id
    assert len({told["langfuse.experiment.id"] for _, told in spans if "langfuse.experiment.id" in told}) == 1


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_a_set_that_cannot_be_read_is_not_run(tmp_path: Path) -> None:
    path = tmp_path / "coordinator" / "broken.evalset.json"
    path.parent.mkdir()
    path.write_text("{")

    outcome = await run_set(path, Settings(_env_file=None, home=tmp_path))  # pyright: ignore[reportCallIssue]
    assert (outcome.good, outcome.cases) == (False, ())
    assert failures(outcome) == outcome.output != ""


def test_the_numbers_that_are_expected_are_those_of_the_playground() -> None:
    expected = (ROOT / "evals" / "coordinator" / "offline.evalset.json").read_text(encoding="utf-8")
    for site in ("mail", "totp"):
        for row in DASHBOARDS[site].events:
            assert f"| {row.event} | {row.count:,} | {row.change_text} |" in expected


@pytest.mark.parametrize("path", offline_sets(), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_sets_are_well_formed(path: Path) -> None:
    cases = json.loads(path.read_text(encoding="utf-8"))["eval_cases"]
    assert len({case["eval_id"] for case in cases}) == len(cases)
    for case in cases:
        for turn in case["conversation"]:
            assert parse(turn["user_content"]["parts"][0]["text"]), case["eval_id"]
    folders = (ROOT / "agents" / path.parent.name, path.parent)
    assert any((folder / "agent.py").is_file() for folder in folders)
