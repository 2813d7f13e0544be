"""Record docs/images/demo.svg: the real `make demo`, as it looks on a terminal.

    .venv/bin/python scripts/record_demo.py

What is recorded is what a run on this machine printed, with its own times; nothing is drawn by hand. The exit code is
that of the demo, and a demo that failed is not recorded.
"""

import argparse
import re
import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console

from playground.demo import command

_OUTPUT = Path(__file__).resolve().parents[1] / "docs" / "images" / "demo.svg"
_TITLE = "make demo"
_COLUMNS = 112
# A picture in a repository must not fetch a font; the reader's own monospaced one will do.
_WEB_FONT = re.compile(r"@font-face \{\{.*?\}\}\s*", re.DOTALL)


def record(output: Path) -> int:
    """Run the demo and write its output to `output` as SVG, if it passed; returns the exit code of the demo."""
    # Not a terminal, so that no spinner is recorded; styles are kept in the recording all the same.
    console = Console(record=True, width=_COLUMNS, force_terminal=False, highlight=False)

    def recorder(*_: Any, **__: Any) -> Console:
        return console

    with patch.object(command, "Console", recorder):
        code = command.main([])
    if code == 0:
        template = _WEB_FONT.sub("", CONSOLE_SVG_FORMAT).replace("Fira Code, monospace", "ui-monospace, monospace")
        svg = console.export_svg(title=_TITLE, code_format=template, unique_id="seezar-demo")
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text("\n".join(line.rstrip() for line in svg.splitlines()) + "\n", encoding="utf-8")
    return code


def main() -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=_OUTPUT)
    return record(parser.parse_args().output)


if __name__ == "__main__":
    sys.exit(main())
