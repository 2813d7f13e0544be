"""Learn the detector's weights and say honestly how good they are.

    python -m benchmarks.detector.train LOOKS.jsonl [LOOKS.jsonl ...] [--out seezar/signin/data/model.json] [--report]

`LOOKS.jsonl` comes from `python -m benchmarks.detector.collect`. With `--report` the figures are printed for pages
that the
weights were not learned from: six folds grouped by site, and each corpus held out whole. Nothing is drawn at random.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.detector.collect import LabelledPage
from benchmarks.detector.examples import Example, examples, read_looks, site_groups
from benchmarks.detector.fit import fit
from benchmarks.detector.measure import Row, decide, summary
from seezar.signin.model import Model
from seezar.signin.scan import FrameScan

_FOLDS: Final = 6
_SYNTHETIC: Final = "synthetic"
# A made-up page counts for less than a real one; the penalty was chosen by the folds.
_SYNTHETIC_WEIGHT: Final = 0.3
_PENALTY: Final = 2.0

type Pages = list[tuple[LabelledPage, FrameScan]]


class Training:
    """Labelled looks with their examples, ready to be split."""

    def __init__(self, pages: Pages) -> None:
        self.real: Pages = [p for p in pages if p[0].source != _SYNTHETIC]
        self._real_examples = [examples([page]) for page in self.real]
        self._synthetic = examples([p for p in pages if p[0].source == _SYNTHETIC])
        self.groups = site_groups(self.real)

    def learn(self, uses: Callable[[int], bool]) -> Model:
        """Weights from the real pages that `uses` selects by index, and all made-up ones."""
        chosen = [e for i, found in enumerate(self._real_examples) if uses(i) for e in found]
        return learn([*chosen, *self._synthetic])

    def unseen(self, held_out: Callable[[int], bool]) -> list[Row]:
        """Decisions on pages that the weights were not learned from."""
        weights = self.learn(lambda i: not held_out(i))
        return [decide(page, scan, weights) for i, (page, scan) in enumerate(self.real) if held_out(i)]


def learn(chosen: list[Example]) -> Model:
    """Weights from examples; made-up ones count for less."""
    return fit(
        chosen, np.array([_SYNTHETIC_WEIGHT if e.source == _SYNTHETIC else 1.0 for e in chosen]), penalty=_PENALTY
    )


def report(training: Training) -> dict[str, dict[str, tuple[int, int]]]:
    """Figures on unseen pages: folds by site, and each corpus by the others."""
    order = {group: n for n, group in enumerate(sorted(set(training.groups)))}
    folded: list[Row] = []
    for fold in range(_FOLDS):
        folded += training.unseen(lambda i, fold=fold: order[training.groups[i]] % _FOLDS == fold)
    out = {f"{_FOLDS} folds by site": summary(folded)}
    for source in sorted({page.source for page, _ in training.real}):
        out[f"{source} held out"] = summary(
            training.unseen(lambda i, source=source: training.real[i][0].source == source)
        )
    return out


def write(weights: Model, path: Path) -> None:
    """The model as JSON, four digits a weight."""
    rows = {name: [round(w, 4) for w in row] for name, row in weights.weights.items()}
    raw = {"classes": weights.classes, "bias": [round(b, 4) for b in weights.bias]}
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(row)}" for name, row in rows.items())
    head = f'"classes": {json.dumps(raw["classes"])},\n"bias": {json.dumps(raw["bias"])}'
    path.write_text(f'{{{head},\n"weights": {{\n{lines}\n}}}}\n', encoding="utf-8")


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("looks", type=Path, nargs="+")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--report", action="store_true")
    options = parser.parse_args()
    training = Training([page for path in options.looks for page in read_looks(path)])
    if options.report:
        for name, figures in report(training).items():
            print(f"\n{name}")
            for figure, (hits, of) in figures.items():
                if of:
                    print(f"  {figure:34s} {hits}/{of} = {100 * hits / of:.1f} %")
    if options.out:
        write(training.learn(lambda _: True), options.out)


if __name__ == "__main__":
    _main()
