"""Instructions of agents that are kept in Langfuse: fetched beside the work, used when there, named in the traces."""

import asyncio
import logging
import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from seezar.errors import SettingsInvalid
from seezar.telemetry.targets import LangfuseProject, langfuse_project

_log = logging.getLogger("seezar.telemetry")

PROMPT_NAME = "langfuse.observation.prompt.name"
PROMPT_VERSION = "langfuse.observation.prompt.version"
"""Attributes by which Langfuse links a model call to a prompt: LangfuseOtelSpanAttributes in langfuse/_client."""

_PREFIX = "seezar-"
_LABEL = "production"
# How long the first turn of an agent waits; it then begins with the instruction that is built in.
_WAIT_S = 2.0
# As Langfuse's own SDK keeps them.
_EXPIRY_S = 60.0
# Ten times the longest instruction of ours: more would not leave room for the conversation in a small model.
_LONGEST = 10_000


@dataclass(frozen=True, slots=True)
class Prompt:
    """A version of a prompt: its name in Langfuse, the version's number, and the text."""

    name: str
    version: int
    text: str


@dataclass(slots=True)
class _Kept:
    prompt: Prompt | None
    until: float


class Prompts:
    """The prompts `seezar-<agent>` of a project, with the label `production`.

    Args:
        project: where they are.
        expiry: seconds after which a prompt is asked for again; the old one serves until the answer is there.
    """

    def __init__(self, project: LangfuseProject, *, expiry: float = _EXPIRY_S) -> None:
        self._project = project
        self._expiry = expiry
        self._kept: dict[str, _Kept] = {}
        self._asking: dict[str, threading.Thread] = {}
        self._used: dict[str, Prompt | None] = {}
        self._lock = threading.Lock()
        self._failing = False
        self._refused: Prompt | None = None

    async def text(self, agent: str) -> str | None:
        """The text to instruct `agent` with from now on; None when there is none, or none that could be had.

        Waits only for the first answer about an agent, and for that two seconds at most.
        """
        kept = self._kept.get(agent)
        if kept is None:
            await asyncio.to_thread(self._ask(agent).join, _WAIT_S)
            # The next turn does not wait for it again.
            kept = self._kept.setdefault(agent, _Kept(None, time.monotonic() + self._expiry))
        elif kept.until < time.monotonic():
            self._ask(agent)
        self._used[agent] = kept.prompt
        return None if kept.prompt is None else kept.prompt.text

    def linked(self, agent: str) -> tuple[str, int] | None:
        """Name and version of the prompt that `agent` was last instructed with; None for the built-in instruction."""
        prompt = self._used.get(agent)
        return None if prompt is None else (prompt.name, prompt.version)

    def _ask(self, agent: str) -> threading.Thread:
        with self._lock:
            thread = self._asking.get(agent)
            if thread is None or not thread.is_alive():
                thread = threading.Thread(target=self._refresh, args=(agent,), name="seezar-prompt", daemon=True)
                self._asking[agent] = thread
                thread.start()
            return thread

    def _refresh(self, agent: str) -> None:
        import httpx

        until = time.monotonic() + self._expiry
        try:
            answer = self._get(_PREFIX + agent)
            prompt = None if answer is None else self._usable(answer)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, TypeError, KeyError) as error:
            self._tell(_reason(error))
            # What is known goes on to serve.
            known = self._kept.get(agent)
            prompt = None if known is None else known.prompt
        else:
            self._tell(None)
        self._kept[agent] = _Kept(prompt, until)

    def _get(self, name: str) -> Mapping[str, Any] | None:
        """The prompt as Langfuse tells it; None when there is none.

        Source: https://api.reference.langfuse.com, GET /api/public/v2/prompts/{promptName}
        """
        import httpx

        response = httpx.get(
            f"{self._project.base_url}/api/public/v2/prompts/{quote(name, safe='')}",
            params={"label": _LABEL},
            auth=(self._project.public_key, self._project.secret_key),
            timeout=_WAIT_S,
        )
        if response.status_code == HTTPStatus.NOT_FOUND:
            return None
        return response.raise_for_status().json()

    def _usable(self, answer: Mapping[str, Any]) -> Prompt | None:
        text = answer["prompt"]
        prompt = Prompt(str(answer["name"]), int(answer["version"]), text if isinstance(text, str) else "")
        if prompt.text.strip() and len(prompt.text) <= _LONGEST:
            return prompt
        if self._refused != prompt:
            self._refused = prompt
            _log.warning(
                "Version %d of the prompt %s is no text of at most %d characters; the built-in instruction is used",
                prompt.version,
                prompt.name,
                _LONGEST,
            )
        return None

    def _tell(self, reason: str | None) -> None:
        # Once, and once more when it is over.
        if reason and not self._failing:
            _log.warning("Langfuse gives no prompts (%s); agents go on with the instructions they have", reason)
        elif self._failing and not reason:
            _log.info("Langfuse gives prompts again")
        self._failing = reason is not None


def _reason(error: Exception) -> str:
    import httpx

    if isinstance(error, httpx.HTTPStatusError):
        refused = error.response.status_code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
        return "it refuses the keys" if refused else f"status {error.response.status_code}"
    return "no answer" if isinstance(error, httpx.HTTPError | httpx.InvalidURL) else "an answer that is no prompt"


@lru_cache(maxsize=1)
def get_prompts() -> Prompts | None:
    """Those of the project that the environment of this process names; None when it names none."""
    try:
        project = langfuse_project(os.environ)
    except SettingsInvalid as error:
        # Told with an error by what sends traces; an agent has its own instruction in any case.
        _log.warning("%s", error)
        return None
    return None if project is None else Prompts(project)


def linked_prompt(agent_name: str) -> tuple[str, int] | None:
    """Name and version of the prompt that `agent_name` was last instructed with, for the span of a model call; None for
    the built-in instruction.
    """
    prompts = get_prompts()
    return None if prompts is None else prompts.linked(agent_name)
