"""The way of a mailed code: from the `250` of our SMTP server to the field of the page; and what a mail costs.

`typed`: sign-ins to the playground's `mail` site whose mail is held back until the code page is shown and the run waits
for it. The time begins when the sender has our server's `250`, and ends when the page itself sees the full code in its
field. In turn with it, what a user would do instead: a Playwright script that looks into the same mailbox every second.
`delivery`: mails per second into our SMTP server and its encrypted store, against aiosmtpd that keeps nothing.
`extraction`: milliseconds to read one mail of `tests/mail/mails`.
"""

import asyncio
import random
import smtplib
import statistics
import sys
import tempfile
import threading
import time
import tomllib
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP
from playwright.async_api import Browser, async_playwright

from benchmarks import script
from benchmarks.report import Ratio, Report, parser
from benchmarks.typing_watch import TypingWatch
from benchmarks.world import BenchmarkWorld, make_world
from seezar.browser.executable import find_chromium
from seezar.browser.pool import ARGUMENTS
from seezar.mail.extraction import extract
from seezar.mail.smtp import SmtpServer

_HOST = "127.0.0.1"
_POLL_S = 1.0
# A mail comes when it comes; for whoever polls it matters how long before the next look.
_HELD_S = (0.5, 1.5)
_SEED = 20_000
_SIGN_IN_S = 60.0
_SENDERS = 4
_CORPUS = Path(__file__).resolve().parent.parent / "tests" / "mail" / "mails"
_RUNS = 3


async def main() -> None:
    """Run the benchmark; see `--help`."""
    options = parser(__doc__ or "")
    options.add_argument("--pairs", type=int, default=30, help="sign-ins of each side")
    options.add_argument("--mails", type=int, default=400, help="mails of one measurement of the throughput")
    options.add_argument("--deliver", nargs=3, metavar=("PORT", "ADDRESS", "MAILS"), help="only send (used by itself)")
    arguments = options.parse_args()
    if arguments.deliver:
        port, address, mails = arguments.deliver
        deliver(int(port), address, int(mails))
        return
    report = Report("mail")
    typed: asyncio.Queue[float] = asyncio.Queue()
    held = HeldMailer()
    async with (
        make_world(mailer=held.at, around=lambda app: TypingWatch(app, typed)) as world,
        async_playwright() as playwright,
    ):
        executable = find_chromium(world.settings, bundled=Path(playwright.chromium.executable_path))
        browser = await playwright.chromium.launch(executable_path=executable, args=list(ARGUMENTS))
        with tempfile.TemporaryDirectory() as folder:
            await typing_times(report, _Typing(world, browser, held, typed, Path(folder)), arguments.pairs)
        await browser.close()
        await throughput(report, world, arguments.mails)
    extraction_times(report)
    report.write(arguments.json)


# --- from the 250 to the field


@dataclass(frozen=True)
class Accepted:
    """When a mail was sent to its end, and when the sender had the `250`, epoch seconds."""

    sent_at: float
    at: float


class HeldMailer:
    """Keeps the playground's mail until it is asked to deliver it.

    Attributes:
        holds: there is a mail to deliver.
    """

    def __init__(self) -> None:
        self._port = 0
        self._held: list[EmailMessage] = []
        self.holds = asyncio.Event()

    def at(self, port: int) -> "HeldMailer":
        """Deliver to the SMTP server at `port`."""
        self._port = port
        return self

    async def send(self, message: EmailMessage) -> None:
        """Keep it."""
        self._held.append(message)
        self.holds.set()

    async def deliver(self) -> Accepted:
        """Deliver the one mail that is held."""
        (message,) = self._held
        self._held.clear()
        self.holds.clear()
        return await asyncio.to_thread(self._deliver, message)

    def _deliver(self, message: EmailMessage) -> Accepted:
        with smtplib.SMTP(_HOST, self._port, local_hostname="localhost", timeout=10) as smtp:
            smtp.ehlo()
            smtp.mail(message["From"].addresses[0].addr_spec)
            smtp.rcpt(message["To"])
            smtp.docmd("DATA")
            smtp.send(message.as_bytes().replace(b"\n", b"\r\n") + b".\r\n")
            sent_at = time.time()
            code, _ = smtp.getreply()
            accepted = Accepted(sent_at, time.time())
        assert code == 250, code
        return accepted


@dataclass(frozen=True)
class _Typing:
    """The two sides, over one world."""

    world: BenchmarkWorld
    browser: Browser
    held: HeldMailer
    typed: asyncio.Queue[float]
    folder: Path

    async def ours(self, wait: float) -> tuple[float, float]:
        """A sign-in by seezar; the mail comes `wait` seconds after the run has its checkpoint.

        Returns:
            Seconds to the typed code from the `250`, and from the last byte that was sent.
        """
        client = self.world.client
        run = await client.sign_in(self.world.crowd[0].name, fresh=True)
        await self.held.holds.wait()
        while not await self._waits(run):  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.05)
        times = await self._deliver(wait)
        result = await client.result(run, timeout=_SIGN_IN_S)
        assert (result["status"], result["attempts"], result["model_calls"]) == ("signed_in", 1, 0), result
        return times

    async def script(self, wait: float) -> tuple[float, float]:
        """The hand-written script, which looks into the mailbox every second."""
        account, mail = self.world.crowd[0], self.world.client.application.mail
        saved = self.folder / "state.json"
        base = self.world.playground.base_url
        signing = asyncio.create_task(script.sign_in(self.browser, account, base, mail, saved, every=_POLL_S))
        await self.held.holds.wait()
        times = await self._deliver(wait)
        await signing
        return times

    async def _deliver(self, wait: float) -> tuple[float, float]:
        await asyncio.sleep(wait)
        while not self.typed.empty():
            self.typed.get_nowait()
        accepted = await self.held.deliver()
        typed = await asyncio.wait_for(self.typed.get(), _SIGN_IN_S)
        return typed - accepted.at, typed - accepted.sent_at

    async def _waits(self, run: str) -> bool:
        query = "SELECT 1 FROM app.attempt WHERE run_id = %s AND checkpoint IS NOT NULL"
        return await self.world.client.application.database.one(query, run) is not None


