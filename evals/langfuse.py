"""Eval sets as datasets of Langfuse, runs as experiments on them, and results as scores on the traces of the cases.

It brings Langfuse's own client and is imported when Langfuse's keys are set. Whatever becomes of a report, the evals
are run and judged as without.
"""

import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from google.adk.evaluation.eval_set import EvalSet
from google.adk.evaluation.local_eval_sets_manager import load_eval_set_from_file
from langfuse.api import DatasetStatus, LangfuseAPI, ScoreDataType
from langfuse.api.core import ApiError, RequestOptions

from evals.experiment import ENVIRONMENT, Experiment, expected, said
from evals.results import CaseResult, MetricResult
from seezar.telemetry.rules import masked
from seezar.telemetry.targets import LangfuseProject

# Of one request, and of all that are sent before or after a set.
_REQUEST_S = 5.0
_SET_S = 60.0
# The client waits as long as it is told to (Retry-After) before it tries again.
_OPTIONS = RequestOptions(max_retries=1)
# As many as Langfuse gives at once.
_PAGE = 100
# Until then a dataset run is made by an endpoint; since then by the attributes of spans (evals/experiment.py).
_RUNS_FROM_TRACES = 4
_WHOLE_CASE = "passed"


class LangfuseReport:
    """Tells one run of the evals to a project. The first thing that goes wrong is told and ends the report.

    Args:
        project: where to.
        tell: takes a sentence for people.
    """

    def __init__(self, project: LangfuseProject, tell: Callable[[str], None]) -> None:
        self._project = project
        self._tell = tell
        self._api = LangfuseAPI(
            base_url=project.base_url,
            username=project.public_key,
            password=project.secret_key,
            x_langfuse_public_key=project.public_key,
            timeout=_REQUEST_S,
        )
        self._revision = _revision()
        self._name = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC, {self._revision or 'no revision'}"
        self._links_runs = False
        self._until = 0.0
        self._ended = False

    def begin(self, path: Path) -> Experiment | None:
        """Make the dataset of a set, or bring it up to date.

        Returns:
            What its run is in Langfuse; None when Langfuse does not take it, or the set cannot be read.
        """
        try:
            eval_set = load_eval_set_from_file(str(path), str(path))
        except (OSError, ValueError, LookupError):
            # The set is told not to run by who runs it.
            return None
        begun: list[Experiment] = []
        self._try(lambda: begun.append(self._put_dataset(path, eval_set)))
        return begun[0] if begun else None

    def finish(self, experiment: Experiment, cases: Sequence[CaseResult]) -> None:
        """Score the traces of the cases, and link them to the run where Langfuse does not do it by itself."""
        recorded = [case for case in cases if case.trace_id]
        if recorded:
            self._try(lambda: self._score(experiment, recorded))
        elif cases:
            self._end("The evals were not traced, so Langfuse has no traces of them to score.")

    def _put_dataset(self, path: Path, eval_set: EvalSet) -> Experiment:
        self._links_runs = _generation(self._api.health.health(request_options=_OPTIONS).version) < _RUNS_FROM_TRACES
        name = dataset_name(path)
        dataset = self._api.datasets.create(
            name=name,
            description=masked(eval_set.description or ""),
            metadata={"agent": path.parent.name},
            request_options=_OPTIONS,
        )
        # They are unique in the project, not in the dataset.
        items = {case.eval_id: f"{name.replace('/', '.')}.{case.eval_id}" for case in eval_set.eval_cases}
        for case in eval_set.eval_cases:
            self._in_time()
            self._api.dataset_items.create(
                dataset_name=name,
                id=items[case.eval_id],
                input=_masked(said(case)),
                expected_output=_masked(expected(case)),
                metadata={"eval_id": case.eval_id},
                status=DatasetStatus.ACTIVE,
                request_options=_OPTIONS,
            )
        for gone in self._active_items(name) - set(items.values()):
            self._in_time()
            self._api.dataset_items.create(
                dataset_name=name, id=gone, status=DatasetStatus.ARCHIVED, request_options=_OPTIONS
            )
        return Experiment(uuid4().hex[:16], self._name, dataset.id, items)

    def _active_items(self, name: str) -> set[str]:
        found: set[str] = set()
        page, pages = 1, 1
        while page <= pages:
            self._in_time()
            listed = self._api.dataset_items.list(dataset_name=name, page=page, limit=_PAGE, request_options=_OPTIONS)
            found |= {item.id for item in listed.data if item.status is DatasetStatus.ACTIVE}
            page, pages = page + 1, listed.meta.total_pages
        return found

    def _score(self, experiment: Experiment, cases: Sequence[CaseResult]) -> None:
        for case in cases:
            if self._links_runs:
                self._in_time()
                self._api.dataset_run_items.create(
                    run_name=experiment.name,
                    dataset_item_id=experiment.items[case.eval_id],
                    trace_id=case.trace_id,
                    observation_id=case.span_id,
                    metadata={"revision": self._revision, "seezar": version("seezar")},
                    request_options=_OPTIONS,
                )
            for name, value, kind, comment in _scores(case):
                self._in_time()
                self._api.scores.create(
                    # Sent again, it is the same score.
                    id=f"{case.trace_id}-{name}",
                    trace_id=case.trace_id,
                    observation_id=case.span_id,
                    name=name,
                    value=value,
                    data_type=kind,
                    comment=comment,
                    environment=ENVIRONMENT,
                    request_options=_OPTIONS,
                )

    def _try(self, talk: Callable[[], None]) -> None:
        if self._ended:
            return
        self._until = time.monotonic() + _SET_S
        try:
            talk()
        except (ApiError, httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError) as error:
            self._end(
                f"Langfuse at {self._project.base_url} does not take the report of the evals: {_reason(error)}. "
                "They go on without it, with the same results."
            )

    def _end(self, sentence: str) -> None:
        if not self._ended:
            self._ended = True
            self._tell(sentence)

    def _in_time(self) -> None:
        if time.monotonic() > self._until:
            raise TimeoutError


def dataset_name(path: Path) -> str:
    """`seezar/<folder>/<file>` of an eval set."""
    return f"seezar/{path.parent.name}/{path.name.removesuffix('.json').removesuffix('.evalset')}"


def _scores(case: CaseResult) -> Iterator[tuple[str, float, ScoreDataType, str]]:
    yield _WHOLE_CASE, float(case.passed), ScoreDataType.BOOLEAN, f"the whole case: {case.status}"
    for metric in case.metrics:
        if metric.score is not None:
            yield metric.name, metric.score, ScoreDataType.NUMERIC, _comment(metric)


def _comment(metric: MetricResult) -> str:
    return metric.status if metric.threshold is None else f"{metric.status}; threshold {metric.threshold:g}"


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, dict):
        return {name: _masked(part) for name, part in value.items()}
    return [_masked(part) for part in value] if isinstance(value, list) else value


def _generation(server: str) -> int:
    number = server.lstrip("v").partition(".")[0]
    return int(number) if number.isdigit() else _RUNS_FROM_TRACES


def _reason(error: Exception) -> str:
    if isinstance(error, ApiError):
        return "it refuses the keys" if error.status_code in (401, 403) else f"it answered status {error.status_code}"
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        return "it does not answer in time"
    unreachable = isinstance(error, httpx.HTTPError | httpx.InvalidURL)
    return "it cannot be reached" if unreachable else "its answers are not those of Langfuse"


def _revision() -> str | None:
    """The commit of this tree, with + when it was changed since; None outside of a repository."""
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--exclude=*"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return described.stdout.strip() or None
