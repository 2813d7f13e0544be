"""One LiteLLM Router over the pool, made when the first request needs it."""

import asyncio
import threading
from functools import lru_cache
from typing import Any

from seezar.models import litellm_import, offline
from seezar.models.errors import ModelRequestForbidden, ModelsUnavailable
from seezar.models.pool import Pool, load_pool
from seezar.settings import get_settings


class ModelRouter:
    """Asks a group of the pool; which deployment answers is LiteLLM's business.

    Args:
        pool: what may be asked.
        allow_requests: False lets only `offline/rules` answer; anything else raises before it is sent.
    """

    def __init__(self, pool: Pool, *, allow_requests: bool = True) -> None:
        self.pool = pool
        self._allow_requests = allow_requests
        self._router: Any = None
        self._building = threading.Lock()

    def warm_up(self) -> Any:
        """Import LiteLLM and build the router now (seconds on a cold machine) instead of on the first request.

        Returns:
            LiteLLM's Router.
        """
        with self._building:
            if self._router is None:
                litellm = litellm_import.load()
                offline.register()
                entries = [_copy(deployment.entry) for deployment in self.pool.deployments]
                self._router = litellm.Router(model_list=entries, **self.pool.router_settings)
            return self._router

    async def acompletion(self, model: str, messages: list[Any], tools: list[Any] | None = None, **kwargs: Any) -> Any:
        """A chat completion, plain or streamed (`stream=True`), as LiteLLM returns it.

        Args:
            model: a group: fast, smart or judge.
            messages: OpenAI-style messages.
            tools: OpenAI-style tools.
            kwargs: any other parameter of a LiteLLM completion.

        Raises:
            ModelRequestForbidden: requests are switched off and the group is not answered by `offline/rules`.
            ModelsUnavailable: no deployment of the group can be asked now.
        """
        self._check(model)
        router = await asyncio.to_thread(self.warm_up) if self._router is None else self._router
        try:
            return await router.acompletion(model=model, messages=messages, tools=tools, **kwargs)
        except _refusals() as error:
            raise ModelsUnavailable(
                f"No model of the group {model!r} can be asked now: {type(error).__name__}.",
                kept="The conversation is stored; runs that were started go on.",
                next_step="Try again in a minute, or add a provider key (litellm_config.yaml lists them).",
            ) from error

    def _check(self, group: str) -> None:
        deployments = self.pool.of(group)
        if not deployments:
            known = ", ".join(sorted({deployment.group for deployment in self.pool.deployments}))
            raise ModelsUnavailable(f"There is no model group {group!r}.", next_step=f"Known groups: {known}.")
        outside = [d.model for d in deployments if d.model != offline.OFFLINE_MODEL]
        if outside and not self._allow_requests:
            raise ModelRequestForbidden(
                f"A request to the group {group!r} ({', '.join(outside)}) was about to leave this process.",
                kept="Nothing was sent.",
                next_step="Set SEEZAR_ALLOW_MODEL_REQUESTS=true to allow model requests.",
            )


def _refusals() -> tuple[type[Exception], ...]:
    """The exceptions that say "not now" or "not with this key". A request that is wrong in itself stays an error."""
    litellm = litellm_import.load()
    errors = litellm.exceptions
    return (
        errors.RateLimitError,
        errors.AuthenticationError,
        errors.PermissionDeniedError,
        errors.NotFoundError,
        errors.Timeout,
        errors.APIConnectionError,
        errors.InternalServerError,
        errors.ServiceUnavailableError,
        litellm.types.router.RouterRateLimitError,
    )


def _copy(entry: Any) -> dict[str, Any]:
    # The Router writes into the entries that it is given.
    return {key: dict(value) if isinstance(value, dict) else value for key, value in entry.items()}  # pyright: ignore[reportUnknownArgumentType]


@lru_cache(maxsize=1)
def get_router() -> ModelRouter:
    """The router of this process, from the settings.

    Raises:
        ModelConfigInvalid: `litellm_config.yaml` cannot be used.
    """
    settings = get_settings()
    return ModelRouter(load_pool(settings.litellm_config), allow_requests=settings.allow_model_requests)
