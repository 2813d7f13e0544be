"""What the demo does, in order, and what it shows of it."""

import asyncio
import re
import time
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markdown import Markdown
from rich.panel import Panel

from playground.data import DASHBOARDS
from playground.demo.command import PROMPT, told
from playground.demo.leaks import Search, search
from playground.mailer import SmtpMailer
from playground.seed import seed
from playground.server import PlaygroundServer
from playground.state import PlaygroundState
from playground.world import DEMO_MAIL, DEMO_TOTP, DemoAccount
from seezar.settings import get_settings
from workflows.client import Client
from workflows.engine import dbos_url

_ACCOUNTS = (DEMO_MAIL, DEMO_TOTP)
_COLOURS = {
    "open": "cyan",
    "password": "yellow",
    "mail": "magenta",
    "second_factor": "yellow",
    "verify": "cyan",
    "store": "green",
    "done": "bold green",
}


class _RecordingMailer(SmtpMailer):
    """The real mailer; it also notes what was sent, so that the codes can be searched for afterwards."""

    def __init__(self, port: int) -> None:
        super().__init__(port=port)
        self.codes: list[str] = []

    async def send(self, message: EmailMessage) -> None:
        """Deliver, and note the code."""
        body = message.get_body(("plain",))
        self.codes += re.findall(r"\b\d{6}\b", body.get_content() if body else "")
        await super().send(message)


class Story:
    """One telling of the demo.

    Args:
        console: where it is shown.
        home: the temporary home.
        reports: folder for screenshots.
    """

    def __init__(self, console: Console, home: Path, reports: Path) -> None:
        self._console = console
        self._home = home
        self._reports = reports
        self._answer = ""
        self._began = time.perf_counter()

    async def tell(self) -> int:
        """Run it; returns the exit code.

        Raises:
            SeezarError: something could not be started.
        """
        say = self._console.print
        say(
            "[bold]seezar demo[/]  an operator agent that signs in: offline, no key,"
            " no model but the rule-based stand-in\n"
        )
        settings = get_settings()
        agents = asyncio.create_task(asyncio.to_thread(_import_agents))
        with told(self._console, "PostgreSQL with pgvector, and a worker with its SMTP server"):
            client = await Client.connect(settings, name="seezar-client-demo")
        mailer = _RecordingMailer(settings.smtp_port)
        state = PlaygroundState(mailer=mailer)
        async with client, PlaygroundServer(state=state) as playground:
            app = client.application
            with told(self._console, f"Demo world at {playground.base_url}, two accounts in the vault"):
                await seed(app.accounts, app.vault, app.mail, playground.base_url, world=_ACCOUNTS)
            with told(self._console, "Agents"):
                await agents
            say(f"\n[bold]You:[/] {PROMPT}\n")
            await self._ask(client)
            say(
                Panel(
                    Markdown(self._answer or "(no answer)"),
                    title="coordinator",
                    title_align="left",
                    border_style="green",
                )
            )
            pictures = await self._save_pictures(client)
            secrets = [secret for account in _ACCOUNTS for secret in account.secrets] + mailer.codes
            looked = await asyncio.to_thread(
                search, [app.database.url, dbos_url(app.database.url)], [self._home], secrets
            )
            return await self._judge(client, state, pictures, looked, len(mailer.codes))

    async def _ask(self, client: Client) -> None:
        watching = asyncio.create_task(self._watch(client))
        try:
            self._answer = await _converse(client, PROMPT)
        finally:
            # The last lines may not have been shown yet.
            await asyncio.sleep(0)
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            await self._show_new(client)

    async def _watch(self, client: Client) -> None:
        while True:
            await self._show_new(client)
            await asyncio.sleep(0.1)

    _shown = 0

    async def _show_new(self, client: Client) -> None:
        rows = await client.application.database.all(
            "SELECT e.id, e.step, e.message, r.account, r.kind FROM app.run_event e JOIN app.run r ON r.id = e.run_id"
            " WHERE e.id > %s ORDER BY e.id",
            self._shown,
        )
        for row in rows:
            self._shown = row["id"]
            colour = _COLOURS.get(row["step"], "white")
            at = time.perf_counter() - self._began
            self._console.print(
                f"  [dim]{at:5.1f} s[/]  [bold]{row['account']:<10}[/] [{colour}]{row['step']:<13}[/] {row['message']}"
            )

    async def _save_pictures(self, client: Client) -> list[Path]:
        paths: list[Path] = []
        for account in _ACCOUNTS:
            page = await client.application.pages.latest(account.name)
            picture = await client.application.pages.screenshot(page.id) if page else None
            if picture:
                self._reports.mkdir(parents=True, exist_ok=True)
                path = self._reports / f"{account.name}.png"
                path.write_bytes(picture)
                paths.append(path)
        return paths

    async def _judge(
        self, client: Client, state: PlaygroundState, pictures: list[Path], looked: Search, codes: int
    ) -> int:
        verdicts: list[tuple[bool, str]] = []
        for account in _ACCOUNTS:
            verdicts.append(await _signed_in(client, state, account))
            verdicts.append(_numbers_right(account, self._answer))
        where = ", ".join(looked.found) if looked.found else f"nothing in {looked.rows} rows and {looked.files} files"
        verdicts.append((not looked.found, f"Passwords, TOTP key and {codes} mailed code(s) searched for: {where}"))
        verdicts.append((len(pictures) == len(_ACCOUNTS), "Screenshots: " + (", ".join(map(str, pictures)) or "none")))
        for right, text in verdicts:
            self._console.print(f"  {'[green]✓[/]' if right else '[bold red]✗[/]'} {text}")
        passed = all(right for right, _ in verdicts)
        spent = time.perf_counter() - self._began
        self._console.print(
            f"\n[bold {'green' if passed else 'red'}]{'Done' if passed else 'Failed'}[/] in {spent:.1f} s."
        )
        return 0 if passed else 1


