"""Embeddings: on this machine by WordLlama, or by any embedding model of LiteLLM that is configured.

WordLlama: averaged token vectors, 256 dimensions, weights from its wheel, no network. Source of the method:
https://github.com/dleemiller/WordLlama (l2_supercat, 256 dimensions).
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from seezar.models import word_vectors

if TYPE_CHECKING:
    from seezar.models.router import ModelRouter

WORDLLAMA = "wordllama"
DIMENSIONS = 256
# Texts of one request.
_BATCH = 64


class Embedder(Protocol):
    """Turns texts into vectors."""

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Vectors of one length, one a text, in order; the zero vector where no word is known."""
        ...


class WordLlamaEmbedder:
    """The embedder that always works. Loading takes about two seconds and happens on first use."""

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """See `Embedder.embed`. Runs in a thread: loading and computing would hold up the event loop."""
        return await asyncio.to_thread(word_vectors.embed, list(texts)) if texts else []


class ModelEmbedder:
    """A model of the pool.

    Args:
        router: gives the pool, when it is first asked.
        model: one embedding model; vectors of another one cannot be compared with its own.
    """

    def __init__(self, router: "Callable[[], ModelRouter]", model: str) -> None:
        self._router = router
        self._model = model

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """See `Embedder.embed`.

        Raises:
            ModelsUnavailable: no provider answers.
        """
        vectors: list[list[float]] = []
        for start in range(0, len(texts), _BATCH):
            answer = await self._router().aembedding(texts[start : start + _BATCH], model=self._model)
            vectors += answer.vectors
        return vectors
