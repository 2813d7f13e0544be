"""`python -m benchmarks.applications [NAME ...] [--json FILE]`: installs, serves and signs in, and prints a table."""

import argparse
import asyncio
import json
import shutil
import socket
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from benchmarks.applications.application import MAIL_DOMAIN, load, names
from benchmarks.applications.drive import Result, drive
from benchmarks.applications.environment import ApplicationFailed, install, served
from seezar.settings import Settings, get_settings
from service.stopping import stop_database, stop_workers
from workflows.client import Client


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def _measure(wanted: list[str], cache: Path, *, only: str, verbose: bool) -> list[Result]:
    home = Path(tempfile.mkdtemp(prefix="seezar-apps-"))
    settings = Settings(
        _env_file=None,  # pyright: ignore[reportCallIssue]
        home=home,
        smtp_port=_free_port(),
        mail_domains=MAIL_DOMAIN,
        worker_idle_exit=60,
    )
    results: list[Result] = []
    try:
        async with await Client.connect(settings) as client:
            for name in wanted:
                application = load(name)
                try:
                    installed = install(application, cache)
                    with served(application, installed, port=_free_port(), smtp_port=settings.smtp_port) as base:
                        async for result in drive(client, application, base, only=only):
                            results.append(result)
                            _show(result, verbose=verbose)
                except ApplicationFailed as error:
                    results.append(Result(name, "-", "start", "serves", "failed", str(error), 0.0, 0))
                    _show(results[-1], verbose=verbose)
    finally:
        stop_workers(settings)
        stop_database(settings)
        shutil.rmtree(home, ignore_errors=True)
    return results


def _show(result: Result, *, verbose: bool) -> None:
    mark = "ok  " if result.passed else "FAIL"
    what = f"{result.application} | {result.login} | {result.case}"
    took = f"{result.seconds:6.1f} s  {result.model_calls} model calls"
    print(f"{mark} {what:<62} {result.status:<16} {took}", flush=True)
    if verbose or not result.passed:
        for line in (*result.events, f"-> {result.reason}"):
            print(f"       {line}", flush=True)


def main() -> int:
    """Returns 0 when every sign-in ended as it must."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.applications", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="applications; all of them when none is named")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    parser.add_argument("--only", default="", metavar="LOGIN", help="only the logins whose name holds this")
    parser.add_argument("--cache", type=Path, metavar="FOLDER", help="where packages are installed and kept")
    parser.add_argument("--verbose", action="store_true", help="print the timeline of every sign-in")
    options = parser.parse_args()
    known = names()
    if unknown := [name for name in options.names if name not in known]:
        parser.error(f"unknown: {', '.join(unknown)}. Known: {', '.join(known)}")
    cache = options.cache or get_settings().home / "applications"
    results = asyncio.run(_measure(options.names or known, cache, only=options.only, verbose=options.verbose))
    if options.json:
        options.json.write_text(json.dumps([asdict(r) | {"passed": r.passed} for r in results], indent=1) + "\n")
    passed = sum(result.passed for result in results)
    print(f"{passed} of {len(results)} as expected")
    return 0 if passed == len(results) else 1


if __name__ == "__main__":
    sys.exit(main())
