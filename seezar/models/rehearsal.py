"""The imports that LiteLLM puts off until the first request, done before one is waited for.

They take a second, and on a busy machine as long as a provider is given to answer.
"""

import asyncio
import importlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from seezar.models.offline import OFFLINE_MODEL

# The client of most providers; the rest are spoken to with httpx, which LiteLLM has loaded by then.
_CLIENTS = ("openai.resources.chat.completions", "openai.resources.embeddings", "openai.lib.streaming.chat")


def rehearse(litellm: Any, *, outside: bool) -> None:
    """Go the way of a request, plain and streamed, to `offline/rules`, which sends nothing.

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
    router = litellm.Router(
        model_list=[{"model_name": "rehearsal", "litellm_params": {"model": OFFLINE_MODEL}}],
        num_retries=0,
        disable_cooldowns=True,
    )
    messages = [{"role": "user", "content": "hello"}]
    await router.acompletion(model="rehearsal", messages=messages)
    async for _ in await router.acompletion(model="rehearsal", messages=messages, stream=True):
        pass
