"""What is warmed up is warm: the first request loads next to nothing."""

import subprocess
import sys

import pytest

_SCRIPT = """
import asyncio, sys, tempfile
from pathlib import Path
from playground.providers import Provider
from seezar.models.pool import load_pool
from seezar.models.router import ModelRouter

async def main():
    async with Provider() as provider:
        pool = Path(tempfile.mkdtemp()) / "pool.yaml"
        entry = f"{{model: {sys.argv[1]}, api_key: k, api_base: '{provider.url}'}}"
        pool.write_text(f"model_list: [{{model_name: fast, litellm_params: {entry}}}]")
        router = ModelRouter(load_pool(pool))
        # As whoever has a loop does it, without a thread.
        router.warm_up()
        loaded = set(sys.modules)
        for stream in (False, True):
            answer = await router.acompletion("fast", [{"role": "user", "content": "hello"}], stream=stream)
            if stream:
                [piece async for piece in answer]
        print(provider.hits, *sorted(set(sys.modules) - loaded))

asyncio.run(main())
"""


@pytest.mark.parametrize("model", ["openai/m", "mistral/mistral-small-latest"])
def test_the_first_request_imports_next_to_nothing(model: str) -> None:
    done = subprocess.run([sys.executable, "-c", _SCRIPT, model], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    hits, *loaded = done.stdout.split()
    assert hits == "2"
    # LiteLLM has a module or two of its own for each provider; without a rehearsal it loads hundreds.
    assert len(loaded) <= 10, loaded
