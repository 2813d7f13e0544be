"""The router over providers that fail: who is asked, how often, and what the caller gets."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from playground.providers import Behaviour, Provider
from seezar.models import litellm_import
from seezar.models.errors import ModelRequestRefused, ModelStreamCut, ModelsUnavailable
from seezar.models.ledger import Ledger
from seezar.models.pool import load_pool
from seezar.models.router import ModelRouter

HELLO = [{"role": "user", "content": "hello"}]
# Seconds; so that a provider that hangs is found out within the test.
_PATIENCE = {"timeout": 1.0, "stream_timeout": 1.0, "cooldown_time": 60.0}


class Clock:
    """Epoch seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


type Build = Callable[..., ModelRouter]


@pytest.fixture(scope="module", autouse=True)
def warm() -> None:
    """LiteLLM loads much of itself at its first requests, which must not count as the time of a provider."""

    async def ask() -> None:
        litellm = litellm_import.load()
        async with Provider() as good:
            there: dict[str, Any] = {"model": "openai/m", "messages": HELLO, "api_base": good.url, "api_key": "k"}
            await litellm.acompletion(**there)
            async for _ in await litellm.acompletion(**there, stream=True):
                pass

    asyncio.run(ask())


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def build(tmp_path: Path, clock: Clock) -> Build:
    """A router over providers: those of one tuple are a tier, and are all of the group `fast`, or as `groups` say."""

    def make(
        *tiers: tuple[Provider, ...], groups: dict[str, list[Provider]] | None = None, **settings: Any
    ) -> ModelRouter:
        placed = [("fast", order, provider) for order, tier in enumerate(tiers, start=1) for provider in tier]
        placed += [(group, 1, provider) for group, those in (groups or {}).items() for provider in those]
        entries = [
            {
                "model_name": group,
                "litellm_params": {"model": f"openai/m{n}", "api_key": "k", "api_base": provider.url, "order": order},
                "model_info": {"id": f"d{n}"},
            }
            for n, (group, order, provider) in enumerate(placed)
        ]
        path = tmp_path / "pool.yaml"
        path.write_text(yaml.safe_dump({"model_list": entries, "router_settings": _PATIENCE | settings}))
        return ModelRouter(load_pool(path), ledger=Ledger(clock=clock), clock=clock)

    return make


async def said(router: ModelRouter, group: str = "fast", *, stream: bool = False) -> str:
    if not stream:
        answer = await router.acompletion(group, HELLO)
        return answer.choices[0].message.content
    answer = await router.acompletion(group, HELLO, stream=True)
    return "".join([piece.choices[0].delta.content or "" async for piece in answer if piece.choices]).strip()


_BAD = (
    Behaviour.RATE_LIMITED,
    Behaviour.FAILS,
    Behaviour.HANGS,
    Behaviour.REFUSES_KEY,
    Behaviour.KNOWS_NO_MODEL,
)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("behaviour", _BAD)
async def test_one_that_fails_is_asked_once(build: Build, behaviour: Behaviour, stream: bool) -> None:
    async with Provider(behaviour) as bad, Provider() as good:
        router = build((bad,), (good,))
        for _ in range(3):
            assert await said(router, stream=stream) == "All is well."
        assert (bad.hits, good.hits) == (1, 3)


async def test_nobody_listens(build: Build) -> None:
    async with Provider() as gone:
        url = gone.url
    async with Provider() as good:
        gone.url = url
        router = build((gone,), (good,))
        assert await said(router) == "All is well."
        assert router.ledger.rest_of("d0") is not None


async def test_all_of_a_tier_are_asked_before_the_next_and_take_turns(build: Build, clock: Clock) -> None:
    async with Provider() as one, Provider() as two, Provider() as three:
        router = build((one, two), (three,))
        for _ in range(6):
            assert await said(router)
            clock.now += 1
        assert (one.hits, two.hits, three.hits) == (3, 3, 0)


async def test_a_rest_is_over_after_its_time_and_grows_with_each_failure(build: Build, clock: Clock) -> None:
    async with Provider(Behaviour.FAILS) as bad, Provider() as good:
        router = build((bad,), (good,))
        for wait, hits in ((0, 1), (59, 1), (2, 2), (61, 2), (60, 3)):
            clock.now += wait
            assert await said(router)
            assert bad.hits == hits, f"after {wait} s more"
        bad.behaviour = Behaviour.ANSWERS
        clock.now += 241
        assert await said(router)
        assert router.ledger.rest_of("d0") is None
        bad.behaviour = Behaviour.FAILS
        assert await said(router)
        rest = router.ledger.rest_of("d0")
        assert rest is not None
        assert (rest.until - clock.now, rest.times) == (60, 1)


