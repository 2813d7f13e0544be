"""WordLlama on this machine: averaged token vectors of 256 dimensions, weights from its wheel, no network.

Source of the method: https://github.com/dleemiller/WordLlama (l2_supercat, 256 dimensions).
"""

from functools import lru_cache
from pathlib import Path
from typing import Any


def embed(texts: list[str]) -> list[list[float]]:
    """Unit vectors, one a text; the zero vector where no word is known. Loading takes about two seconds, once."""
    import numpy as np

    vectors: np.ndarray[Any, np.dtype[np.float32]] = _model().embed(texts, norm=False)
    lengths = np.sqrt((vectors**2).sum(axis=1, keepdims=True))
    # A text without any known token is the zero vector; dividing by its length would make it NaN.
    return (vectors / np.where(lengths == 0, 1, lengths)).tolist()


@lru_cache(maxsize=1)
def _model() -> Any:
    import wordllama  # pyright: ignore[reportMissingTypeStubs]

    # Its default cache folder is empty, which makes it download what lies in its own package.
    return wordllama.WordLlama.load(cache_dir=Path(wordllama.__file__).parent, disable_download=True)
