"""Multinomial logistic regression with numpy: fit, predict, and the grouping of pages by site."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.detector.examples import CLASSES, Example
from seezar.signin.model import Model

_ROUNDS: Final = 600
_STEP: Final = 0.05


def feature_names(examples: Sequence[Example], least: int) -> list[str]:
    """Features that at least `least` examples have, sorted."""
    seen: dict[str, int] = {}
    for example in examples:
        for name in example.features:
            seen[name] = seen.get(name, 0) + 1
    return sorted(name for name, count in seen.items() if count >= least)


def matrix(examples: Sequence[Example], names: Sequence[str]) -> NDArray[np.float64]:
    """Examples as rows, features as columns."""
    at = {name: i for i, name in enumerate(names)}
    rows = np.zeros((len(examples), len(names)))
    for row, example in enumerate(examples):
        for name, value in example.features.items():
            if name in at:
                rows[row, at[name]] = value
    return rows


def fit(examples: Sequence[Example], weights: NDArray[np.float64], *, penalty: float, least: int = 3) -> Model:
    """Learn the weights: softmax cross-entropy with an L2 penalty, Adam on the full batch, from zero (no random
    numbers).

    Args:
        examples: labelled forms.
        weights: how much each example counts.
        penalty: strength of the L2 term, in units of one example.
        least: features rarer than this are dropped.
    """
    names = feature_names(examples, least)
    x = matrix(examples, names)
    y = np.zeros((len(examples), len(CLASSES)))
    y[np.arange(len(examples)), [CLASSES.index(e.label) for e in examples]] = 1.0
    w = np.zeros((len(names) + 1, len(CLASSES)))
    x1 = np.hstack([x, np.ones((len(examples), 1))])
    shrink = np.full((len(names) + 1, 1), penalty)
    shrink[-1] = 0.0
    total = weights.sum()
    first, second = np.zeros_like(w), np.zeros_like(w)
    for t in range(1, _ROUNDS + 1):
        scores = x1 @ w
        scores -= scores.max(axis=1, keepdims=True)
        p = np.exp(scores)
        p /= p.sum(axis=1, keepdims=True)
        gradient = (x1.T @ ((p - y) * weights[:, None]) + shrink * w) / total
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient**2
        w -= _STEP * (first / (1 - 0.9**t)) / (np.sqrt(second / (1 - 0.999**t)) + 1e-8)
    rows = {name: tuple(float(v) for v in w[i]) for i, name in enumerate(names)}
    return Model(CLASSES, tuple(float(v) for v in w[-1]), rows)
