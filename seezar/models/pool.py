"""The model pool: what `litellm_config.yaml` offers and which of it can be used with the keys of this machine."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from seezar.models.offline import EMBED_MODEL, JUDGE_MODEL, OFFLINE_MODEL, OFFLINE_MODELS
from seezar.models.pool_file import CHAT_GROUPS, EMBED_GROUP, DeploymentEntry, SettingsEntry, read_pool_file

_FROM_ENVIRONMENT = "os.environ/"
# Of an entry, what only LiteLLM's own router reads.
_OF_THE_PROXY = frozenset({"order", "rpm", "tpm", "weight", "max_parallel_requests"})
_OFFLINE_PRICES = {"input_cost_per_token": 0.0, "output_cost_per_token": 0.0}


@dataclass(frozen=True, slots=True)
class Quota:
    """What a provider gives. Deployments with the same `name` have it in common."""

    name: str
    requests_per_minute: int | None = None
    requests_per_day: int | None = None
    requests_per_month: int | None = None
    tokens_per_day: int | None = None


@dataclass(frozen=True, slots=True)
class Deployment:
    """One entry of `model_list`, or one that a group without a usable deployment has borrowed from another.

    Attributes:
        group: the name that agents ask for.
        model: LiteLLM's model id, provider first.
        name: its id in the file, also where it is borrowed: what is counted, and what rests.
        variables: environment variables that it needs.
        order: the tier; all of 1 are asked before 2.
        quota: what its provider gives.
        entry: as it stands in the file.
    """

    group: str
    model: str
    name: str
    variables: tuple[str, ...]
    order: int
    quota: Quota
    entry: Mapping[str, Any]

    @property
    def is_chat(self) -> bool:
        """Whether it holds conversations, and does not make embeddings."""
        return self.group != EMBED_GROUP

    @property
    def is_offline(self) -> bool:
        """Whether a stand-in on this machine answers, and nothing is sent."""
        return self.model in OFFLINE_MODELS

    def parameters(self) -> dict[str, Any]:
        """What LiteLLM is called with: the entry's `litellm_params`, with keys looked up now. Holds secrets."""
        entry: Mapping[str, Any] = self.entry["litellm_params"]
        return {name: _looked_up(value) for name, value in entry.items() if name not in _OF_THE_PROXY}


@dataclass(frozen=True, slots=True)
class Policy:
    """How the pool is asked. Times in seconds; fallbacks are groups that are asked when all of a group failed.

    Attributes:
        timeout: for an answer that is not streamed.
        stream_timeout: for the next piece of one that is.
        cooldown: rest after a first failure.
        fallbacks: by group.
        context_window_fallbacks: groups with a larger window, for a request that is too long.
        content_policy_fallbacks: groups for a request whose content was refused.
    """

    timeout: float = 30.0
    stream_timeout: float = 10.0
    cooldown: float = 60.0
    fallbacks: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    context_window_fallbacks: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    content_policy_fallbacks: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])


@dataclass(frozen=True, slots=True)
class Pool:
    """Deployments that can be used here.

    Attributes:
        deployments: those whose keys are set; stand-ins on this machine where none is.
        left_out: those whose keys are missing.
        unset: the environment variables that they need and that are not set.
        policy: how they are asked.
        proxy: address of the LiteLLM proxy that all of them are reached through.
        replayed: file of the recording that answers instead.
    """

    deployments: tuple[Deployment, ...]
    left_out: tuple[Deployment, ...] = ()
    policy: Policy = field(default_factory=Policy)
    unset: frozenset[str] = frozenset()
    proxy: str | None = None
    replayed: Path | None = None

    def missing(self, deployment: Deployment) -> tuple[str, ...]:
        """The variables that a deployment lacks."""
        return tuple(variable for variable in deployment.variables if variable in self.unset)

    @property
    def is_offline(self) -> bool:
        """Whether stand-ins hold every conversation."""
        return all(deployment.is_offline for deployment in self.deployments if deployment.is_chat)

    def of(self, group: str) -> tuple[Deployment, ...]:
        """The deployments of `group`."""
        return tuple(deployment for deployment in self.deployments if deployment.group == group)

    def under(self, quota: str) -> frozenset[str]:
        """Names of the deployments that have the quota in common."""
        return frozenset(d.name for d in (*self.deployments, *self.left_out) if d.quota.name == quota)


def _looked_up(value: object) -> object:
    if isinstance(value, str) and value.startswith(_FROM_ENVIRONMENT):
        return os.environ.get(value.removeprefix(_FROM_ENVIRONMENT))
    return value


def default_config_path() -> Path:
    """`litellm_config.yaml` of the project."""
    return Path(__file__).resolve().parents[2] / "litellm_config.yaml"