async def typing_times(report: Report, typing: _Typing, pairs: int) -> None:
    """Take both sides in turn; milliseconds from the `250` to the full field."""
    chance = random.Random(_SEED)
    for side in (typing.ours, typing.script):
        await side(_HELD_S[0])
    ours: list[tuple[float, float]] = []
    theirs: list[tuple[float, float]] = []
    for pair in range(pairs):
        sides: list[tuple[Callable[[float], Awaitable[tuple[float, float]]], list[tuple[float, float]]]]
        sides = [(typing.ours, ours), (typing.script, theirs)]
        for side, taken in sides if pair % 2 == 0 else reversed(sides):
            taken.append(await side(chance.uniform(*_HELD_S)))
    report.ratios["accepted_to_typed"] = Ratio.of([at for at, _ in ours], [at for at, _ in theirs])
    for name, times in (
        ("accepted_to_typed_ms", [at for at, _ in ours]),
        ("sent_to_typed_ms", [sent_at for _, sent_at in ours]),
        ("script_polling_accepted_to_typed_ms", [at for at, _ in theirs]),
    ):
        _spread(report, name, [1000 * value for value in times])


# --- mails per second


class _KeepsNothing:
    """What aiosmtpd needs to say 250."""

    async def handle_DATA(  # noqa: N802 (aiosmtpd finds hooks by this name)
        self, server: SMTP, session: object, envelope: object
    ) -> str:
        return "250 OK"


async def throughput(report: Report, world: BenchmarkWorld, mails: int) -> None:
    """Mails per second over a few connections, in turn into our server and into a bare aiosmtpd."""
    account = world.crowd[0]
    assert account.mailbox is not None
    server = SmtpServer(world.client.application.mail.local, port=0)
    await server.start()
    rates: dict[str, list[float]] = {"delivered_per_s": [], "bare_aiosmtpd_per_s": []}
    try:
        async with _bare_server() as bare:
            for _ in range(_RUNS):
                for name, port in zip(rates, (server.port, bare), strict=True):
                    rates[name].append(await _rate(port, account.mailbox, mails))
    finally:
        await server.stop()
    ours, theirs = rates.values()
    # Seconds a mail, as all ratios are of times.
    report.ratios["delivery"] = Ratio.of([1 / rate for rate in ours], [1 / rate for rate in theirs])
    for name, values in rates.items():
        report.figures[name] = round(statistics.median(values))


@asynccontextmanager
async def _bare_server():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(_KeepsNothing(), hostname="localhost", loop=loop), _HOST, 0)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()


async def _rate(port: int, address: str, mails: int) -> float:
    arguments = ("-m", "benchmarks.mail", "--deliver", str(port), address, str(mails))
    sender = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=asyncio.subprocess.PIPE)
    told, _ = await sender.communicate()
    assert sender.returncode == 0
    return mails / float(told)


def deliver(port: int, address: str, mails: int) -> None:
    """Send `mails` mails over a few connections at once, and print how many seconds it took."""
    ready = threading.Barrier(_SENDERS + 1)
    threads = [
        threading.Thread(target=_send, args=(port, address, range(first, mails, _SENDERS), ready))
        for first in range(_SENDERS)
    ]
    for thread in threads:
        thread.start()
    ready.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    print(time.perf_counter() - began)


def _send(port: int, address: str, numbers: range, ready: threading.Barrier) -> None:
    raw = (_CORPUS / "code-en-google-style.eml").read_bytes()
    with smtplib.SMTP(_HOST, port, local_hostname="localhost", timeout=30) as smtp:
        smtp.ehlo()
        ready.wait()
        for _ in numbers:
            # The same bytes twice would be one mail.
            unlike = f"X-Number: {random.getrandbits(64)}\r\n".encode()
            smtp.sendmail("no-reply@site.test", address, unlike + raw)


# --- reading


def extraction_times(report: Report) -> None:
    """Milliseconds of one `extract` over our own mails: of each the median of three runs, after one to warm up."""
    labels: list[dict[str, Any]] = tomllib.loads((_CORPUS / "labels.toml").read_text(encoding="utf-8"))["mail"]
    mails = [(label, (_CORPUS / label["file"]).read_bytes()) for label in labels]
    runs: list[list[float]] = []
    for _ in range(1 + _RUNS):
        times: list[float] = []
        for label, raw in mails:
            began = time.perf_counter()
            extract(raw, site=label.get("site"), senders=tuple(label.get("senders", ())))
            times.append(1000 * (time.perf_counter() - began))
        runs.append(times)
    report.figures["extraction_mails"] = len(mails)
    _spread(report, "extraction_ms", [statistics.median(of_mail) for of_mail in zip(*runs[1:], strict=True)], digits=2)


def _spread(report: Report, name: str, values: list[float], digits: int = 1) -> None:
    ordered = sorted(values)
    report.figures[f"{name}_p50"] = round(statistics.median(ordered), digits)
    report.figures[f"{name}_p95"] = round(ordered[round(0.95 * (len(ordered) - 1))], digits)


if __name__ == "__main__":
    asyncio.run(main())
