"""`python -m evals.run`: every offline eval set against a real worker, browser, mail and playground, in its own home.

Each set is run in a process of its own (evals/one.py); the exit code is 0 only if all cases of all sets passed. With
the keys of a Langfuse project set, the run is an experiment there.
"""

import argparse
import asyncio
import os
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dotenv import dotenv_values
from rich.console import Console
from rich.table import Table

from evals import results
from evals.results import CaseResult
from playground.seed import seed
from playground.server import PlaygroundServer
from seezar.errors import SeezarError
from seezar.settings import Settings
from seezar.telemetry.targets import langfuse_project
from service.stopping import stop_database, stop_workers
from workflows.client import Client

if TYPE_CHECKING:
    from evals.experiment import Experiment
    from evals.langfuse import LangfuseReport

ROOT = Path(__file__).resolve().parents[1]
_TIMEOUT_S = 900.0
# What is read from `.env`: where traces and results go. Its settings of seezar belong to another home than this.
_RECEIVERS = ("LANGFUSE_", "OTEL_", "LOGFIRE_")


@dataclass(frozen=True)
class Outcome:
    """How a set went.

    Attributes:
        name: `folder/file`.
        cases: none when the set could not be run.
        seconds: wall time, imports included.
        output: what its process wrote.
    """

    name: str
    cases: tuple[CaseResult, ...]
    seconds: float
    output: str

    @property
    def failed(self) -> list[CaseResult]:
        """The cases that did not pass."""
        return [case for case in self.cases if not case.passed]

    @property
    def good(self) -> bool:
        """Whether at least one case ran and none failed."""
        return bool(self.cases) and not self.failed


def offline_sets(folder: Path = ROOT / "evals") -> list[Path]:
    """The eval sets, by name."""
    return sorted(folder.glob("*/*.evalset.json"))


async def run_set(path: Path, settings: Settings, experiment: "Experiment | None" = None) -> Outcome:
    """Run one set with the agent that its folder is named like.

    Args:
        path: the set; `test_config.json` is beside it.
        settings: of the home in which worker and playground accounts are.
        experiment: what it is in Langfuse.
    """
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="seezar-eval-") as folder:
        written = Path(folder) / "results.json"
        command = [sys.executable, "-m", "evals.one", str(path), str(written)]
        process = await asyncio.create_subprocess_exec(
            *command,
            *(("--experiment", experiment.to_json()) if experiment else ()),
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
        cases = tuple(results.read(written))
    name = f"{path.parent.name}/{path.name}"
    return Outcome(name, cases, time.monotonic() - began, raw.decode(errors="replace"))


def environment(settings: Settings) -> dict[str, str]:
    """The environment in which another process has these settings, and no provider key: the rules answer."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SEEZAR_")}
    chromium = os.environ.get("SEEZAR_CHROMIUM")
    return {
        **clean,
        **({"SEEZAR_CHROMIUM": chromium} if chromium else {}),
        **{f"SEEZAR_{name.upper()}": str(getattr(settings, name)) for name in settings.model_fields_set},
    }


async def run_all(sets: Sequence[Path], console: Console, report: "LangfuseReport | None" = None) -> list[Outcome]:
    """Bring up a world, run the sets one after the other, take the world down.

    Args:
        report: told of each set before and after it.

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
                    outcomes.append(await run_reported(path, settings, report))
            return outcomes
    finally:
        await asyncio.to_thread(_take_down, settings)


async def run_reported(path: Path, settings: Settings, report: "LangfuseReport | None") -> Outcome:
    """As `run_set`, told to Langfuse when there is a report."""
    experiment = await asyncio.to_thread(report.begin, path) if report else None
    outcome = await run_set(path, settings, experiment)
    if report and experiment:
        await asyncio.to_thread(report.finish, experiment, outcome.cases)
    return outcome


def langfuse_report(console: Console) -> "LangfuseReport | None":
    """The report for the Langfuse project that the environment names; None, and nothing of it loaded, without one.

    Raises:
        SettingsInvalid: its address cannot be one.
    """
    project = langfuse_project(os.environ)
    if project is None:
        return None
    from evals.langfuse import LangfuseReport

    return LangfuseReport(project, lambda sentence: console.print(sentence, markup=False, highlight=False))


def _take_down(settings: Settings) -> None:
    stop_workers(settings)
    stop_database(settings)
    shutil.rmtree(settings.home, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def failures(outcome: Outcome) -> str:
    """The cases that failed, with what was said and called; what the process wrote when no case was run."""
    return "\n\n".join(case.details for case in outcome.failed) if outcome.cases else outcome.output


def _show(outcomes: Sequence[Outcome], console: Console) -> None:
    table = Table("eval set", "passed", "failed", "seconds", "")
    for outcome in outcomes:
        passed = len(outcome.cases) - len(outcome.failed)
        failed = str(len(outcome.failed)) if outcome.cases else "not run"
        verdict = "[green]passed[/]" if outcome.good else "[red]failed[/]"
        table.add_row(outcome.name, str(passed), failed, f"{outcome.seconds:.0f}", verdict)
    for outcome in outcomes:
        if not outcome.good:
            console.rule(outcome.name)
            console.print(failures(outcome), markup=False, highlight=False)
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
    for name, value in dotenv_values(".env").items():
        if name.startswith(_RECEIVERS) and value:
            os.environ.setdefault(name, value)
    try:
        outcomes = asyncio.run(run_all([path.resolve() for path in sets], console, langfuse_report(console)))
    except SeezarError as error:
        console.print(str(error), markup=False)
        return 2
    _show(outcomes, console)
    return 0 if all(outcome.good for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
