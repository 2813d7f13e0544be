"""Every metric holds on a good conversation and fails on its counter-example."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from google.adk.evaluation.eval_case import IntermediateData, Invocation, InvocationEvent, InvocationEvents
from google.adk.evaluation.eval_metrics import BaseCriterion, EvalMetric
from google.adk.evaluation.evaluator import EvalStatus, EvaluationResult
from google.genai import types

from evals import metrics
from playground.world import DEMO_MAIL, DEMO_TOTP
from tests.world import World, make_world

METRIC = EvalMetric(metric_name="any", criterion=BaseCriterion(threshold=1.0))


def content(text: str) -> types.Content:
    return types.Content(role="model", parts=[types.Part(text=text)])


def done(calls: Sequence[tuple[str, dict[str, Any], dict[str, Any]]] = (), text: str = "") -> Invocation:
    """A turn as ADK records it: calls with their results, then the answer."""
    events: list[InvocationEvent] = []
    for number, (name, arguments, result) in enumerate(calls):
        call = types.FunctionCall(id=str(number), name=name, args=arguments)
        response = types.FunctionResponse(id=str(number), name=name, response=result)
        for part in (types.Part(function_call=call), types.Part(function_response=response)):
            events.append(InvocationEvent(author="auth", content=types.Content(role="model", parts=[part])))
    return Invocation(
        user_content=content("ask"),
        final_response=content(text),
        intermediate_data=InvocationEvents(invocation_events=events),
    )


def wanted(*calls: tuple[str, dict[str, Any]], text: str = "") -> Invocation:
    uses = [types.FunctionCall(name=name, args=arguments) for name, arguments in calls]
    return Invocation(
        user_content=content("ask"), final_response=content(text), intermediate_data=IntermediateData(tool_uses=uses)
    )


def passed(result: EvaluationResult) -> bool:
    return result.overall_eval_status is EvalStatus.PASSED


TURN = done(
    [("auth", {"request": "x"}, {}), ("sign_in", {"account": "a", "fresh": True}, {}), ("read_page", {"id": 1}, {})]
)


@pytest.mark.parametrize(
    ("expected", "good"),
    [
        (wanted(("sign_in", {"account": "a"}), ("read_page", {})), True),
        (wanted(("sign_in", {}), ("read_page", {"id": 1})), True),
        (wanted(("read_page", {}), ("sign_in", {})), False),
        (wanted(("sign_in", {"account": "b"})), False),
        (wanted(("sign_in", {}), ("screenshot", {})), False),
        (wanted(("auth", {})), False),  # the sign-in was not expected
        (wanted(("sign_in", {}), ("sign_in", {})), False),
    ],
)
def test_tools_in_order(expected: Invocation, good: bool) -> None:
    assert passed(metrics.tools_in_order(METRIC, [TURN], [expected], None)) is good


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("| Login | 1,204 |", True),
        ("| Login |  1,204 |\nyes", True),
        ("| Login | 1,205 |", False),
        ("yes\nno", False),
    ],
)
def test_answer_says(text: str, good: bool) -> None:
    turn = done(text="yes\n\n| Login | 1,204 |")
    assert passed(metrics.answer_says(METRIC, [turn], [wanted(text=text)], None)) is good


def test_one_bad_turn_fails_the_conversation() -> None:
    turns = [done(text="yes"), done(text="no")]
    result = metrics.answer_says(METRIC, turns, [wanted(text="yes"), wanted(text="yes")], None)
    assert not passed(result)
    assert result.overall_score == 0.5


@pytest.mark.parametrize(
    "leak",
    [
        done(text=f"It is {DEMO_MAIL.password}"),
        done([("sign_in", {"account": "a", "password": DEMO_MAIL.password}, {})]),
        done([("read_page", {}, {"text": f"secret: {DEMO_TOTP.totp_secret}"})]),
    ],
)
def test_nothing_secret_finds_a_leak_in_text_arguments_and_results(leak: Invocation) -> None:
    assert not passed(metrics.nothing_secret(METRIC, [leak], None, None))
    assert passed(metrics.nothing_secret(METRIC, [done(text="demo-mail is signed in")], None, None))


@pytest.mark.browser
async def test_sessions_kept_asks_the_database(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with make_world(postgres, page_timeout=60.0) as world:
        monkeypatch.setattr("workflows.client.get_settings", lambda: world.settings)
        await check_sessions(world)


async def check_sessions(world: World) -> None:
    result = await world.sign_in("demo-password")
    assert result["status"] == "signed_in"
    signed_in = ("sign_in", {"account": "demo-password"}, result)
    signed_out = ("sign_out", {"account": "demo-password"}, {"status": "signed_out"})
    invented = ("sign_in", {"account": "demo-totp"}, {**result, "account": "demo-totp"})

    async def judged(*calls: tuple[str, dict[str, Any], dict[str, Any]]) -> bool:
        return passed(await metrics.sessions_kept(METRIC, [done(calls)], None, None))

    assert await judged()
    assert await judged(signed_in)
    assert not await judged(signed_in, signed_out), "the session is still there"
    assert not await judged(invented), "that account has no session"
    await asyncio.gather(world.application.sessions.forget("demo-password"))
    assert not await judged(signed_in), "the session is gone"
    assert await judged(signed_in, signed_out)
