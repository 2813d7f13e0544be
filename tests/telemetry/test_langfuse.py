"""The playground's Langfuse answers as Langfuse's own client expects, so that what is tested against it counts."""

import asyncio
from typing import Any

import pytest
from langfuse.api import DatasetStatus, LangfuseAPI, NotFoundError, UnauthorizedError
from langfuse.api.core import ApiError

from playground.langfuse import PUBLIC_KEY, SECRET_KEY, LangfuseServer, LangfuseState


def client(server: LangfuseServer, secret: str = SECRET_KEY) -> LangfuseAPI:
    return LangfuseAPI(base_url=server.url, username=PUBLIC_KEY, password=secret, timeout=5)


async def test_a_dataset_and_its_items_are_put_and_put_again() -> None:
    async with LangfuseServer() as server:
        api = client(server)

        def put() -> tuple[str, Any]:
            dataset = api.datasets.create(name="a/b", description="d", metadata={"k": 1})
            api.dataset_items.create(dataset_name="a/b", id="one", input={"x": 1}, expected_output="y")
            return dataset.id, api.dataset_items.list(dataset_name="a/b", limit=1)

        first, _ = await asyncio.to_thread(put)
        again, listed = await asyncio.to_thread(put)
        assert first == again
        assert [(item.id, item.input, item.expected_output) for item in listed.data] == [("one", {"x": 1}, "y")]
        assert (listed.meta.total_items, listed.meta.total_pages) == (1, 1)
        await asyncio.to_thread(api.dataset_items.create, dataset_name="a/b", id="one", status=DatasetStatus.ARCHIVED)
        assert server.state.items["one"]["status"] == "ARCHIVED"
        assert server.state.items["one"]["input"] == {"x": 1}, "what is left out stays"


async def test_what_does_not_exist_and_what_does_not_fit_is_refused() -> None:
    async with LangfuseServer(LangfuseState(version="3.120.0")) as server:
        api = client(server)
        with pytest.raises(NotFoundError):
            await asyncio.to_thread(api.dataset_items.create, dataset_name="none", id="one")
        with pytest.raises(NotFoundError):
            await asyncio.to_thread(api.dataset_run_items.create, run_name="r", dataset_item_id="one", trace_id="t")
        with pytest.raises(NotFoundError):
            await asyncio.to_thread(api.prompts.get, "none")
        with pytest.raises(ApiError) as caught:
            await asyncio.to_thread(api.scores.create, name="n", value=1.0)
        assert caught.value.status_code == 400


@pytest.mark.parametrize(("version", "there"), [("3.120.0", True), ("4.50.0", False)])
async def test_runs_have_an_endpoint_before_the_fourth_version_only(version: str, there: bool) -> None:
    async with LangfuseServer(LangfuseState(version=version)) as server:
        api = client(server)

        def link() -> Any:
            api.datasets.create(name="d")
            api.dataset_items.create(dataset_name="d", id="one", input=1)
            return api.dataset_run_items.create(run_name="r", dataset_item_id="one", trace_id="t", observation_id="o")

        assert (await asyncio.to_thread(api.health.health)).version == version
        if there:
            assert (await asyncio.to_thread(link)).dataset_run_name == "r"
        else:
            with pytest.raises(NotFoundError):
                await asyncio.to_thread(link)


async def test_scores_and_prompts_are_read_as_they_were_put() -> None:
    async with LangfuseServer() as server:
        api = client(server)
        server.state.put_prompt("folder/p", "one")
        server.state.put_prompt("folder/p", "two")
        made = await asyncio.to_thread(api.scores.create, name="n", value=0.5, trace_id="t", comment="c")
        assert server.state.scores[made.id]["value"] == 0.5
        prompt = await asyncio.to_thread(api.prompts.get, "folder/p", label="production")
        assert (prompt.type, prompt.prompt, prompt.version) == ("text", "two", 2)


async def test_other_keys_are_refused_but_for_the_health() -> None:
    async with LangfuseServer() as server:
        api = client(server, secret="wrong")
        assert (await asyncio.to_thread(api.health.health)).status == "OK"
        with pytest.raises(UnauthorizedError):
            await asyncio.to_thread(api.datasets.create, name="d")
