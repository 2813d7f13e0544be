"""The pool and its router: what is left out without a key, when the rules answer, and no request without permission."""

from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from seezar.models.errors import ModelConfigInvalid, ModelRequestForbidden, ModelsUnavailable
from seezar.models.offline import OFFLINE_MODEL
from seezar.models.pool import default_config_path, load_pool, offline_pool
from seezar.models.router import ModelRouter, get_router

# Two lines of a pool: a deployment, no more than it needs.
ONE = "  - model_name: fast\n    litellm_params: {model: a/b}\n"
HELLO = [{"role": "user", "content": "hello"}]


def test_without_a_key_the_rules_answer_every_group() -> None:
    pool = load_pool(environ={})
    assert pool.is_offline
    assert {d.group: d.model for d in pool.deployments} == {
        "fast": "offline/rules",
        "smart": "offline/rules",
        "judge": "offline/judge",
        "embed": "offline/embed",
    }
    assert len(pool.left_out) >= 8


def test_with_a_key_the_rules_do_not_answer_and_empty_groups_borrow() -> None:
    pool = load_pool(environ={"MISTRAL_API_KEY": "k"})
    assert not pool.is_offline
    assert {d.model for d in pool.deployments} == {"mistral/mistral-small-latest", "mistral/mistral-embed"}
    assert [d.group for d in pool.deployments] == ["fast", "smart", "judge", "embed"]
    assert len({d.entry["model_info"]["id"] for d in pool.deployments}) == 4


def test_a_deployment_needs_all_of_its_variables_and_an_empty_one_does_not_count() -> None:
    assert load_pool(environ={"CLOUDFLARE_API_KEY": "k"}).is_offline
    assert load_pool(environ={"CLOUDFLARE_API_KEY": "k", "CLOUDFLARE_API_BASE": ""}).is_offline
    assert not load_pool(environ={"CLOUDFLARE_API_KEY": "k", "CLOUDFLARE_API_BASE": "http://x"}).is_offline


def test_the_projects_pool_is_whole_with_every_key_set() -> None:
    variables = {v for d in load_pool(environ={}).left_out for v in d.variables}
    pool = load_pool(environ=dict.fromkeys(variables, "key"))
    assert not pool.left_out
    ModelRouter(pool).warm_up()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("model_list: [", "line 1"),
        ("- a\n- b\n", "mapping"),
        ("model_list: 3\n", "line 1: model_list: input should be a valid list"),
        ("router_settings: {}\n", "line 1: model_list: field required"),
        (f"model_list:\n{ONE}  - model_name: fast\n", r"line 4: model_list\[1\].litellm_params: field required"),
        (f"model_list:\n{ONE}  - nonsense\n", r"line 4: model_list\[1\]: "),
        (f"model_list:\n{ONE}{ONE}", "two deployments have the id fast-a/b"),
        (f"model_list:\n{ONE}    model_info: {{quota: {{per_day: 3}}}}\n", r"line 4: .*quota.per_day: extra inputs"),
        (f"model_list:\n{ONE}    model_info: {{quota: {{tokens_per_day: 0}}}}\n", "line 4: .*greater than 0"),
        (f"model_list:\n{ONE}router_settings: {{fallbacks: [{{fast: [smrt]}}]}}\n", "the group smrt"),
        (f"model_list:\n{ONE}router_settings:\n  timeout: soon\n", "line 5: router_settings.timeout: "),
    ],
)
def test_a_broken_pool_names_what_is_wrong(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "pool.yaml"
    path.write_text(text)
    with pytest.raises(ModelConfigInvalid, match=reason):
        load_pool(path)


def test_a_pool_that_is_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ModelConfigInvalid, match="No such file"):
        load_pool(tmp_path / "none.yaml")


async def test_in_tests_a_request_to_a_provider_raises_before_it_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROQ_API_KEY", "k")
    get_router.cache_clear()
    try:
        with pytest.raises(ModelRequestForbidden, match="groq/openai/gpt-oss-20b"):
            await get_router().acompletion("fast", HELLO)
    finally:
        get_router.cache_clear()


async def test_the_offline_pool_answers_without_permission() -> None:
    response = await ModelRouter(offline_pool(), allow_requests=False).acompletion("smart", HELLO)
    assert "offline/rules" in response.choices[0].message.content


async def test_an_unknown_group_is_named() -> None:
    with pytest.raises(ModelsUnavailable, match=r"'clever'.*embed, fast, judge, smart"):
        await ModelRouter(offline_pool()).acompletion("clever", HELLO)


class Provider:
    """An OpenAI-compatible server on loopback that answers with a status."""

    def __init__(self, status: int) -> None:
        self.status = status
        self.hits = 0

    async def handle(self, request: web.Request) -> web.Response:
        self.hits += 1
        if self.status != 200:
            return web.json_response({"error": {"message": "no"}}, status=self.status, headers={"Retry-After": "30"})
        message = {"role": "assistant", "content": "from the provider"}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        return web.json_response(
            {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}
        )

    async def __aenter__(self) -> "Provider":
        app = web.Application()
        app.router.add_post("/{tail:.*}", self.handle)
        self.runner = web.AppRunner(app)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self.runner.addresses[0][1]}/v1"
        return self

    async def __aexit__(self, *_: Any) -> None:
        await self.runner.cleanup()


def pool_of(tmp_path: Path, *urls: str) -> Path:
    settings = default_config_path().read_text().partition("router_settings:")[2]
    entries = "".join(
        f"  - model_name: fast\n    litellm_params: {{model: openai/m{n}, api_key: k, api_base: '{url}', order: {n}}}\n"
        f"    model_info: {{id: d{n}, input_cost_per_token: 0, output_cost_per_token: 0}}\n"
        for n, url in enumerate(urls, start=1)
    )
    path = tmp_path / "pool.yaml"
    path.write_text(f"model_list:\n{entries}router_settings:{settings}")
    return path


async def test_the_router_moves_on_at_once_and_does_not_come_back_while_it_cools(tmp_path: Path) -> None:
    async with Provider(429) as limited, Provider(200) as good:
        router = ModelRouter(load_pool(pool_of(tmp_path, limited.url, good.url)))
        for _ in range(3):
            response = await router.acompletion("fast", HELLO)
            assert response.choices[0].message.content == "from the provider"
        assert (limited.hits, good.hits) == (1, 3)


async def test_when_every_provider_refuses_the_error_is_typed(tmp_path: Path) -> None:
    async with Provider(429) as limited:
        router = ModelRouter(load_pool(pool_of(tmp_path, limited.url)))
        for _ in range(2):
            with pytest.raises(ModelsUnavailable, match="'fast'"):
                await router.acompletion("fast", HELLO)


def test_offline_is_not_part_of_the_shared_file() -> None:
    # The LiteLLM proxy reads the same file and has no such provider.
    assert OFFLINE_MODEL not in [d.model for d in load_pool(environ={}).left_out]
