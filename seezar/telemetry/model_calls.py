"""Model calls in traces: one span each, with who answered, tokens and cost.

An agent's call has the span that the instrumentation of ADK makes; any other has one from here. Who answered is
noted on whichever of the two is under way.
"""

import json
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from seezar.telemetry.spans import SPAN_KIND, Attribute, spans

# https://langfuse.com/integrations/native/opentelemetry: read before any other name of the same thing.
_LANGFUSE_MODEL = "langfuse.observation.model.name"
_COST = "gen_ai.usage.cost"
DEPLOYMENT = "seezar.llm.deployment"


class ModelCall:
    """A call that is under way."""

    def answered(self, text: str | None) -> None:
        """The model's answer, as far as it has one."""
        if text is not None:
            spans.note({"output.value": text, "output.mime_type": "text/plain"})


@contextmanager
def model_call(group: str, messages: Sequence[Mapping[str, Any]]) -> Generator[ModelCall]:
    """A span around a call that no agent makes.

    Args:
        group: of the pool.
        messages: as they are sent: without secrets.
    """
    attributes: dict[str, Attribute] = {}
    if spans.on:
        told = json.dumps(list(messages), ensure_ascii=False, default=str)
        attributes = {SPAN_KIND: "LLM", "input.value": told, "input.mime_type": "application/json"}
    with spans.span(f"model {group}", attributes, kind="CLIENT"):
        yield ModelCall()


def note_answer(deployment: str, model: str, input_tokens: int, output_tokens: int, *, cost_usd: float) -> None:
    """Say on the span that is under way who answered.

    Args:
        deployment: its name in the pool.
        model: LiteLLM's id, provider first.
        cost_usd: 0 for one that costs nothing.
    """
    provider, _, name = model.partition("/")
    spans.note(
        {
            DEPLOYMENT: deployment,
            _LANGFUSE_MODEL: name or model,
            "llm.model_name": name or model,
            "llm.provider": provider,
            "llm.token_count.prompt": input_tokens,
            "llm.token_count.completion": output_tokens,
            "llm.token_count.total": input_tokens + output_tokens,
            "llm.cost.total": cost_usd,
            _COST: cost_usd,
        }
    )
