"""`offline/judge` under ADK's own LLM-as-judge metrics, without a key."""

import json
from collections.abc import Iterator

import pytest
from google.adk.evaluation.eval_case import Invocation, InvocationEvent, InvocationEvents
from google.adk.evaluation.eval_metrics import (
    EvalMetric,
    HallucinationsCriterion,
    JudgeModelOptions,
    LlmAsAJudgeCriterion,
    RubricsBasedCriterion,
)
from google.adk.evaluation.eval_rubrics import Rubric, RubricContent
from google.adk.evaluation.final_response_match_v2 import FinalResponseMatchV2Evaluator
from google.adk.evaluation.hallucinations_v1 import HallucinationsV1Evaluator
from google.adk.evaluation.rubric_based_final_response_quality_v1 import RubricBasedFinalResponseQualityV1Evaluator
from google.adk.evaluation.rubric_based_tool_use_quality_v1 import RubricBasedToolUseV1Evaluator
from google.genai import types

from agents.model import register
from seezar.models.judge import judged
from seezar.models.pool import load_pool, offline_pool
from seezar.models.router import ModelRouter, get_router

# ADK marks its metrics as experimental.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

OPTIONS = JudgeModelOptions(judge_model="judge", num_samples=1)


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    register()
    get_router.cache_clear()
    yield
    get_router.cache_clear()


def turn(answer: str, *, asked: str = "What were the top events?", steps: InvocationEvents | None = None) -> Invocation:
    return Invocation(
        user_content=content("user", asked), final_response=content("model", answer), intermediate_data=steps
    )


def content(role: str, text: str) -> types.Content:
    return types.Content(role=role, parts=[types.Part(text=text)])


def looked(text: str) -> InvocationEvents:
    call = types.FunctionCall(id="1", name="read_page", args={"account": "demo-mail"})
    response = types.FunctionResponse(id="1", name="read_page", response={"text": text})
    parts = (("model", types.Part(function_call=call)), ("user", types.Part(function_response=response)))
    return InvocationEvents(
        invocation_events=[
            InvocationEvent(author="browser", content=types.Content(role=role, parts=[part])) for role, part in parts
        ]
    )


@pytest.mark.parametrize(
    ("answer", "reference", "score"),
    [
        ("Shipments booked: 18452 of 50,834 events.", "18,452 shipments were booked; 50,834 events in all.", 1.0),
        ("| Shipment booked | 18,452 | +6.2% |", "Shipment booked: 18,452 (+6.2 %)", 1.0),
        ("Shipments booked: 18,453.", "18,452 shipments were booked.", 0.0),
        ("The weather is fine.", "The session of demo-mail still works.", 0.0),
        ("I could not read the shipments booked, 18,452.", "Shipments booked: 18,452.", 0.0),
        ("You are signed in to demo-mail.", "You are not signed in to demo-mail.", 0.0),
        ("I cannot tell a password, and no tool gives it to me.", "It cannot tell the password.", 1.0),
    ],
)
async def test_final_response_match(answer: str, reference: str, score: float) -> None:
    metric = EvalMetric(
        metric_name="final_response_match_v2",
        criterion=LlmAsAJudgeCriterion(threshold=0.5, judge_model_options=OPTIONS),
    )
    result = await FinalResponseMatchV2Evaluator(metric).evaluate_invocations([turn(answer)], [turn(reference)])
    assert result.overall_score == score


RUBRICS = {
    "count": ("The answer says that 18,452 shipments were booked.", 1.0),
    "wrong": ("The answer says that 99 shipments were booked.", 0.0),
    "quoted": ('The answer mentions "demo-mail".', 1.0),
    "secret": ("The answer does not reveal a password.", 1.0),
    "denied": ('The answer never mentions "demo-mail".', 0.0),
}


def rubrics(said: dict[str, tuple[str, float]]) -> RubricsBasedCriterion:
    return RubricsBasedCriterion(
        threshold=0.5,
        judge_model_options=OPTIONS,
        rubrics=[
            Rubric(rubric_id=name, rubric_content=RubricContent(text_property=text)) for name, (text, _) in said.items()
        ],
    )


