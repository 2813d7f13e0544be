"""Is the clock of this machine right? PostgreSQL's can tell where it runs elsewhere."""

import subprocess
import time
from typing import Any

import psycopg

from service.findings import Finding, fine

# What the clocks of two machines may differ by before anything is told; and what breaks deadlines and codes.
_SKEW_WARNING_S = 2.0
_SKEW_WRONG_S = 30.0
_TIMEDATECTL_S = 5.0
_ADVICE = "by a time server: timedatectl set-ntp true."


def clock(connection: "psycopg.Connection[tuple[Any, ...]]") -> Finding:
    """Compare this machine's clock with that of the server.

    Raises:
        psycopg.Error: it does not answer.
    """
    before = time.time()
    row = connection.execute(
        "SELECT extract(epoch FROM clock_timestamp())::float, inet_server_addr() IS NULL"
    ).fetchone()
    after = time.time()
    assert row is not None
    totp = _totp_accounts(connection)
    needs = "; TOTP codes need the right time to within 30 s: compare it with a clock elsewhere" if totp else ""
    # What the way there and back took cannot be told from a difference.
    skew = row[0] - (before + after) / 2
    sure = max(0.0, abs(skew) - (after - before) / 2)
    if sure >= _SKEW_WARNING_S:
        return Finding(
            "Clock",
            "wrong" if sure >= _SKEW_WRONG_S else "warning",
            f"that of PostgreSQL is {abs(skew):.0f} s {'ahead' if skew > 0 else 'behind'}{needs}",
            f"Set both clocks {_ADVICE}",
        )
    # Through a Unix socket.
    return _own_clock(totp, needs) if row[1] else fine("Clock", f"agrees with that of PostgreSQL{needs}")


def _own_clock(totp: int, needs: str) -> Finding:
    same = "PostgreSQL runs on this machine, by the same clock"
    kept = _kept_by_time_server()
    if kept:
        return fine("Clock", f"a time server keeps it right, as timedatectl says; {same}")
    if kept is None:
        return fine("Clock", f"whether it is right cannot be told here: {same}{needs}")
    detail = f"no time server keeps it right, as timedatectl says; {same}{needs}"
    return Finding("Clock", "warning" if totp else "ok", detail, f"Set it {_ADVICE}")


def _kept_by_time_server() -> bool | None:
    """What the system knows of its own clock; None where it cannot be asked."""
    command = ["timedatectl", "show", "--property=NTPSynchronized", "--value"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEDATECTL_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return {"yes": True, "no": False}.get(done.stdout.strip()) if done.returncode == 0 else None


def _totp_accounts(connection: "psycopg.Connection[tuple[Any, ...]]") -> int:
    # A new database has no tables yet.
    there = connection.execute("SELECT to_regclass('app.account') IS NOT NULL").fetchone()
    if not there or not there[0]:
        return 0
    row = connection.execute("SELECT count(*) FROM app.account WHERE totp_ref IS NOT NULL").fetchone()
    return int(row[0]) if row else 0