async def _signed_in(client: Client, state: PlaygroundState, account: DemoAccount) -> tuple[bool, str]:
    """Ask the site itself, by the stored session, and its own count of sign-ins."""
    checked = await client.result(await client.check_session(account.name), timeout=30)
    row = await client.application.database.one(
        "SELECT result FROM app.run WHERE account = %s AND kind = 'sign_in' ORDER BY created_at DESC LIMIT 1",
        account.name,
    )
    result: dict[str, Any] = row["result"] if row and row["result"] else {}
    verified = checked["status"] == "signed_in" and state.counters(account.shape).sign_ins == 1
    took = result.get("duration_s")
    calls = result.get("model_calls")
    return verified, (
        f"{account.name}: session {'verified with the site' if verified else 'NOT verified'}"
        f" ({account.second_factor}, {took} s, {calls} model calls in the sign-in)"
    )


def _numbers_right(account: DemoAccount, answer: str) -> tuple[bool, str]:
    events = DASHBOARDS[account.shape].events
    missing = [row.event for row in events if row.event not in answer or f"{row.count:,}" not in answer]
    return not missing, f"{account.name}: the answer has the dashboard's {len(events)} events" + (
        f", but not {', '.join(missing)}" if missing else ""
    )


def _import_agents() -> None:
    import agents.coordinator.agent  # noqa: F401
    from seezar.models.router import get_router

    get_router().warm_up()


async def _converse(client: Client, prompt: str) -> str:
    """Say `prompt` to the coordinator, as ADK Web would; returns its answer."""
    from google.adk.runners import Runner
    from google.genai import types

    from agents import storage
    from agents.coordinator.agent import app

    runner = Runner(
        app=app,
        session_service=storage.session_service(client.application.database.url),
        artifact_service=storage.artifact_service(client.application.settings),
        auto_create_session=True,
    )
    answer = ""
    message = types.Content(role="user", parts=[types.Part(text=prompt)])
    async for event in runner.run_async(user_id="demo", session_id="demo", new_message=message):
        if event.partial or event.author != "coordinator" or not event.content:
            continue
        text = "".join(part.text or "" for part in event.content.parts or [] if not part.thought)
        answer = text or answer
    await runner.close()
    return answer
