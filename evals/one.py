"""`python -m evals.one SET RESULTS`: one eval set, in a process of its own.

Does with ADK's evaluation what `adk eval` does, and writes what came of each case to a file, with the trace in which it
is. Exit code 0 only if every case passed.
"""

import argparse
import asyncio
import contextlib
import importlib
import io
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from google.adk.apps import App
from google.adk.cli.cli_eval import pretty_print_eval_result
from google.adk.evaluation.base_eval_service import (
    EvaluateConfig,
    EvaluateRequest,
    InferenceConfig,
    InferenceRequest,
    InferenceResult,
)
from google.adk.evaluation.eval_config import get_eval_metrics_from_config, get_evaluation_criteria_or_default
from google.adk.evaluation.eval_metrics import EvalMetricResult
from google.adk.evaluation.eval_result import EvalCaseResult
from google.adk.evaluation.eval_set import EvalCase, EvalSet
from google.adk.evaluation.in_memory_eval_sets_manager import InMemoryEvalSetsManager
from google.adk.evaluation.local_eval_service import LocalEvalService
from google.adk.evaluation.local_eval_sets_manager import load_eval_set_from_file
from google.adk.evaluation.metric_evaluator_registry import register_custom_metrics_from_config

from agents import tracing
from evals import results
from evals.experiment import Experiment, first_span, outcome
from evals.results import CaseResult, MetricResult
from seezar.errors import SeezarError
from seezar.telemetry.rules import masked
from seezar.telemetry.setup import telemetry
from seezar.telemetry.spans import SESSION_ID, SPAN_KIND, spans

_CRITERIA = "test_config.json"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a case is in the traces; None where it is not recorded."""

    trace_id: str | None = None
    span_id: str | None = None


async def run(path: Path, experiment: Experiment | None) -> list[CaseResult]:
    """Hold the conversations of a set with the agent that its folder is named like, four at a time, and judge them.

    Args:
        path: the set; `test_config.json` beside it has the criteria.
        experiment: what it is in Langfuse.

    Raises:
        pydantic.ValidationError: the set or its criteria cannot be read.
    """
    eval_set = load_eval_set_from_file(str(path), str(path))
    config = get_evaluation_criteria_or_default(str(path.parent / _CRITERIA))
    agent = importlib.import_module(f"{_package(path)}.{path.parent.name}.agent")
    app: App = agent.app
    service = LocalEvalService(
        root_agent=agent.root_agent,
        eval_sets_manager=_in_memory(app.name, eval_set),
        metric_evaluator_registry=register_custom_metrics_from_config(config),
        app=app,
    )
    places: dict[str, _Place] = {}
    side_by_side = asyncio.Semaphore(InferenceConfig().parallelism)

    async def hold(case: EvalCase) -> InferenceResult:
        request = InferenceRequest(
            app_name=app.name,
            eval_set_id=eval_set.eval_set_id,
            eval_case_ids=[case.eval_id],
            inference_config=InferenceConfig(),
        )
        async with side_by_side, _traced(case, experiment) as (place, told):
            places[case.eval_id] = place
            (held,) = [held async for held in service.perform_inference(request)]
            told.append(held)
            return held

    held = await asyncio.gather(*(hold(case) for case in eval_set.eval_cases))
    judged = EvaluateRequest(
        inference_results=list(held), evaluate_config=EvaluateConfig(eval_metrics=get_eval_metrics_from_config(config))
    )
    by_id = {result.eval_id: result async for result in service.evaluate(judged)}
    errors = {one.eval_case_id: one.error_message for one in held}
    return [_case(by_id[case.eval_id], places[case.eval_id], errors[case.eval_id]) for case in eval_set.eval_cases]


def _package(path: Path) -> str:
    """Ours are in `agents`; one that only an evaluation has stands beside its set."""
    return "evals" if (path.parent / "agent.py").exists() else "agents"


def _in_memory(app_name: str, eval_set: EvalSet) -> InMemoryEvalSetsManager:
    manager = InMemoryEvalSetsManager()
    manager.create_eval_set(app_name=app_name, eval_set_id=eval_set.eval_set_id)
    for case in eval_set.eval_cases:
        manager.add_eval_case(app_name=app_name, eval_set_id=eval_set.eval_set_id, eval_case=case)
    return manager


@contextlib.asynccontextmanager
async def _traced(case: EvalCase, experiment: Experiment | None) -> AsyncIterator[tuple[_Place, list[InferenceResult]]]:
    """A span around a case, so that all its turns are one trace; what is put into the list is told by the span."""
    told: list[InferenceResult] = []
    with spans.span("eval case", {SPAN_KIND: "CHAIN", "seezar.eval.case": case.eval_id}) as span:
        if span is None or not span.is_recording():
            yield _Place(), told
            return
        context = span.get_span_context()
        place = _Place(f"{context.trace_id:032x}", f"{context.span_id:016x}")
        about = {} if experiment is None else experiment.about(case.eval_id, f"{context.span_id:016x}")
        span.set_attributes({**about, **first_span(case)})
        with spans.about(about):
            yield place, told
        for held in told:
            span.set_attributes({SESSION_ID: held.session_id or "", **outcome(held.inferences or [])})


def _case(judged: EvalCaseResult, place: _Place, error: str | None) -> CaseResult:
    details = io.StringIO()
    with contextlib.redirect_stdout(details):
        pretty_print_eval_result(judged)
        if error:
            print(f"The conversation ended with an error: {masked(error)}")
    return CaseResult(
        eval_id=judged.eval_id,
        status=judged.final_eval_status.name.lower(),
        metrics=tuple(_metric(result) for result in judged.overall_eval_metric_results),
        session_id=judged.session_id,
        trace_id=place.trace_id,
        span_id=place.span_id,
        details=details.getvalue().strip(),
    )


def _metric(result: EvalMetricResult) -> MetricResult:
    threshold = result.criterion.threshold if result.criterion else result.threshold
    return MetricResult(result.metric_name, result.score, threshold, result.eval_status.name.lower())


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line and run. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m evals.one", description=__doc__)
    parser.add_argument("set", type=Path, help="the eval set")
    parser.add_argument("results", type=Path, help="file to write what came of it to")
    parser.add_argument("--experiment", type=Experiment.from_json, help="what it is in Langfuse, as JSON")
    given = parser.parse_args(arguments)
    try:
        tracing.start()
        cases = asyncio.run(run(given.set, given.experiment))
    except SeezarError as error:
        print(error)
        return 2
    finally:
        telemetry.stop()
    results.write(given.results, cases)
    return 0 if cases and all(case.passed for case in cases) else 1


if __name__ == "__main__":
    sys.exit(main())
