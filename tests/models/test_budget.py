"""Budgets of a day and of a run: counted where they are spent, told once they are."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from playground.providers import Behaviour, Provider
from seezar.models.asking import NoAnswer, ask
from seezar.models.budget import Budget, Limits, Run, count_to, counted_to, current_run
from seezar.models.errors import ModelBudgetSpent
from seezar.models.ledger import Ledger
from seezar.models.pool import load_pool, offline_pool
from seezar.models.router import ModelRouter, build_router
from seezar.settings import Settings

HELLO = [{"role": "user", "content": "hello"}]


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async with Provider() as made:
        yield made


def router(folder: Path, *providers: Provider, day: Limits | None = None, run: Limits | None = None) -> ModelRouter:
    entries = [
        {
            "model_name": "fast",
            "litellm_params": {"model": f"openai/m{n}", "api_key": "k", "api_base": p.url, "order": n},
            "model_info": {"id": f"d{n}", "input_cost_per_token": 0.01, "output_cost_per_token": 0.1},
        }
        for n, p in enumerate(providers, start=1)
    ]
    path = folder / "pool.yaml"
    path.write_text(yaml.safe_dump({"model_list": entries}))
    return ModelRouter(load_pool(path), budget=Budget(day or Limits(), run or Limits()))


async def said(made: ModelRouter, *, stream: bool = False) -> None:
    answer = await made.acompletion("fast", HELLO, stream=stream, stream_options={"include_usage": True})
    if stream:
        async for _ in answer:
            pass


@pytest.mark.parametrize("stream", [False, True])
async def test_what_a_run_uses_is_counted_to_it(provider: Provider, tmp_path: Path, stream: bool) -> None:
    made = router(tmp_path, provider)
    with counted_to(Run()) as run:
        await said(made, stream=stream)
        # A task that is begun inside belongs to the run.
        await asyncio.create_task(said(made, stream=stream))
    await said(made, stream=stream)
    assert (run.used.requests, run.used.tokens) == (2, 20)
    # 7 tokens in and 3 out, each time, at the prices of the file.
    assert run.used.cost_usd == pytest.approx(2 * (7 * 0.01 + 3 * 0.1))
    today = (await made.ledger.known()).today["d1"]
    assert (today.requests, today.tokens, today.cost_usd) == (3, 30, pytest.approx(3 * 0.37))


@pytest.mark.parametrize(
    ("limits", "hits", "told"),
    [
        (Limits(requests=2), 2, "2 of 2 requests"),
        (Limits(tokens=11), 2, "20 of 11 tokens"),
        (Limits(usd=0.5), 2, "0.74 of 0.5 US dollars"),
    ],
)
async def test_a_run_that_has_spent_its_budget_sends_nothing_more(
    provider: Provider, tmp_path: Path, limits: Limits, hits: int, told: str
) -> None:
    made = router(tmp_path, provider, run=limits)
    with counted_to(Run()):
        for _ in range(hits):
            await said(made)
        with pytest.raises(ModelBudgetSpent, match=f"this turn or run: {told}"):
            await said(made)
    assert provider.hits == hits
    with counted_to(Run()):
        await said(made)


async def test_the_budget_of_the_day_is_told_apart(provider: Provider, tmp_path: Path) -> None:
    made = router(tmp_path, provider, day=Limits(requests=1))
    await said(made)
    with pytest.raises(ModelBudgetSpent, match=r"spent for today: 1 of 1 requests.*_PER_DAY"):
        await said(made)


async def test_those_who_failed_count_as_requests(tmp_path: Path, provider: Provider) -> None:
    async with Provider(Behaviour.FAILS) as bad:
        made = router(tmp_path, bad, provider)
        with counted_to(Run()) as run:
            await said(made)
    assert run.used.requests == 2


async def test_stand_ins_cost_nothing() -> None:
    made = ModelRouter(offline_pool(), budget=Budget(run=Limits(requests=1)))
    with counted_to(Run()) as run:
        for _ in range(3):
            await said(made)
    assert run.used.requests == 0


async def test_a_question_beside_the_turn_is_counted_to_the_run_that_it_names(
    provider: Provider, tmp_path: Path
) -> None:
    made, run = router(tmp_path, provider, run=Limits(requests=1)), Run()
    assert await ask(made, "fast", HELLO, timeout=30, run=run) == "All is well."
    with pytest.raises(NoAnswer, match=r"budget for models is spent for this turn or run: 1 of 1 requests$"):
        await ask(made, "fast", HELLO, timeout=30, run=run)
    assert provider.hits == 1
    assert current_run() is None


async def test_a_context_may_be_left_again(provider: Provider, tmp_path: Path) -> None:
    run = Run()
    count_to(run)
    count_to(None)
    await said(router(tmp_path, provider))
    assert run.used.requests == 0


async def test_the_settings_set_both(provider: Provider, tmp_path: Path) -> None:
    router(tmp_path, provider)
    values: dict[str, Any] = {
        "home": tmp_path,
        "litellm_config": tmp_path / "pool.yaml",
        "model_requests_per_run": 1,
        "model_tokens_per_day": 15,
    }
    made = build_router(Settings.model_validate({"allow_model_requests": True, **values}), Ledger())
    with counted_to(Run()):
        await said(made)
        with pytest.raises(ModelBudgetSpent, match="this turn or run"):
            await said(made)
    await said(made)
    with pytest.raises(ModelBudgetSpent, match="today: 20 of 15 tokens"):
        await said(made)
