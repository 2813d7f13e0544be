"""The pool as a LiteLLM proxy: what is sent to it, and what stays here: rests, budgets, the switch for requests."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from playground.providers import Behaviour, Provider
from seezar.errors import SettingsInvalid
from seezar.models.errors import ModelRequestForbidden, ModelsUnavailable
from seezar.models.ledger import Ledger
from seezar.models.router import ModelRouter, build_router
from seezar.settings import Settings, load_settings

HELLO = [{"role": "user", "content": "hello"}]


@pytest.fixture
async def proxy() -> AsyncIterator[Provider]:
    async with Provider() as made:
        yield made


def router(folder: Path, url: str, **changes: Any) -> ModelRouter:
    values = {"home": folder, "litellm_url": url, "allow_model_requests": True} | changes
    return build_router(Settings(_env_file=None, **values), Ledger())  # pyright: ignore[reportCallIssue]


@pytest.mark.parametrize("path", ["", "/", "/v1"])
async def test_a_group_is_asked_for_by_its_name(proxy: Provider, tmp_path: Path, path: str) -> None:
    made = router(tmp_path, proxy.url.removesuffix("/v1") + path, litellm_key="sk-here")
    answer = await made.acompletion("smart", HELLO)
    pieces = [piece async for piece in await made.acompletion("judge", HELLO, stream=True)]
    vectors = await made.aembedding(["four", "seven77"])
    assert answer.choices[0].message.content == "All is well."
    assert "".join(piece.choices[0].delta.content or "" for piece in pieces if piece.choices) == "All is well. "
    assert (vectors.model, vectors.vectors) == ("litellm_proxy/embed", [[4.0, 1.0], [7.0, 1.0]])
    assert [(one.path, one.authorization, one.body["model"]) for one in proxy.asked] == [
        ("/v1/chat/completions", "Bearer sk-here", "smart"),
        ("/v1/chat/completions", "Bearer sk-here", "judge"),
        ("/v1/embeddings", "Bearer sk-here", "embed"),
    ]


async def test_a_proxy_that_fails_rests(proxy: Provider, tmp_path: Path) -> None:
    proxy.behaviour = Behaviour.FAILS
    made = router(tmp_path, proxy.url)
    for _ in range(3):
        with pytest.raises(ModelsUnavailable, match="fast-proxy: broken"):
            await made.acompletion("fast", HELLO)
    assert proxy.hits == 1


async def test_requests_that_are_switched_off_are_not_sent_to_a_proxy_either(proxy: Provider, tmp_path: Path) -> None:
    made = router(tmp_path, proxy.url, allow_model_requests=False)
    with pytest.raises(ModelRequestForbidden, match="litellm_proxy/fast"):
        await made.acompletion("fast", HELLO)
    with pytest.raises(ModelRequestForbidden):
        await made.aembedding(["text"])
    assert proxy.hits == 0


@pytest.mark.parametrize(
    ("url", "reason"),
    [("proxy:4000", "must begin with http://"), ("http://a:canary@127.0.0.1:4000", "goes into SEEZAR_LITELLM_KEY")],
)
def test_an_address_that_cannot_be_one(monkeypatch: pytest.MonkeyPatch, url: str, reason: str) -> None:
    monkeypatch.setenv("SEEZAR_LITELLM_URL", url)
    with pytest.raises(SettingsInvalid, match=reason) as raised:
        load_settings()
    assert "canary" not in str(raised.value)
