"""The demo: bring everything up in a temporary home, ask the coordinator in plain words, show what happens, prove it.

Exits 0 only if both sessions were verified, the numbers of the answer are those of the dashboards, and no secret was
found in any table, log or trace.
"""

import argparse
import asyncio
import os
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from seezar.errors import SeezarError

PROMPT = "sign in to demo-mail and demo-totp and show me the top events"
_PREFIX = "seezar-demo-"
# The demo stops what it started; this is for the case that it is killed.
_IDLE_EXIT_S = "15"
# Younger homes may belong to a demo that is just starting.
_LEFTOVER_S = 120.0


def main(arguments: list[str] | None = None) -> int:
    """Command line of the demo; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="make demo", description="Sign in to two demo accounts through the agents, offline."
    )
    parser.add_argument("--keep", action="store_true", help="keep the temporary home and print where it is")
    parser.add_argument("--reports", type=Path, default=Path("reports/demo"), help="folder for the screenshots")
    options = parser.parse_args(arguments)
    console = Console(highlight=False)
    remove_leftovers()
    home = Path(tempfile.mkdtemp(prefix=_PREFIX))
    isolate(home)
    # Imported when the environment is that of the demo: settings are read once.
    from playground.demo.ground import bring_down
    from playground.demo.story import Story

    try:
        return asyncio.run(Story(console, home, options.reports).tell())
    except KeyboardInterrupt:
        console.print("\nStopped. Nothing is left behind.")
        return 130
    except SeezarError as error:
        console.print(f"\n[bold red]The demo failed.[/] {error}")
        return 1
    finally:
        with told(console, "Stopping everything"):
            bring_down()
        if options.keep:
            console.print(f"Kept: {home}")
        else:
            shutil.rmtree(home, ignore_errors=True)


def isolate(home: Path) -> None:
    """Give this process and those it starts settings of their own: a new home, free ports, no model but the offline
    one.
    """
    for name in [name for name in os.environ if name.startswith("SEEZAR_") and name != "SEEZAR_CHROMIUM"]:
        del os.environ[name]
    # An empty pool of models: provider keys of this machine are not for the demo.
    config = home / "litellm_config.yaml"
    config.write_text("model_list: []\n", encoding="utf-8")
    os.environ |= {
        "SEEZAR_LITELLM_CONFIG": str(config),
        "SEEZAR_HOME": str(home),
        "SEEZAR_SMTP_PORT": str(free_port()),
        "SEEZAR_WORKER_IDLE_EXIT": _IDLE_EXIT_S,
        "SEEZAR_ALLOW_MODEL_REQUESTS": "0",
        # An empty variable outweighs a .env file and means "unset".
        "SEEZAR_DATABASE_URL": "",
    }
    # A .env of the folder that the demo is started in is for real use.
    os.environ["ADK_DISABLE_LOAD_DOTENV"] = "1"


def free_port() -> int:
    """A TCP port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def remove_leftovers() -> None:
    """Delete the homes of demos that were killed, once their processes have ended by themselves."""
    from seezar.database.embedded import EmbeddedServer

    for home in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        try:
            found = home.stat()
        except OSError:
            continue
        old = time.time() - found.st_mtime > _LEFTOVER_S
        if found.st_uid == os.getuid() and old and EmbeddedServer(home).pid() is None:
            shutil.rmtree(home, ignore_errors=True)


@contextmanager
def told(console: Console, what: str) -> Iterator[None]:
    """Say what is done while it is done, and how long it took."""
    began = time.perf_counter()
    if console.is_terminal:
        with console.status(f"{what} …"):
            yield
    else:
        yield
    console.print(f"  [green]✓[/] {what} [dim]{time.perf_counter() - began:.1f} s[/]")
    sys.stdout.flush()
