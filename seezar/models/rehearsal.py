"""The imports that LiteLLM puts off until the first request, done before one is waited for.

They take a second, and on a busy machine as long as a provider is given to answer.
"""

import asyncio
import importlib
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

from seezar.models.offline import OFFLINE_MODEL

# The client of most providers; the rest are spoken to with httpx, which LiteLLM has loaded by then.
_CLIENTS = ("openai.resources.chat.completions", "openai.resources.embeddings", "openai.lib.streaming.chat")


@lru_cache(maxsize=2)
def rehearse(litellm: Any, *, outside: bool) -> None:
    """Go the way of a request, plain and streamed, to `offline/rules`, which sends nothing; once in a process.

    Args:
        litellm: the module, with the provider `offline` registered.
        outside: whether requests will be sent, so that their clients are needed as well.
    """
    if outside:
        for module in _CLIENTS:
            importlib.import_module(module)
    # A loop of its own: whoever warms up may have one that runs.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(_requests(litellm))).result()


async def _requests(litellm: Any) -> None:
    messages = [{"role": "user", "content": "hello"}]
    await litellm.acompletion(model=OFFLINE_MODEL, messages=messages)
    async for _ in await litellm.acompletion(model=OFFLINE_MODEL, messages=messages, stream=True):
        pass
