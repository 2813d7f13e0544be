"""The status screen of `seezar up`: a live table on a terminal, lines about what changed elsewhere."""

import asyncio
import contextlib
import time
from typing import Self

from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from seezar.application import Application
from seezar.errors import SeezarError
from seezar.settings import Settings
from service.overview import Contents, Processes, look, process_lines, read
from service.terminal import moment, say, stdout
from workflows.ground import database_address

_NAME = "seezar-client-up"
# Seconds between two looks at what is stored.
_READ_EVERY_S = 2.0


class Screen:
    """Shows what runs and what is stored. Use it as an async context manager, in one event loop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._application: Application | None = None
        self._contents = Contents()
        self._read_at = 0.0
        self._said: set[str] = set()
        self._live: Live | None = None
        if stdout().is_terminal:
            self._live = Live(console=stdout(), refresh_per_second=4, transient=True)

    async def __aenter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()
        await self._disconnect()

    def line(self, text: str) -> None:
        """Say something that stays."""
        say(text, style="yellow")

    async def refresh(self) -> None:
        """Look again, and show what there is."""
        found = await asyncio.to_thread(look, self._settings)
        if found.database_up and time.monotonic() - self._read_at > _READ_EVERY_S:
            await self._read()
        if self._live is not None:
            self._live.update(self._render(found))
        else:
            self._say_new(found)

    async def _read(self) -> None:
        self._read_at = time.monotonic()
        try:
            if self._application is None:
                address = database_address(self._settings)
                if address is None:
                    return
                self._application = await Application.open(
                    self._settings, address, application_name=_NAME, max_connections=1
                )
            self._contents = await read(self._application)
        except SeezarError:
            # The database went away; the worker brings it back, and the next look finds it.
            await self._disconnect()

    async def _disconnect(self) -> None:
        application, self._application = self._application, None
        if application is not None:
            with contextlib.suppress(SeezarError):
                await application.close()

    def _render(self, found: Processes) -> Group:
        processes = Table.grid(padding=(0, 2))
        for name, value in self._lines(found):
            processes.add_row(Text(name, style="bold"), Text(value))
        if not any(note.kind == "web" for note in found.foreground):
            processes.add_row(Text("web", style="bold"), Text("starting …", style="dim"))
        signed_in = sum(session is not None for _, session in self._contents.accounts)
        accounts = f"{len(self._contents.accounts)} ({signed_in} with a session)"
        processes.add_row(Text("accounts", style="bold"), Text(accounts))
        runs = Table("LAST RUNS", "STATUS", "CREATED", box=None, pad_edge=False, header_style="bold")
        for run in self._contents.runs:
            runs.add_row(Text(run.id), Text(run.status), Text(moment(run.created_at)))
        parts = [Text("seezar is up", style="bold green"), processes, Text("")]
        if self._contents.runs:
            parts += [runs, Text("")]
        return Group(*parts, Text("Ctrl-C stops everything.", style="dim"))

    def _lines(self, found: Processes) -> list[tuple[str, str]]:
        return [(name, value) for name, value in process_lines(self._settings, found) if name != "up"]

    def _say_new(self, found: Processes) -> None:
        lines = {f"{name}: {value}" for name, value in self._lines(found)}
        lines |= {f"run {run.id}: {run.status}" for run in self._contents.runs}
        for line in sorted(lines - self._said):
            say(line)
        self._said = lines
