"""What became of an eval set, as one process hands it to another."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class MetricResult:
    """A metric over a whole case.

    Attributes:
        score: None when the metric could not be computed.
        threshold: what the score had to reach; None for a metric that only informs.
        status: passed, failed, not_evaluated or informational, as ADK has them.
    """

    name: str
    score: float | None
    threshold: float | None
    status: str


@dataclass(frozen=True, slots=True)
class CaseResult:
    """A conversation of a set.

    Attributes:
        eval_id: of the case in its set.
        status: passed, failed or not_evaluated.
        metrics: empty when the conversation itself could not be held.
        session_id: of the conversation.
        trace_id: 32 hex digits; None when it was not recorded.
        span_id: of the case in that trace: 16 hex digits.
        details: what was said, called and expected, for people.
    """

    eval_id: str
    status: str
    metrics: tuple[MetricResult, ...]
    session_id: str
    trace_id: str | None
    span_id: str | None
    details: str

    @property
    def passed(self) -> bool:
        """Whether it did all that is asked for."""
        return self.status == "passed"


def write(path: Path, cases: Sequence[CaseResult]) -> None:
    """Write them to a file, in the order of the set."""
    path.write_text(json.dumps([asdict(case) for case in cases]), encoding="utf-8")


def read(path: Path) -> list[CaseResult]:
    """What `write` wrote; none when it wrote nothing."""
    if not path.exists():
        return []
    cases = json.loads(path.read_text(encoding="utf-8"))
    return [CaseResult(**{**case, "metrics": tuple(MetricResult(**one) for one in case["metrics"])}) for case in cases]
