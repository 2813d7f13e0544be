"""Whole databases as streams, by the `pg_dump` and `pg_restore` of the packaged PostgreSQL; for any server."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import IO

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from seezar.database.embedded import EmbeddedServer
from seezar.errors import DatabaseUnavailable

_CHUNK = 1024 * 1024


def dump(home: Path, url: str, snapshot: str, output: IO[bytes]) -> None:
    """Write the database at `url`, as an exported `snapshot` sees it, to `output`, in pg_dump's own format.

    Raises:
        DatabaseUnavailable: pg_dump reports an error.
        OSError: `output` cannot be written.
    """
    target, environment = _connection(url)
    command = [EmbeddedServer(home).binary("pg_dump"), "-Fc", "--snapshot", snapshot, "-d", target]
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, env=environment)
        assert process.stdout is not None
        try:
            shutil.copyfileobj(process.stdout, output, _CHUNK)
        except BaseException:
            process.kill()
            raise
        finally:
            process.stdout.close()
            process.wait()
        if process.returncode != 0:
            raise _failed("The backup", said, "Nothing was written.")


def load(home: Path, url: str, dumped: IO[bytes]) -> None:
    """Fill the empty database at `url` with what `dump` wrote, all or nothing.

    Raises:
        DatabaseUnavailable: pg_restore reports an error.
    """
    target, environment = _connection(url)
    command = [
        *(EmbeddedServer(home).binary("pg_restore"), "--no-owner", "--no-privileges", "--exit-on-error"),
        *("--single-transaction", "-d", target),
    ]
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=said, stderr=said, env=environment)
        assert process.stdin is not None
        try:
            shutil.copyfileobj(dumped, process.stdin, _CHUNK)
            process.stdin.close()
        except BrokenPipeError:
            # It ended before: what it says is told.
            pass
        except BaseException:
            process.kill()
            raise
        finally:
            process.wait()
        if process.returncode != 0:
            raise _failed("The restore", said, "What was stored here before is as it was.")


def _connection(url: str) -> tuple[str, dict[str, str]]:
    # A password on the command line could be read by everybody on the machine.
    options = conninfo_to_dict(url)
    password = options.pop("password", None)
    environment = {**os.environ, **({"PGPASSWORD": str(password)} if password else {})}
    return make_conninfo("", **options), environment


def _failed(what: str, said: IO[bytes], kept: str) -> DatabaseUnavailable:
    said.seek(0)
    lines = [line.strip() for line in said.read().decode(errors="replace").splitlines() if "error:" in line]
    reason = lines[0].partition("error:")[2].strip() if lines else "it said nothing"
    return DatabaseUnavailable(
        f"{what} failed: {reason.rstrip('.')}.",
        kept=kept,
        next_step="Check that the database runs, has room and is no newer than PostgreSQL 18 (seezar doctor).",
    )
