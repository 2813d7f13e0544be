"""Embeddings through the router: one model at a time, and the stand-in of this machine."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import yaml

from playground.providers import Behaviour, Provider
from seezar.knowledge.embedding import WordLlamaEmbedder
from seezar.models.errors import ModelsUnavailable
from seezar.models.pool import load_pool, offline_pool
from seezar.models.router import ModelRouter

TEXTS = ["sign in with a mailed code", "log in by a code that came by mail", "the harvest of plums"]


def router(folder: Path, *deployments: tuple[str, Provider], quota: int = 100) -> ModelRouter:
    entries = [
        {
            "model_name": "embed",
            "litellm_params": {"model": f"openai/{model}", "api_key": "k", "api_base": p.url, "order": n},
            "model_info": {"id": f"d{n}", "quota": {"requests_per_day": quota}},
        }
        for n, (model, p) in enumerate(deployments, start=1)
    ]
    path = folder / "pool.yaml"
    path.write_text(yaml.safe_dump({"model_list": entries}))
    return ModelRouter(load_pool(path))


@pytest.fixture
async def three() -> AsyncIterator[Sequence[Provider]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(Provider()) for _ in range(3)]


def dot(one: Sequence[float], two: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(one, two, strict=True))


async def test_the_stand_in_knows_what_is_alike_and_says_who_it_is() -> None:
    made = ModelRouter(offline_pool(), allow_requests=False)
    found = await made.aembedding(TEXTS)
    assert found.model == "offline/embed"
    assert [len(vector) for vector in found.vectors] == [256] * 3
    near, far = dot(found.vectors[0], found.vectors[1]), dot(found.vectors[0], found.vectors[2])
    assert near > far + 0.2
    assert found.vectors == await WordLlamaEmbedder().embed(TEXTS)
    assert await made.aembedding(TEXTS, model="offline/embed") == found


async def test_one_that_fails_is_stood_in_for_by_the_same_model_only(tmp_path: Path, three: Sequence[Provider]) -> None:
    first, other, second = three
    made = router(tmp_path, ("a", first), ("b", other), ("a", second))
    assert (await made.aembedding(["text"])).model == "openai/a"
    first.behaviour = Behaviour.FAILS
    for _ in range(2):
        assert (await made.aembedding(["text"])).model == "openai/a"
    assert (first.hits, other.hits, second.hits) == (2, 0, 2)
    second.behaviour = Behaviour.FAILS
    for _ in range(2):
        with pytest.raises(ModelsUnavailable, match="d1: broken until"):
            await made.aembedding(["text"])
    assert other.hits == 0


async def test_a_request_names_the_model_that_its_vectors_are_compared_with(
    tmp_path: Path, three: Sequence[Provider]
) -> None:
    first, other, _ = three
    made = router(tmp_path, ("a", first), ("b", other))
    assert (await made.aembedding(["text"], model="openai/b")).model == "openai/b"
    assert (first.hits, other.hits) == (0, 1)
    with pytest.raises(ModelsUnavailable, match=r"has the model openai/c.*cannot be compared"):
        await made.aembedding(["text"], model="openai/c")


async def test_quotas_and_counts_are_those_of_chats(tmp_path: Path, three: Sequence[Provider]) -> None:
    made = router(tmp_path, ("a", three[0]), quota=1)
    await made.aembedding(["text"])
    today = (await made.ledger.known()).today["d1"]
    assert (today.requests, today.tokens) == (1, 7)
    with pytest.raises(ModelsUnavailable, match="1 requests a day spent"):
        await made.aembedding(["text"])