def load_pool(path: Path | None = None, environ: Mapping[str, str] | None = None) -> Pool:
    """Read the pool.

    Args:
        path: the YAML file, in the format of the LiteLLM proxy; None takes the project's, and where seezar was
            installed without it, no provider.
        environ: where keys are looked up; None takes the process environment.

    Returns:
        The usable pool. A chat group without a usable deployment borrows those of the first chat group that has some;
        `offline/rules` (for judge: `offline/judge`) stands in when no chat deployment is usable at all, and
        `offline/embed` when none for embeddings is.

    Raises:
        ModelConfigInvalid: the file cannot be read, or does not say what is needed.
    """
    if path is None and not default_config_path().exists():
        return offline_pool()
    environ = os.environ if environ is None else environ
    file, entries = read_pool_file(path or default_config_path())
    every = [_deployment(*pair) for pair in zip(file.model_list, entries, strict=True)]
    usable = [d for d in every if all(environ.get(variable) for variable in d.variables)]
    left_out = tuple(d for d in every if d not in usable)
    deployments = (*_chat(usable), *_embed(usable))
    unset = frozenset(variable for d in left_out for variable in d.variables if not environ.get(variable))
    return Pool(deployments, left_out, _policy(file.router_settings), unset)


def offline_pool() -> Pool:
    """The pool that asks no provider, whatever keys are set."""
    return Pool((*_chat([]), *_embed([])))


def proxy_pool(url: str, key: str | None, policy: Policy) -> Pool:
    """The pool of a LiteLLM proxy: each group is one deployment. Whom it asks, and their quotas, are its business.

    Args:
        url: its address; without a path, that of its OpenAI API is added.
        key: of the proxy; None where it asks for none.
        policy: the times of it hold; another group is asked by the proxy itself.
    """
    base = url.rstrip("/") + ("" if urlsplit(url).path.strip("/") else "/v1")
    times = Policy(policy.timeout, policy.stream_timeout, policy.cooldown)
    deployments = (
        _made(group, f"litellm_proxy/{group}", f"{group}-proxy", {"api_base": base, "api_key": key or "none"})
        for group in (*CHAT_GROUPS, EMBED_GROUP)
    )
    return Pool(tuple(deployments), policy=times, proxy=url)


def replayed_pool(file: Path) -> Pool:
    """The pool of which a recording is everything."""
    return Pool(
        tuple(_made(group, "recording/replayed", f"{group}-recording", {}) for group in (*CHAT_GROUPS, EMBED_GROUP)),
        replayed=file,
    )


def _embed(usable: Sequence[Deployment]) -> list[Deployment]:
    found = [d for d in usable if d.group == EMBED_GROUP]
    return found or [_made(EMBED_GROUP, EMBED_MODEL, "embed-offline", _OFFLINE_PRICES)]


def _chat(usable: Sequence[Deployment]) -> list[Deployment]:
    by_group = {group: [d for d in usable if d.group == group] for group in CHAT_GROUPS}
    lender = next((deployments for deployments in by_group.values() if deployments), None)
    if lender is None:
        stand_ins = {"judge": (JUDGE_MODEL, "judge-offline")}
        return [
            _made(group, *stand_ins.get(group, (OFFLINE_MODEL, f"{group}-offline-rules")), _OFFLINE_PRICES)
            for group in CHAT_GROUPS
        ]
    return [
        d if d.group == group else replace(d, group=group, entry=_renamed(d.entry, group))
        for group in CHAT_GROUPS
        for d in (by_group[group] or lender)
    ]


def _renamed(entry: Mapping[str, Any], group: str) -> dict[str, Any]:
    # LiteLLM finds a deployment by its id, and keeps one of each.
    info = dict(entry["model_info"])
    info["id"] = f"{info['id']}@{group}"
    return {**entry, "model_name": group, "model_info": info}


def _made(group: str, model: str, name: str, parameters: Mapping[str, Any]) -> Deployment:
    """A deployment that is in no file."""
    prices = {key: value for key, value in parameters.items() if key in _OFFLINE_PRICES}
    entry = {
        "model_name": group,
        "litellm_params": {"model": model, **parameters},
        "model_info": {"id": name, **prices},
    }
    return Deployment(group, model, name, (), 1, Quota(name), entry)


def _deployment(said: DeploymentEntry, entry: Mapping[str, Any]) -> Deployment:
    name, quota = said.name, said.model_info.quota
    words = [str(value) for value in cast("Mapping[str, Any]", entry["litellm_params"]).values()]
    return Deployment(
        group=said.model_name,
        model=said.litellm_params.model,
        name=name,
        variables=tuple(w.removeprefix(_FROM_ENVIRONMENT) for w in words if w.startswith(_FROM_ENVIRONMENT)),
        order=said.litellm_params.order,
        quota=Quota(
            quota.shared or name,
            said.litellm_params.rpm,
            quota.requests_per_day,
            quota.requests_per_month,
            quota.tokens_per_day,
        ),
        entry={**entry, "model_info": {**(entry.get("model_info") or {}), "id": name}},
    )


def _policy(said: SettingsEntry) -> Policy:
    return Policy(
        said.timeout,
        said.stream_timeout,
        said.cooldown_time,
        _groups(said.fallbacks),
        _groups(said.context_window_fallbacks),
        _groups(said.content_policy_fallbacks),
    )


def _groups(table: Sequence[Mapping[str, Sequence[str]]]) -> dict[str, tuple[str, ...]]:
    return {group: tuple(names) for fallback in table for group, names in fallback.items()}
