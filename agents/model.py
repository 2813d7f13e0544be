"""The model pool as an ADK model: agents name a group, the router of `seezar.models` finds a deployment."""

from collections.abc import AsyncGenerator
from typing import Any, override

from google.adk.models import LlmCapabilities, LLMRegistry
from google.adk.models.lite_llm import LiteLlm, LiteLLMClient
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse

from seezar.models import litellm_import
from seezar.models.errors import ModelStreamCut
from seezar.models.pool import CHAT_GROUPS
from seezar.models.router import ModelRouter, get_router

# Times that one answer is begun; a deployment that broke off rests, so each time it is another one.
_MOST_TURNS = 3


class PoolClient(LiteLLMClient):
    """Sends ADK's LiteLLM requests through the router.

    Args:
        router: None takes the router of this process, made on the first request.
    """

    def __init__(self, router: ModelRouter | None = None) -> None:
        # ADK imports LiteLLM by itself before the first request; its defaults are read at that import.
        litellm_import.prepare_environment()
        self._router = router

    @override
    async def acompletion(self, model: Any, messages: Any, tools: Any, **kwargs: Any) -> Any:
        router = self._router or get_router()
        return await router.acompletion(model, messages, tools, **kwargs)


class PoolModel(LiteLlm):
    """A group of the pool. ADK sees the group's name only, and which deployment answered in `model_version`."""

    def __init__(self, model: str = "fast", **kwargs: Any) -> None:
        super().__init__(model=model, **{"llm_client": PoolClient(), **kwargs})

    @override
    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        """As ADK's. An answer that breaks off in the middle is asked for again: what a chat was shown of it is shown
        once more, and only the whole one is stored.
        """
        for left in reversed(range(_MOST_TURNS)):
            try:
                async for response in super().generate_content_async(llm_request.model_copy(deep=False), stream):
                    yield response
                return
            except ModelStreamCut:
                if not left:
                    raise

    @property
    @override
    def capabilities(self) -> LlmCapabilities:
        # A group mixes providers, so it promises only what all of them can do. Answering without LiteLLM also keeps
        # its import, which takes seconds, out of the construction of an agent.
        return LlmCapabilities(output_schema_and_tools=False)

    @classmethod
    @override
    def supported_models(cls) -> list[str]:
        return list(CHAT_GROUPS)


def register() -> None:
    """Let ADK resolve the group names, so that `judge_model: "judge"` in an eval config means our group."""
    LLMRegistry.register(PoolModel)