async def test_retry_after_is_kept(build: Build, clock: Clock) -> None:
    async with Provider(Behaviour.RATE_LIMITED, retry_after=600) as bad, Provider() as good:
        router = build((bad,), (good,))
        assert await said(router)
        clock.now += 599
        assert await said(router)
        assert bad.hits == 1
        clock.now += 2
        assert await said(router)
        assert bad.hits == 2


async def test_only_one_request_finds_out_whether_it_is_well_again(build: Build, clock: Clock) -> None:
    async with Provider(Behaviour.FAILS) as bad, Provider() as good:
        router = build((bad,), (good,))
        await said(router)
        bad.behaviour = Behaviour.HANGS
        clock.now += 61
        assert await asyncio.gather(*(said(router) for _ in range(8))) == ["All is well."] * 8
        assert bad.hits == 2


async def test_the_only_one_of_its_group_rests_as_well(build: Build, clock: Clock) -> None:
    async with Provider(Behaviour.FAILS) as bad:
        router = build((bad,))
        with pytest.raises(ModelsUnavailable, match="d0: broken"):
            await said(router)
        for _ in range(3):
            with pytest.raises(ModelsUnavailable, match=r"d0: broken until .*Try again at"):
                await said(router)
        assert bad.hits == 1


async def test_another_group_stands_in(build: Build) -> None:
    async with Provider(Behaviour.FAILS) as bad, Provider(text="From smart.") as smart:
        router = build((bad,), groups={"smart": [smart]}, fallbacks=[{"fast": ["smart"]}])
        assert await said(router) == "From smart."


@pytest.mark.parametrize(
    ("behaviour", "table"),
    [
        (Behaviour.TOO_LONG, "context_window_fallbacks"),
        (Behaviour.REFUSES_CONTENT, "content_policy_fallbacks"),
    ],
)
async def test_a_request_that_one_cannot_take_goes_to_one_that_can(
    build: Build, behaviour: Behaviour, table: str
) -> None:
    async with AsyncExitStack() as stack:
        small, small_too, large = [
            await stack.enter_async_context(provider)
            for provider in (Provider(behaviour), Provider(behaviour), Provider(text="Large."))
        ]
        router = build((small, small_too), groups={"smart": [large]}, **{table: [{"fast": ["smart"]}]})
        assert await said(router) == "Large."
        # The other small ones are no use for it, and the one that was asked is as good as before.
        assert small.hits + small_too.hits == 1
        assert router.ledger.rest_of("d0") is router.ledger.rest_of("d1") is None


async def test_a_request_that_nobody_can_take_is_told_as_such(build: Build) -> None:
    async with Provider(Behaviour.TOO_LONG) as small:
        router = build((small,))
        for _ in range(2):
            with pytest.raises(ModelRequestRefused, match="d0: too_long"):
                await said(router)
        assert small.hits == 2


async def test_a_stream_that_breaks_off_is_typed_and_the_next_comes_from_another(build: Build) -> None:
    async with Provider(Behaviour.BREAKS_OFF, text="one two three four") as bad, Provider() as good:
        router = build((bad,), (good,))
        with pytest.raises(ModelStreamCut, match="broke off in the middle"):
            await said(router, stream=True)
        assert await said(router, stream=True) == "All is well."
        assert (bad.hits, good.hits) == (1, 1)


async def test_an_answer_that_breaks_off_unstreamed_costs_the_caller_nothing(build: Build) -> None:
    async with Provider(Behaviour.BREAKS_OFF) as bad, Provider() as good:
        router = build((bad,), (good,))
        assert await said(router) == "All is well."
        assert bad.hits == 1


async def test_two_hundred_requests_with_three_of_four_failing(build: Build) -> None:
    async with AsyncExitStack() as stack:
        bad = [
            await stack.enter_async_context(Provider(b))
            for b in (Behaviour.RATE_LIMITED, Behaviour.FAILS, Behaviour.HANGS)
        ]
        good = await stack.enter_async_context(Provider())
        router = build((*bad, good))
        answers = [await said(router, stream=bool(n % 2)) for n in range(200)]
        assert set(answers) == {"All is well."}
        assert [provider.hits for provider in bad] == [1, 1, 1]
