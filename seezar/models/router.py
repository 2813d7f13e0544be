"""Asking a group of the pool: the next deployment at once when one fails, none that is known to fail.

LiteLLM speaks with the providers. Which of them is asked is decided here, since its own router waits through
Retry-After, does not let a group's only deployment rest, forgets with its process, and does not count by day.
"""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from seezar.models import litellm_import, offline
from seezar.models.budget import Budget, Limits, Run, current_run
from seezar.models.choice import Choice
from seezar.models.connection import LedgerDatabase
from seezar.models.costs import cost_of
from seezar.models.errors import (
    ModelBudgetSpent,
    ModelRequestForbidden,
    ModelRequestRefused,
    ModelStreamCut,
    ModelsUnavailable,
)
from seezar.models.failures import Failure, Kind, failure_of
from seezar.models.ledger import Known, Ledger, Usage, next_day
from seezar.models.pool import Deployment, Pool, load_pool, proxy_pool, replayed_pool
from seezar.models.pool_file import EMBED_GROUP
from seezar.models.rehearsal import rehearse
from seezar.models.tape import Embeddings, Tape
from seezar.settings import Settings, get_settings
from seezar.telemetry.model_calls import note_answer
from seezar.telemetry.revealed import revealed
from seezar.telemetry.rules import masked

# Who is asked for one request; more of them would keep somebody waiting who is better told.
_MOST_ASKED = 8
_END = object()


@dataclass(slots=True)
class _Request:
    """One request on its way through the pool."""

    groups: Sequence[str]
    parameters: dict[str, Any]
    model: str | None = None
    run: Run | None = field(default_factory=current_run)
    tried: dict[str, Failure] = field(default_factory=dict[str, Failure])

    @property
    def stream(self) -> bool:
        return bool(self.parameters.get("stream"))


