"""An eval run as Langfuse knows it: an experiment on a dataset, told by the attributes of the spans of its cases.

Langfuse makes its dataset runs from these attributes since version 4.
https://langfuse.com/integrations/native/opentelemetry/experiments; the names are those of LangfuseOtelSpanAttributes in
langfuse/_client/attributes.py.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from google.adk.evaluation.eval_case import Invocation, get_all_tool_calls
from google.adk.evaluation.eval_set import EvalCase

from evals.metrics import text_of

# What Langfuse's own experiments have: it keeps evals apart from what people did.
ENVIRONMENT = "sdk-experiment"
_OBSERVATION = "langfuse.observation."
_EXPERIMENT = "langfuse.experiment."


@dataclass(frozen=True, slots=True)
class Experiment:
    """A run of one eval set.

    Attributes:
        id: of its own.
        name: for people: when, and of which revision.
        dataset_id: of the set in Langfuse.
        items: ids of the cases in Langfuse, by their ids in the set.
    """

    id: str
    name: str
    dataset_id: str
    items: Mapping[str, str]

    def to_json(self) -> str:
        """For another process."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        return cls(**json.loads(text))

    def about(self, eval_id: str, span_id: str) -> dict[str, str]:
        """The attributes of every span of a case, of which `span_id` is the first."""
        return {
            "langfuse.environment": ENVIRONMENT,
            _EXPERIMENT + "id": self.id,
            _EXPERIMENT + "name": self.name,
            _EXPERIMENT + "dataset.id": self.dataset_id,
            _EXPERIMENT + "item.id": self.items[eval_id],
            _EXPERIMENT + "item.root_observation_id": span_id,
        }


def first_span(case: EvalCase) -> dict[str, str]:
    """The attributes of the first span of a case alone."""
    return {
        "langfuse.trace.name": f"eval {case.eval_id}",
        _OBSERVATION + "input": json.dumps(said(case)),
        _EXPERIMENT + "item.expected_output": json.dumps(expected(case)),
    }


def outcome(turns: list[Invocation]) -> dict[str, str]:
    """What became of a case, for its first span."""
    return {_OBSERVATION + "output": json.dumps([_answer(turn) for turn in turns])}


def said(case: EvalCase) -> list[str]:
    """What the user says, turn by turn."""
    return [text_of(turn.user_content) for turn in case.conversation or []]


def expected(case: EvalCase) -> list[dict[str, Any]]:
    """What is expected of each turn: the lines of the answer, and the tool calls that matter."""
    return [_answer(turn) for turn in case.conversation or []]


def _answer(turn: Invocation) -> dict[str, Any]:
    calls = get_all_tool_calls(turn.intermediate_data)
    return {
        "answer": text_of(turn.final_response),
        "tools": [{"name": call.name, "arguments": call.args or {}} for call in calls],
    }
