"""What may stand between a router and whoever asks it: a recording that is made, or one that answers."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Embeddings:
    """Vectors, one a text, in order.

    Attributes:
        model: which model made them. Those of two models must not be compared: keep it with them.
    """

    model: str
    vectors: list[list[float]]


class Tape(Protocol):
    """Sees every request, and either asks the pool or answers by itself."""

    async def completion(self, request: dict[str, Any], ask: Callable[[], Awaitable[Any]]) -> Any:
        """The answer to a chat completion; `ask` gets one of the pool."""
        ...

    async def embedding(self, request: dict[str, Any], ask: Callable[[], Awaitable[Embeddings]]) -> Embeddings:
        """The same for embeddings."""
        ...
