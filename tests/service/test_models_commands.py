"""`seezar models` over providers on loopback: what one process finds out, the next one knows."""

import asyncio
from pathlib import Path

import yaml

from playground.providers import Behaviour, Provider
from tests.service.conftest import Answer, Home


def pool_file(folder: Path, *providers: Provider) -> str:
    entries = [
        {
            "model_name": "fast",
            "litellm_params": {"model": f"openai/m{n}", "api_key": "os.environ/A_KEY", "api_base": p.url, "order": n},
            "model_info": {"id": f"d{n}", "quota": {"requests_per_day": 10 * n}},
        }
        for n, p in enumerate(providers, start=1)
    ]
    path = folder / "pool.yaml"
    path.write_text(yaml.safe_dump({"model_list": entries}))
    return str(path)


async def test_the_pool_is_shown_asked_and_counted(home: Home, tmp_path: Path) -> None:
    async with Provider(text="OK.") as good, Provider(Behaviour.RATE_LIMITED, retry_after=1800) as limited:
        file = pool_file(tmp_path, good, limited)

        async def models(*arguments: str, key: str = "k") -> Answer:
            return await asyncio.to_thread(
                home.seezar,
                "models",
                *arguments,
                SEEZAR_LITELLM_CONFIG=file,
                SEEZAR_ALLOW_MODEL_REQUESTS="true",
                A_KEY=key,
            )

        without = await models("list", key="")
        assert "no key: A_KEY" in without.out
        assert "the built-in rules answer" in without.err
        assert (await models("test", key="")).code == 1
        assert (good.hits, limited.hits) == (0, 0)

        tried = await models("test")
        assert tried.code == 1
        assert "d1: “OK.”" in tried.out
        assert "d2: rate limited" in tried.out
        assert (good.hits, limited.hits) == (1, 1)
        assert (await models("test", "d1", "--json")).json["models"][0]["status"] == "ok"

        rows = {row["id"]: row for row in (await models("list", "--json")).json["models"] if row["group"] == "fast"}
        assert (rows["d1"]["state"], rows["d1"]["requests_today"], rows["d1"]["tokens_today"]) == ("ready", 2, 20)
        assert (rows["d2"]["state"], rows["d2"]["reason"], rows["d2"]["failures_today"]) == ("idle", "rate_limited", 1)
        assert "rate limited until" in (await models("list")).out
        quotas = (await models("quota", "--json")).json["quotas"]
        assert [(row["quota"], row["used"], row["most"]) for row in quotas] == [("d1", 2, 10), ("d2", 1, 20)]

        # Well again: a trial ends its rest.
        limited.behaviour = Behaviour.ANSWERS
        assert (await models("test", "d2")).code == 0
        assert "until" not in (await models("list")).out


async def test_a_proxy_is_named_instead_of_the_pool(home: Home) -> None:
    async with Provider(text="OK.") as proxy:
        address = proxy.url.removesuffix("/v1")

        async def models(*arguments: str) -> Answer:
            return await asyncio.to_thread(
                home.seezar,
                "models",
                *arguments,
                SEEZAR_LITELLM_URL=address,
                SEEZAR_LITELLM_KEY="sk-canary",
                SEEZAR_ALLOW_MODEL_REQUESTS="true",
            )

        told = await models("list")
        assert f"through the LiteLLM proxy at {address}" in told.err
        assert "sk-canary" not in told.out + told.err
        shown = (await models("list", "--json")).json
        assert (shown["offline"], shown["proxy"]) == (False, address)
        assert [row["model"] for row in shown["models"]] == [
            f"litellm_proxy/{group}" for group in ("fast", "smart", "judge", "embed")
        ]
        assert (await models("test", "fast")).code == 0
        assert [(one.path, one.authorization, one.body["model"]) for one in proxy.asked] == [
            ("/v1/chat/completions", "Bearer sk-canary", "fast")
        ]


def test_a_pool_that_is_wrong_is_told_with_its_line(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "pool.yaml"
    path.write_text("model_list:\n  - model_name: fast\n    litellm_params: {mdel: a/b}\n")
    answer = home.seezar("models", "list", SEEZAR_LITELLM_CONFIG=str(path))
    assert answer.code == 1
    assert "pool.yaml cannot be used: line 3: model_list[0].litellm_params.model: field required" in answer.err
