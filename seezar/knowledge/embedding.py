"""Embeddings on this machine: WordLlama (averaged token vectors, 256 dimensions), weights from its wheel, no network.

Source of the method: https://github.com/dleemiller/WordLlama (l2_supercat, 256 dimensions).
"""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from seezar.models import word_vectors

DIMENSIONS = 256


class Embedder(Protocol):
    """Turns texts into vectors."""

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Unit vectors of `DIMENSIONS` numbers, one a text, in order; the zero vector where no word is known."""
        ...


class WordLlamaEmbedder:
    """The embedder that always works. Loading takes about two seconds and happens on first use."""

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """See `Embedder.embed`. Runs in a thread: loading and computing would hold up the event loop."""
        return await asyncio.to_thread(word_vectors.embed, list(texts)) if texts else []
