"""`python -m evals.run`: every offline eval set against a real worker, browser, mail and playground, in its own home.

Each set is run by `adk eval`, as by hand; the exit code is 0 only if all cases of all sets passed.
"""

import argparse
import asyncio
import os
import re
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from playground.seed import seed
from playground.server import PlaygroundServer
from seezar.errors import SeezarError
from seezar.settings import Settings
from service.stopping import stop_database, stop_workers
from workflows.client import Client

ROOT = Path(__file__).resolve().parents[1]
_TIMEOUT_S = 900.0
_BETWEEN_CASES = re.compile(r"^\*{20,}$", re.MULTILINE)
_COUNTS = re.compile(r"Tests passed: (\d+)\s+Tests failed: (\d+)")


@dataclass(frozen=True)
class Outcome:
    """How a set went.

    Attributes:
        name: `folder/file`.
        passed: cases.
        failed: cases; -1 when the set could not be run.
        seconds: wall time, imports included.
        output: what `adk eval` wrote.
    """

    name: str
    passed: int
    failed: int
    seconds: float
    output: str

    @property
    def good(self) -> bool:
        """Whether at least one case ran and none failed."""
        return self.failed == 0 and self.passed > 0


def offline_sets(folder: Path = ROOT / "evals") -> list[Path]:
    """The eval sets, by name."""
    return sorted(folder.glob("*/*.evalset.json"))


async def run_set(path: Path, settings: Settings) -> Outcome:
    """Run one set with `adk eval agents/<folder> <file>`.

    Args:
        path: the set; its folder is named like the agent and holds `test_config.json`.
        settings: of the home in which worker and playground accounts are.
    """
    agent = ROOT / "agents" / path.parent.name
    command = [sys.executable, "-m", "google.adk.cli", "eval", str(agent), str(path), "--print_detailed_results"]
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=ROOT,
        env=environment(settings),
    )
    try:
        raw, _ = await asyncio.wait_for(process.communicate(), _TIMEOUT_S)
    except TimeoutError:
        process.kill()
        raw = b"(no end within the time limit)"
    output = raw.decode(errors="replace")
    counts = _COUNTS.findall(output)
    passed, failed = (sum(int(pair[side]) for pair in counts) for side in (0, 1))
    if process.returncode != 0 and not failed:
        failed = -1
    return Outcome(f"{path.parent.name}/{path.name}", passed, failed, time.monotonic() - began, output)


def environment(settings: Settings) -> dict[str, str]:
    """The environment in which another process has these settings, and no provider key: the rules answer."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SEEZAR_")}
    chromium = os.environ.get("SEEZAR_CHROMIUM")
    return {
        **clean,
        **({"SEEZAR_CHROMIUM": chromium} if chromium else {}),
        **{f"SEEZAR_{name.upper()}": str(getattr(settings, name)) for name in settings.model_fields_set},
    }


async def run_all(sets: Sequence[Path], console: Console) -> list[Outcome]:
    """Bring up a world, run the sets one after the other, take the world down.

    Raises:
        SeezarError: the world could not be brought up.
    """
    home = Path(tempfile.mkdtemp(prefix="seezar-evals-"))
    no_providers = home / "no_providers.yaml"
    no_providers.write_text("model_list: []\n", encoding="utf-8")
    settings = Settings(
        _env_file=None,  # pyright: ignore[reportCallIssue]
        home=home,
        smtp_port=_free_port(),
        litellm_config=no_providers,
        allow_model_requests=False,
        # Four cases run side by side; that a page takes its time on a busy machine is not what is evaluated.
        page_timeout=60.0,
    )
    try:
        with console.status("Bringing up database, worker and playground"):
            client = await Client.connect(settings)
        async with client, PlaygroundServer(smtp_port=settings.smtp_port) as playground:
            app = client.application
            await seed(app.accounts, app.vault, app.mail, playground.base_url)
            outcomes: list[Outcome] = []
            for path in sets:
                with console.status(f"{path.parent.name}/{path.name}"):
                    outcomes.append(await run_set(path, settings))
            return outcomes
    finally:
        await asyncio.to_thread(_take_down, settings)


def _take_down(settings: Settings) -> None:
    stop_workers(settings)
    stop_database(settings)
    shutil.rmtree(settings.home, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def failures(output: str) -> str:
    """The cases of `adk eval --print_detailed_results` that failed; everything when no case is reported."""
    cases = [part for part in _BETWEEN_CASES.split(output) if "Eval Id:" in part]
    return "\n".join(part.strip() for part in cases if "Overall Eval Status: FAILED" in part) if cases else output


def _show(outcomes: Sequence[Outcome], console: Console) -> None:
    table = Table("eval set", "passed", "failed", "seconds", "")
    for outcome in outcomes:
        failed = "not run" if outcome.failed < 0 else str(outcome.failed)
        verdict = "[green]passed[/]" if outcome.good else "[red]failed[/]"
        table.add_row(outcome.name, str(outcome.passed), failed, f"{outcome.seconds:.0f}", verdict)
    for outcome in outcomes:
        if not outcome.good:
            console.rule(outcome.name)
            console.print(failures(outcome.output), markup=False, highlight=False)
    console.print(table)


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line and run. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m evals.run", description=__doc__)
    parser.add_argument("sets", nargs="*", type=Path, help="eval sets; all offline sets when none is named")
    sets: list[Path] = parser.parse_args(arguments).sets or offline_sets()
    console = Console()
    if missing := [path for path in sets if not path.is_file()]:
        console.print(f"There is no eval set {missing[0]}. Nothing was run.", markup=False)
        return 2
    try:
        outcomes = asyncio.run(run_all([path.resolve() for path in sets], console))
    except SeezarError as error:
        console.print(str(error), markup=False)
        return 2
    _show(outcomes, console)
    return 0 if all(outcome.good for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
