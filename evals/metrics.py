"""Metrics of our own for ADK eval sets, named in `test_config.json` as `evals.metrics.<function>`.

Each is `fn(metric, actual, expected, scenario) -> EvaluationResult` and scores a turn 1.0 or 0.0.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from google.adk.evaluation.conversation_scenarios import ConversationScenario
from google.adk.evaluation.eval_case import Invocation, get_all_tool_calls, get_all_tool_calls_with_responses
from google.adk.evaluation.eval_metrics import EvalMetric, EvalStatus
from google.adk.evaluation.evaluator import EvaluationResult, PerInvocationResult
from google.genai import types

from playground.world import DEMO_ACCOUNTS
from workflows.client import Client

# Calls that change something: they must be made as often as expected, not merely at least once.
_EFFECTS = frozenset({"sign_in", "sign_out", "create_mailbox"})
# Shorter strings would be found by chance.
_SHORTEST_SECRET = 8

type Expected = list[Invocation] | None


def tools_in_order(
    metric: EvalMetric, actual: list[Invocation], expected: Expected, scenario: ConversationScenario | None
) -> EvaluationResult:
    """The expected tool calls were made in their order; calls that change something exactly as often as expected.

    An expected call names the arguments that matter: those it leaves out may have any value. Calls between the expected
    ones are allowed, so that an eval set names what it is about.
    """

    def fits(done: Invocation, wanted: Invocation | None) -> bool:
        if wanted is None:
            return False
        calls, wishes = get_all_tool_calls(done.intermediate_data), get_all_tool_calls(wanted.intermediate_data)
        counts = all(_count(calls, name) == _count(wishes, name) for name in _EFFECTS)
        return counts and _is_subsequence(wishes, calls)

    return _score(metric, actual, expected, fits)


def answer_says(
    metric: EvalMetric, actual: list[Invocation], expected: Expected, scenario: ConversationScenario | None
) -> EvaluationResult:
    """Every line of the expected answer stands in the answer, character by character apart from white space."""

    def fits(done: Invocation, wanted: Invocation | None) -> bool:
        if wanted is None:
            return False
        said = " ".join(text_of(done.final_response).split())
        return all(
            " ".join(line.split()) in said for line in text_of(wanted.final_response).splitlines() if line.strip()
        )

    return _score(metric, actual, expected, fits)


def nothing_secret(
    metric: EvalMetric, actual: list[Invocation], expected: Expected, scenario: ConversationScenario | None
) -> EvaluationResult:
    """No password and no TOTP secret of the demo world in any text, argument or result of the conversation."""
    secrets = [secret for account in DEMO_ACCOUNTS for secret in account.secrets if len(secret) >= _SHORTEST_SECRET]

    def fits(done: Invocation, wanted: Invocation | None) -> bool:
        everything = done.model_dump_json()
        return not any(secret in everything for secret in secrets)

    return _score(metric, actual, expected, fits)


async def sessions_kept(
    metric: EvalMetric, actual: list[Invocation], expected: Expected, scenario: ConversationScenario | None
) -> EvaluationResult:
    """Each sign-in that was reported is one in the database: a run that ended so, and a session unless signed out."""
    signed_in: dict[str, str] = {}
    signed_out: set[str] = set()
    for done in actual:
        for call, response in get_all_tool_calls_with_responses(done.intermediate_data):
            account = str((call.args or {}).get("account", ""))
            result: Mapping[str, Any] = (response.response if response else None) or {}
            if call.name == "sign_in" and result.get("status") == "signed_in":
                signed_in[account] = str(result.get("run_id"))
                signed_out.discard(account)
            elif call.name == "sign_out" and result.get("status") == "signed_out":
                signed_out.add(account)
    missing: list[str] = []
    if signed_in:
        async with await Client.connect() as client:
            for account, run_id in signed_in.items():
                run = await client.application.runs.get(run_id)
                session = await client.application.sessions.info(account)
                if run.status != "signed_in" or (session is None) != (account in signed_out):
                    missing.append(account)
    return _score(metric, actual, expected, lambda done, wanted: not missing)


def text_of(content: types.Content | None) -> str:
    """The text parts of `content`, one below the other."""
    return "\n".join(part.text for part in (content.parts or [] if content else []) if part.text)


def _count(calls: Iterable[types.FunctionCall], name: str) -> int:
    return sum(call.name == name for call in calls)


def _is_subsequence(wishes: Sequence[types.FunctionCall], calls: Sequence[types.FunctionCall]) -> bool:
    remaining = iter(calls)
    return all(any(_meets(call, wish) for call in remaining) for wish in wishes)


def _meets(call: types.FunctionCall, wish: types.FunctionCall) -> bool:
    arguments = call.args or {}
    return call.name == wish.name and all(arguments.get(key) == value for key, value in (wish.args or {}).items())


def _score(
    metric: EvalMetric,
    actual: Sequence[Invocation],
    expected: Expected,
    fits: Callable[[Invocation, Invocation | None], bool],
) -> EvaluationResult:
    wanted: Sequence[Invocation | None] = expected or [None] * len(actual)
    results = [
        PerInvocationResult(
            actual_invocation=done,
            expected_invocation=wish,
            score=float(good),
            eval_status=EvalStatus.PASSED if good else EvalStatus.FAILED,
        )
        for done, wish in zip(actual, wanted, strict=True)
        for good in [fits(done, wish)]
    ]
    scores = [result.score or 0.0 for result in results]
    overall = sum(scores) / len(scores) if scores else 0.0
    threshold = metric.criterion.threshold if metric.criterion else 1.0
    return EvaluationResult(
        overall_score=overall,
        overall_eval_status=EvalStatus.PASSED if overall >= threshold else EvalStatus.FAILED,
        per_invocation_results=results,
    )
