"""The learned part: a softmax over weighted features (multinomial logistic regression).

The weights are `data/model.json`, made by `python -m benchmarks.detector.train`.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True)
class Model:
    """Weights of each feature for each class.

    Attributes:
        classes: what a form can be.
        bias: one number a class.
        weights: for each feature, one number a class.
    """

    classes: tuple[str, ...]
    bias: tuple[float, ...]
    weights: Mapping[str, tuple[float, ...]]

    def probabilities(self, features: Mapping[str, float]) -> dict[str, float]:
        """Probability of each class; they add up to 1. Features that the model does not know are ignored."""
        scores = list(self.bias)
        for name, value in features.items():
            weights = self.weights.get(name)
            if weights is not None:
                for i, weight in enumerate(weights):
                    scores[i] += weight * value
        top = max(scores)
        exponents = [math.exp(score - top) for score in scores]
        total = sum(exponents)
        return {name: e / total for name, e in zip(self.classes, exponents, strict=True)}

    def reasons(self, features: Mapping[str, float], label: str, count: int) -> list[str]:
        """Names of the features that speak most for a class against the mean of the others."""
        at = self.classes.index(label)
        gains: list[tuple[float, str]] = []
        for name, value in features.items():
            weights = self.weights.get(name)
            if weights is not None:
                gains.append((value * (weights[at] - sum(weights) / len(weights)), name))
        return [name for gain, name in sorted(gains, reverse=True)[:count] if gain > 0]


def parse(raw: Mapping[str, Any]) -> Model:
    """A model from its JSON form: `classes`, `bias` and `weights`."""
    weights = {str(name): tuple(float(w) for w in row) for name, row in raw["weights"].items()}
    return Model(tuple(raw["classes"]), tuple(float(b) for b in raw["bias"]), weights)


@lru_cache(maxsize=1)
def model() -> Model:
    """The model of this package, read once."""
    return parse(json.loads(files("seezar.signin").joinpath("data/model.json").read_text(encoding="utf-8")))
