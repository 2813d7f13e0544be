"""What every benchmark shares: ratios with their spread, a table, and the JSON file.

A ratio is our time divided by that of the comparison. Both are taken in turn within one run, so that whatever else the
machine does hits both; the spread is the 10th and the 90th percentile of the single ratios.
"""

import argparse
import json
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Ratio:
    """Ours divided by the comparison: median of the pairs, 10th and 90th percentile, number of pairs."""

    median: float
    low: float
    high: float
    n: int

    @classmethod
    def of(cls, ours: Sequence[float], theirs: Sequence[float]) -> "Ratio":
        """The ratio of times taken in turn; both in the same unit and of the same length."""
        ratios = sorted(a / b for a, b in zip(ours, theirs, strict=True))
        return cls(
            round(statistics.median(ratios), 3),
            round(ratios[int(0.1 * (len(ratios) - 1))], 3),
            round(ratios[round(0.9 * (len(ratios) - 1))], 3),
            len(ratios),
        )


@dataclass
class Report:
    """Collects ratios and figures; prints and writes them."""

    name: str
    ratios: dict[str, Ratio] = field(default_factory=dict[str, Ratio])
    figures: dict[str, Any] = field(default_factory=dict[str, Any])

    def write(self, path: Path | None) -> None:
        """Print the table, and write the JSON file if a path was given."""
        console = Console()
        if self.ratios:
            table = Table("ratio", "median", "10 %", "90 %", "pairs", title=f"{self.name}: ours ÷ comparison")
            for name, ratio in self.ratios.items():
                table.add_row(name, f"{ratio.median:.2f}", f"{ratio.low:.2f}", f"{ratio.high:.2f}", str(ratio.n))
            console.print(table)
        for name, value in self.figures.items():
            console.print(f"{name}: {value}")
        if path is not None:
            content = {
                "environment": environment(),
                "ratios": {name: asdict(ratio) for name, ratio in self.ratios.items()},
                "figures": self.figures,
            }
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def environment() -> dict[str, Any]:
    """What the figures were measured on: cores, load, versions."""
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "load": [round(value, 2) for value in os.getloadavg()],
        "packages": {name: version(name) for name in ("seezar", "playwright", "dbos", "google-adk", "litellm")},
    }


def parser(description: str) -> argparse.ArgumentParser:
    """The options that every benchmark has."""
    made = argparse.ArgumentParser(description=description)
    made.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    return made
