"""Reading `litellm_config.yaml`: the format of the LiteLLM proxy, checked, with the line of whatever is wrong."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import yaml
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, ValidationError, model_validator

from seezar.models.errors import ModelConfigInvalid

CHAT_GROUPS = ("fast", "smart", "judge")
EMBED_GROUP = "embed"

type _Place = tuple[str | int, ...]


class QuotaEntry(BaseModel):
    """`model_info.quota` of a deployment: what its provider gives for nothing. Ours; LiteLLM passes it over."""

    model_config = ConfigDict(extra="forbid")

    shared: str | None = Field(default=None, description="Name of the limit, for deployments that have it in common.")
    requests_per_day: PositiveInt | None = None
    requests_per_month: PositiveInt | None = None
    tokens_per_day: PositiveInt | None = None


class InfoEntry(BaseModel):
    """`model_info` of a deployment."""

    model_config = ConfigDict(extra="allow")

    id: str | None = Field(default=None, min_length=1)
    quota: QuotaEntry = QuotaEntry()


class ParametersEntry(BaseModel):
    """`litellm_params` of a deployment; what is not named here goes to LiteLLM as it is."""

    model_config = ConfigDict(extra="allow")

    model: str = Field(min_length=1)
    order: int = 1
    rpm: PositiveInt | None = None


class DeploymentEntry(BaseModel):
    """One entry of `model_list`."""

    model_config = ConfigDict(extra="allow")

    model_name: str = Field(min_length=1)
    litellm_params: ParametersEntry
    model_info: InfoEntry = InfoEntry()

    @property
    def name(self) -> str:
        """Its id; where none is given, one that tells it from others."""
        return self.model_info.id or f"{self.model_name}-{self.litellm_params.model}"


class SettingsEntry(BaseModel):
    """What seezar reads of `router_settings`; the rest is for the proxy."""

    model_config = ConfigDict(extra="allow")

    timeout: PositiveFloat = Field(default=30.0, description="Seconds for an answer that is not streamed.")
    stream_timeout: PositiveFloat = Field(default=10.0, description="Seconds for the next piece of one that is.")
    cooldown_time: PositiveFloat = Field(default=60.0, description="Seconds of rest after a first failure.")
    fallbacks: list[dict[str, list[str]]] = []
    context_window_fallbacks: list[dict[str, list[str]]] = []
    content_policy_fallbacks: list[dict[str, list[str]]] = []


class PoolFile(BaseModel):
    """The file."""

    model_config = ConfigDict(extra="allow")

    model_list: list[DeploymentEntry]
    router_settings: SettingsEntry = SettingsEntry()

    @model_validator(mode="after")
    def _consistent(self) -> "PoolFile":
        seen: set[str] = set()
        for entry in self.model_list:
            if entry.name in seen:
                raise ValueError(f"two deployments have the id {entry.name}; set model_info.id")
            seen.add(entry.name)
        groups = {*CHAT_GROUPS, EMBED_GROUP, *(entry.model_name for entry in self.model_list)}
        settings = self.router_settings
        for table in (settings.fallbacks, settings.context_window_fallbacks, settings.content_policy_fallbacks):
            for fallback in table:
                for group in {*fallback, *(name for names in fallback.values() for name in names)} - groups:
                    raise ValueError(f"a fallback names the group {group}, which no deployment has")
        return self


def read_pool_file(path: Path) -> tuple[PoolFile, list[Mapping[str, Any]]]:
    """Read and check the file.

    Returns:
        what it says, and the entries of `model_list` as they stand there.

    Raises:
        ModelConfigInvalid: it cannot be read or does not say what is needed; names the line and the key.
    """
    try:
        text = path.read_text(encoding="utf-8")
        node = cast("yaml.Node | None", yaml.compose(text, Loader=yaml.SafeLoader))  # pyright: ignore[reportUnknownMemberType]
        document = yaml.safe_load(text)
    except OSError as error:
        raise _invalid(path, error.strerror or str(error)) from None
    except UnicodeDecodeError:
        raise _invalid(path, "it is not UTF-8 text") from None
    except yaml.MarkedYAMLError as error:
        where = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise _invalid(path, f"{where}{error.problem}") from None
    except yaml.YAMLError as error:
        raise _invalid(path, str(error).partition("\n")[0]) from None
    if not isinstance(document, dict):
        raise _invalid(path, "line 1: the file must be a mapping with the key model_list")
    try:
        file = PoolFile.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise _invalid(path, _told(node, first["loc"], first["msg"])) from None
    return file, cast("list[Mapping[str, Any]]", document["model_list"])


def _told(node: yaml.Node | None, place: _Place, message: str) -> str:
    words = message.removeprefix("Value error, ")
    if not place:
        return words
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).lstrip(".")
    return f"line {_line(node, place)}: {key}: {words[0].lower()}{words[1:]}"


def _line(node: yaml.Node | None, place: _Place) -> int:
    """The line of the innermost part of `place` that is there."""
    line = 1
    for part in place:
        found = next(((mark, child) for name, mark, child in _children(node) if name == part), None)
        if found is None:
            break
        line, node = found[0] + 1, found[1]
    return line


def _children(node: yaml.Node | None) -> Iterator[tuple[str | int, int, yaml.Node]]:
    """Name, line from 0 and value of each."""
    if isinstance(node, yaml.SequenceNode):
        yield from ((number, value.start_mark.line, value) for number, value in enumerate(node.value))
    elif isinstance(node, yaml.MappingNode):
        yield from ((key.value, key.start_mark.line, value) for key, value in node.value)


def _invalid(path: Path, reason: str) -> ModelConfigInvalid:
    return ModelConfigInvalid(
        f"The model pool {path.name} cannot be used: {reason}.",
        kept="Nothing was sent to any model.",
        next_step="Correct the file, or point SEEZAR_LITELLM_CONFIG to another one.",
    )