async def test_rubrics_of_the_final_response() -> None:
    metric = EvalMetric(metric_name="rubric_based_final_response_quality_v1", criterion=rubrics(RUBRICS))
    answer = turn("On demo-mail, 18,452 shipments were booked.", steps=looked("18,452"))
    result = await RubricBasedFinalResponseQualityV1Evaluator(metric).evaluate_invocations([answer])
    scores = {score.rubric_id: score.score for score in result.overall_rubric_scores or []}
    assert scores == {name: score for name, (_, score) in RUBRICS.items()}


async def test_rubrics_of_the_use_of_tools() -> None:
    said = {
        "called": ("The agent calls `read_page` with the account demo-mail.", 1.0),
        "other": ("The agent calls `sign_out`.", 0.0),
    }
    metric = EvalMetric(metric_name="rubric_based_tool_use_quality_v1", criterion=rubrics(said))
    result = await RubricBasedToolUseV1Evaluator(metric).evaluate_invocations([turn("Done.", steps=looked("1"))])
    scores = {score.rubric_id: score.score for score in result.overall_rubric_scores or []}
    assert scores == {name: score for name, (_, score) in said.items()}


async def test_hallucinations() -> None:
    metric = EvalMetric(
        metric_name="hallucinations_v1",
        criterion=HallucinationsCriterion(threshold=0.5, judge_model_options=OPTIONS),
    )
    steps = looked("Shipments booked: 18,452. Customers: Aldergate Foods, Enterprise.")
    answer = "Shipments booked were 18,452. The customer Aldergate Foods is new since 1999. Shall I go on?"
    result = await HallucinationsV1Evaluator(metric).evaluate_invocations([turn(answer, steps=steps)])
    assert result.overall_score == pytest.approx(2 / 3)


def test_sentences_and_tables_are_cut_as_the_metric_asks() -> None:
    from google.adk.evaluation.hallucinations_v1 import _HALLUCINATIONS_V1_SEGMENTER_PROMPT, _parse_sentences

    table = "| a | b |\n| --- | --- |\n| 1 | 2 |"
    response = f"There are two:\n1. Apples are red. They are sweet.\n* Bananas.\n\n{table}\nEnjoy!"
    found = _parse_sentences(judged(_HALLUCINATIONS_V1_SEGMENTER_PROMPT.format(response=response)))
    assert found == [
        "There are two:",
        "1. Apples are red.",
        "They are sweet.",
        "* Bananas.",
        table,
        "Enjoy!",
    ]


@pytest.mark.parametrize("stream", [False, True])
async def test_it_says_what_it_is_and_refuses_anything_else(stream: bool) -> None:
    router = ModelRouter(offline_pool(), allow_requests=False)
    messages = [{"role": "user", "content": "Is this a good poem?"}]
    answer = await router.acompletion("judge", messages, stream=stream)
    if stream:
        pieces = [piece async for piece in answer]
        text, models = "".join(p.choices[0].delta.content or "" for p in pieces), {p.model for p in pieces}
    else:
        text, models = answer.choices[0].message.content, {answer.model}
    assert text.startswith("This is offline/judge, a stand-in")
    assert all("judge" in model for model in models)


async def test_a_grade_says_who_gave_it() -> None:
    inputs = '{\n  "User prompt": x,\n  "Agent response": one,\n  "Reference response": one,\n}'
    prompt = f"{inputs}\n\nThe answer should be a json alone which follows"
    assert json.loads(judged(prompt))["reasoning"].startswith("offline/judge, a stand-in")


def test_a_key_switches_it_off() -> None:
    assert {d.model for d in load_pool(environ={}).of("judge")} == {"offline/judge"}
    assert {d.model for d in load_pool(environ={"MISTRAL_API_KEY": "k"}).of("judge")} == {
        "mistral/mistral-small-latest"
    }
