"""The model pool: what `litellm_config.yaml` offers and which of it can be used with the keys of this machine."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import yaml

from seezar.models.errors import ModelConfigInvalid
from seezar.models.offline import OFFLINE_MODEL

CHAT_GROUPS = ("fast", "smart", "judge")
EMBED_GROUP = "embed"

_FROM_ENVIRONMENT = "os.environ/"
_OFFLINE_PRICES = {"input_cost_per_token": 0.0, "output_cost_per_token": 0.0}


@dataclass(frozen=True, slots=True)
class Deployment:
    """One entry of `model_list`.

    Attributes:
        group: the name that agents ask for.
        model: LiteLLM's model id, provider first.
        variables: environment variables that it needs.
        entry: the entry as LiteLLM's Router takes it.
    """

    group: str
    model: str
    variables: tuple[str, ...]
    entry: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Pool:
    """Deployments that can be used here.

    Attributes:
        deployments: those whose keys are set; only `offline/rules` when none is.
        left_out: those whose keys are missing, for `seezar models list` and for error texts.
        router_settings: keyword arguments of LiteLLM's Router.
    """

    deployments: tuple[Deployment, ...]
    left_out: tuple[Deployment, ...] = ()
    router_settings: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def is_offline(self) -> bool:
        """Whether `offline/rules` answers everything."""
        return all(deployment.model == OFFLINE_MODEL for deployment in self.deployments)

    def of(self, group: str) -> tuple[Deployment, ...]:
        """The deployments of `group`."""
        return tuple(deployment for deployment in self.deployments if deployment.group == group)


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
        `offline/rules` stands in when no chat deployment is usable at all.

    Raises:
        ModelConfigInvalid: the file cannot be read, or an entry lacks its group or model.
    """
    if path is None and not default_config_path().exists():
        return offline_pool()
    path = path or default_config_path()
    environ = os.environ if environ is None else environ
    document = _read(path)
    entries = _list(document, "model_list", path)
    every = [_deployment(entry, number, path) for number, entry in enumerate(entries, start=1)]
    usable = [d for d in every if all(environ.get(variable) for variable in d.variables)]
    left_out = tuple(d for d in every if d not in usable)
    settings = cast("dict[str, Any]", document.get("router_settings") or {})
    return Pool((*_chat(usable), *(d for d in usable if d.group == EMBED_GROUP)), left_out, settings)


def offline_pool() -> Pool:
    """The pool that asks no provider, whatever keys are set."""
    return Pool(tuple(_chat([])))


def _chat(usable: Sequence[Deployment]) -> list[Deployment]:
    by_group = {group: [d for d in usable if d.group == group] for group in CHAT_GROUPS}
    lender = next((deployments for deployments in by_group.values() if deployments), None)
    if lender is None:
        return [_offline(group) for group in CHAT_GROUPS]
    return [
        d if d.group == group else Deployment(group, d.model, d.variables, _renamed(d.entry, group))
        for group in CHAT_GROUPS
        for d in (by_group[group] or lender)
    ]


def _renamed(entry: Mapping[str, Any], group: str) -> dict[str, Any]:
    info = dict(entry.get("model_info") or {})
    # Cooldowns are counted by id: a borrowed deployment must not share one with its original.
    if "id" in info:
        info["id"] = f"{info['id']}@{group}"
    return {**entry, "model_name": group, "model_info": info}


def _offline(group: str) -> Deployment:
    entry = {
        "model_name": group,
        "litellm_params": {"model": OFFLINE_MODEL, **_OFFLINE_PRICES},
        "model_info": {"id": f"{group}-offline-rules", **_OFFLINE_PRICES},
    }
    return Deployment(group, OFFLINE_MODEL, (), entry)


def _read(path: Path) -> dict[str, Any]:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _invalid(path, error.strerror or str(error)) from None
    except yaml.MarkedYAMLError as error:
        where = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise _invalid(path, f"{where}{error.problem}") from None
    if not isinstance(document, dict):
        raise _invalid(path, "the file must be a mapping with the key model_list")
    return cast("dict[str, Any]", document)


def _list(document: Mapping[str, Any], key: str, path: Path) -> list[Any]:
    value = document.get(key)
    if not isinstance(value, list):
        raise _invalid(path, f"the key {key} must be a list")
    return cast("list[Any]", value)


def _deployment(entry: Any, number: int, path: Path) -> Deployment:
    where = f"entry {number} of model_list"
    if not isinstance(entry, dict):
        raise _invalid(path, f"{where} must be a mapping")
    known = cast("dict[str, Any]", entry)
    values = cast("dict[str, Any]", known.get("litellm_params") or {})
    if not known.get("model_name") or not values.get("model"):
        raise _invalid(path, f"{where} needs model_name and litellm_params.model")
    words = [str(value) for value in values.values()]
    variables = tuple(word.removeprefix(_FROM_ENVIRONMENT) for word in words if word.startswith(_FROM_ENVIRONMENT))
    return Deployment(str(known["model_name"]), str(values["model"]), variables, known)


def _invalid(path: Path, reason: str) -> ModelConfigInvalid:
    return ModelConfigInvalid(
        f"The model pool {path.name} cannot be used: {reason}.",
        kept="Nothing was sent to any model.",
        next_step="Correct the file, or point SEEZAR_LITELLM_CONFIG to another one.",
    )