class ModelRouter:
    """Asks a group of the pool.

    Args:
        pool: what may be asked.
        allow_requests: False lets only the stand-ins of this machine answer; anything else raises before it is sent.
        ledger: what all processes know of the deployments; None keeps that in this router.
        budget: what may be spent in a day, and in one run.
        tape: records what is asked and answered, or answers from a recording.
        clock: epoch seconds.
    """

    def __init__(
        self,
        pool: Pool,
        *,
        allow_requests: bool = True,
        ledger: Ledger | None = None,
        budget: Budget | None = None,
        tape: Tape | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.pool = pool
        self.ledger = ledger or Ledger(clock=clock)
        self._allow_requests = allow_requests
        self._budget = budget or Budget()
        self._tape = tape
        self.choice = Choice(pool, clock=clock)
        self._litellm: Any = None
        self._loading = threading.Lock()

    def warm_up(self) -> None:
        """Import LiteLLM and go the way of a request once, now (seconds on a cold machine) instead of on the first
        request.
        """
        with self._loading:
            if self._litellm is None:
                litellm = litellm_import.load()
                offline.register()
                rehearse(litellm, outside=not all(d.is_offline for d in self.pool.deployments))
                self._litellm = litellm

    async def acompletion(self, model: str, messages: list[Any], tools: list[Any] | None = None, **kwargs: Any) -> Any:
        """A chat completion, plain or streamed (`stream=True`), as LiteLLM returns it.

        Args:
            model: a group: fast, smart or judge.
            messages: OpenAI-style messages.
            tools: OpenAI-style tools.
            kwargs: any other parameter of a LiteLLM completion.

        Raises:
            ModelRequestForbidden: requests are switched off and the group is not answered by a stand-in.
            ModelBudgetSpent: no more is to be spent today, or in this run.
            ModelsUnavailable: no deployment of the group can be asked now.
            ModelRequestRefused: whoever was asked says that the request itself is at fault.
            ModelStreamCut: from the stream: it broke off in the middle.
        """
        parameters = {"messages": messages, "tools": tools, **kwargs}

        async def ask() -> Any:
            groups = (model, *self.pool.policy.fallbacks.get(model, ()))
            return await self._ask_pool(model, _Request(groups, parameters))

        return await (ask() if self._tape is None else self._tape.completion({"model": model, **parameters}, ask))

    async def aembedding(self, input: Sequence[str], *, model: str | None = None) -> Embeddings:  # noqa: A002 - LiteLLM's name for it
        """Embeddings of the group `embed`.

        Args:
            input: texts.
            model: the one that made the vectors that these are to be compared with; None takes that of the group's
                first deployment. Where it cannot be asked, no other model stands in.

        Raises:
            ModelRequestForbidden, ModelBudgetSpent, ModelsUnavailable, ModelRequestRefused: as for a completion.
        """
        texts = list(input)

        async def ask() -> Embeddings:
            wanted = model or self._embedding_model()
            answer = await self._ask_pool(EMBED_GROUP, _Request((EMBED_GROUP,), {"input": texts}, wanted))
            return Embeddings(wanted, [list(row["embedding"]) for row in answer.data])

        return await (ask() if self._tape is None else self._tape.embedding({"model": model, "input": texts}, ask))

    def _embedding_model(self) -> str:
        """That of the group's first deployment, whether it rests or not: it is the same from request to request."""
        self._check(EMBED_GROUP, sends=False)
        return min(self.pool.of(EMBED_GROUP), key=lambda d: d.order).model

    async def _ask_pool(self, group: str, request: _Request) -> Any:
        """The answer of the first deployment that gives one."""
        self._check(group, request.model)
        if self._litellm is None:
            await asyncio.to_thread(self.warm_up)
        last: BaseException | None = None
        while len(request.tried) < _MOST_ASKED:
            known = await self._known()
            self._check_budget(known)
            deployment = self.choice.next(request.groups, known, request.tried, model=request.model)
            if deployment is None:
                break
            try:
                return await self._ask(deployment, known, request)
            except Exception as error:
                failure = failure_of(error)
                if failure is None:
                    raise
                last = error
                self._failed(deployment, failure)
                request.tried[deployment.name] = failure
                request.groups = self._groups_after(deployment, failure, request)
        raise self._gave_up(group, request, await self._known()) from last

    async def probe(self, deployment: Deployment) -> tuple[str, Failure | None]:
        """Ask one deployment for a word, whether it rests or not.

        Returns:
            what it said, and what went wrong.

        Raises:
            ModelRequestForbidden: requests are switched off.
        """
        self._check(deployment.group)
        if self._litellm is None:
            await asyncio.to_thread(self.warm_up)
        request = _Request((), {"messages": [{"role": "user", "content": "Say OK."}], "max_tokens": 64})
        try:
            answer = await self._ask(deployment, await self.ledger.known(), request)
        except Exception as error:
            if (failure := failure_of(error)) is None:
                raise
            self._failed(deployment, failure)
            return "", failure
        return answer.choices[0].message.content or "", None

    async def _known(self) -> Known:
        # Who asks no provider needs no ledger, and no database.
        offline_only = all(deployment.is_offline for deployment in self.pool.deployments)
        return Known() if offline_only else await self.ledger.known()

    async def _ask(self, deployment: Deployment, known: Known, request: _Request) -> Any:
        """The answer of one deployment; of a stream, once its first piece is there."""
        policy = self.pool.policy
        self.choice.begin(deployment, known)
        try:
            patience = min(
                policy.stream_timeout if request.stream else policy.timeout,
                request.parameters.get("timeout") or policy.timeout,
            )
            if request.run is not None and not deployment.is_offline:
                request.run.add(Usage(requests=1))
            ask = self._litellm.acompletion if deployment.is_chat else self._litellm.aembedding
            # Whatever says how often or how long to try is ours.
            parameters = {**deployment.parameters(), **request.parameters, "timeout": patience, "max_retries": 0}
            async with asyncio.timeout(patience):
                answer = await ask(**parameters)
                if not request.stream:
                    self._answered(deployment, answer.usage, answer, request.run)
                    return answer
                pieces = aiter(answer)
                first = await anext(pieces, _END)
            return self._streamed(deployment, pieces, first, request.run)
        finally:
            self.choice.end(deployment)

    async def _streamed(
        self, deployment: Deployment, pieces: AsyncIterator[Any], piece: Any, run: Run | None
    ) -> AsyncIterator[Any]:
        """The pieces of a stream, from the first one on, which is there already."""
        usage: Any = None
        try:
            while piece is not _END:
                usage = getattr(piece, "usage", None) or usage
                yield piece
                async with asyncio.timeout(self.pool.policy.stream_timeout):
                    piece = await anext(pieces, _END)
            self._answered(deployment, usage, None, run)
        except Exception as error:
            if (failure := failure_of(error)) is None:
                raise
            self._failed(deployment, Failure(Kind.CUT, failure.retry_after))
            raise ModelStreamCut(
                f"The answer of {deployment.model} broke off in the middle.",
                kept="The conversation is stored; runs that were started go on.",
                next_step="Ask again; another model answers.",
            ) from error

    def _answered(self, deployment: Deployment, usage: Any, answer: Any, run: Run | None) -> None:
        tokens = tuple(int(getattr(usage, name, 0) or 0) for name in ("prompt_tokens", "completion_tokens"))
        if deployment.is_offline:
            note_answer(deployment.name, deployment.model, *tokens, cost_usd=0.0)
            return
        self.ledger.recovered(deployment.name)
        cost = cost_of(deployment, *tokens, told=getattr(answer, "_hidden_params", {}).get("response_cost"))
        note_answer(deployment.name, deployment.model, *tokens, cost_usd=cost)
        self.ledger.used(deployment.name, Usage(1, 0, *tokens, cost_usd=cost))
        if run is not None:
            run.add(Usage(0, 0, *tokens, cost_usd=cost))

    def _failed(self, deployment: Deployment, failure: Failure) -> None:
        self.ledger.used(deployment.name, Usage(requests=1, failures=1))
        self.ledger.failed(deployment.name, failure, cooldown=self.pool.policy.cooldown)

    def _groups_after(self, deployment: Deployment, failure: Failure, request: _Request) -> Sequence[str]:
        """The groups that are asked from now on: those that can take what this one could not."""
        policy = self.pool.policy
        table = {
            Kind.TOO_LONG: policy.context_window_fallbacks,
            Kind.REFUSED_CONTENT: policy.content_policy_fallbacks,
        }.get(failure.kind, {})
        return table.get(deployment.group) or request.groups

    def _gave_up(self, group: str, request: _Request, known: Known) -> Exception:
        asked = ", ".join(f"{name}: {failure.kind}" for name, failure in request.tried.items())
        if request.tried and all(failure.of_the_request for failure in request.tried.values()):
            return ModelRequestRefused(
                f"No model of the group {group!r} can answer this request ({asked}).",
                kept="The conversation is stored; runs that were started go on.",
                next_step="Ask for less, or in other words.",
            )
        asked_for = [d for name in request.groups for d in self.pool.of(name) if request.model in (None, d.model)]
        idle = {d.name: self.choice.idle(d, known) for d in asked_for}
        resting = [f"{name}: {why.reason} until {_clock(why.until)}" for name, why in idle.items() if why is not None]
        soonest = min((why.until for why in idle.values() if why is not None), default=None)
        return ModelsUnavailable(
            f"No model of the group {group!r} can be asked now ({', '.join(resting) or asked}).",
            kept="The conversation is stored; runs that were started go on.",
            next_step=f"Try again {f'at {_clock(soonest)}' if soonest else 'in a minute'}, or add a provider key "
            "(seezar models list names them).",
        )

    def _check_budget(self, known: Known) -> None:
        if (spent := self._budget.spent_in_run()) is not None:
            raise ModelBudgetSpent(
                f"The budget for models is spent for this turn or run: {spent}.",
                kept="Nothing more was sent; the conversation is stored, and runs that were started go on.",
                next_step="Ask again for what is left to do; SEEZAR_MODEL_…_PER_RUN set it.",
            )
        if (spent := self._budget.spent_today(known)) is not None:
            raise ModelBudgetSpent(
                f"The budget for models is spent for today: {spent}.",
                kept="Nothing was sent; the conversation is stored, and runs that were started go on.",
                next_step=f"It begins anew at {_clock(next_day(time.time()))}; SEEZAR_MODEL_…_PER_DAY set it.",
            )

    def _check(self, group: str, model: str | None = None, *, sends: bool = True) -> None:
        deployments = self.pool.of(group)
        if not deployments:
            known = ", ".join(sorted({deployment.group for deployment in self.pool.deployments}))
            raise ModelsUnavailable(f"There is no model group {group!r}.", next_step=f"Known groups: {known}.")
        if model is not None and not any(d.model == model for d in deployments):
            raise ModelsUnavailable(
                f"No deployment of the group {group!r} has the model {model}.",
                kept="Nothing was sent, and no other model is asked: its vectors cannot be compared.",
                next_step="Set its key again, or make the vectors anew with the model that is there.",
            )
        outside = [d.model for d in deployments if not d.is_offline]
        if outside and sends and not self._allow_requests:
            raise ModelRequestForbidden(
                f"A request to the group {group!r} ({', '.join(outside)}) was about to leave this process.",
                kept="Nothing was sent.",
                next_step="Set SEEZAR_ALLOW_MODEL_REQUESTS=true to allow model requests.",
            )


def _clock(at: float) -> str:
    moment, now = datetime.fromtimestamp(at, UTC), datetime.fromtimestamp(time.time(), UTC)
    return f"{moment:%H:%M:%S} UTC" if moment.date() == now.date() else f"{moment:%Y-%m-%d %H:%M} UTC"


def build_router(settings: Settings, ledger: Ledger) -> ModelRouter:
    """A router as the settings say.

    Raises:
        ModelConfigInvalid: `litellm_config.yaml` cannot be used.
        ModelRecordingInvalid: the recording cannot be read or written.
    """
    tape: Tape | None = None
    file = settings.model_recording
    if file is not None:
        from seezar.models.recording import Recorder
        from seezar.models.replaying import Replay

        revealed.listening = True
        tape = (Recorder if settings.model_recording_mode == "record" else Replay)(file, _without_secrets)
    return ModelRouter(
        _pool(settings),
        allow_requests=settings.allow_model_requests,
        ledger=ledger,
        budget=Budget(
            Limits(settings.model_requests_per_day, settings.model_tokens_per_day, settings.model_usd_per_day),
            Limits(settings.model_requests_per_run, settings.model_tokens_per_run, settings.model_usd_per_run),
        ),
        tape=tape,
    )


def _without_secrets(text: str) -> str:
    return masked(revealed.redactor()(text))


def _pool(settings: Settings) -> Pool:
    if settings.model_recording is not None and settings.model_recording_mode == "replay":
        return replayed_pool(settings.model_recording)
    pool = load_pool(settings.litellm_config)
    if settings.litellm_url is None:
        return pool
    key = settings.litellm_key.get_secret_value() if settings.litellm_key else None
    return proxy_pool(settings.litellm_url, key, pool.policy)


@lru_cache(maxsize=1)
def get_router() -> ModelRouter:
    """The router of a process without an `Application` that lasts, such as a server of ADK.

    Raises:
        ModelConfigInvalid: `litellm_config.yaml` cannot be used.
    """
    settings = get_settings()
    return build_router(settings, Ledger(LedgerDatabase(settings)))
