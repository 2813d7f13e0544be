"""Nothing that a process of ours logs or prints by itself holds a secret: whoever logs it, and however it is raised."""

import base64
import os
import subprocess
import sys
from urllib.parse import quote

import pytest

SECRET = "Zr&<\"'é /+%7Qx-Kestrel"
KEY = "gsk-corn-flower-1234"

_BEGIN = """
import asyncio, logging, logging.handlers, sys, threading, warnings, os
early = logging.getLogger("a.library"); early.propagate = False
own = logging.StreamHandler(sys.stderr); own.setFormatter(logging.Formatter("own %(message)s %(args)s"))
early.addHandler(own)
from seezar.telemetry.logs import mask_logs
from seezar.telemetry.revealed import revealed
mask_logs()
logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
secret = sys.argv[1]
revealed.note("password", secret)
log = logging.getLogger("seezar.test")
"""
_WAYS = {
    "message": "log.debug(secret)",
    "argument": "log.info('the value %r of %s', secret, 'x')",
    "names": "log.info('the value %(v)s', {'v': secret})",
    "across": "log.info(secret[:9] + '%s', secret[9:])",
    "object": "log.info('%s', {'body': [secret]})",
    "library": "early.setLevel(10); early.debug('GET /?q=%s', secret)",
    "exception": """
try:
    raise ValueError(secret) from KeyError(secret)
except ValueError:
    log.exception('no')""",
    "library exception": "\ntry:\n    int(secret)\nexcept ValueError:\n    early.exception('no')",
    "stack": "log.info('here', stack_info=True)",
    "warning": "warnings.warn(secret)",
    "queue": """
queue = logging.handlers.MemoryHandler(1, target=own)
queue.emit(early.makeRecord('a', 20, '', 1, secret, (), None))""",
    "ends": "raise RuntimeError(secret)",
    "group": "raise ExceptionGroup(secret, [ValueError(secret)])",
    "thread": "t = threading.Thread(target=lambda: int(secret)); t.start(); t.join()",
    "task": """
async def main():
    asyncio.get_running_loop().set_debug(True)
    task = asyncio.create_task(asyncio.sleep(0)); await task
    failing = asyncio.get_running_loop().create_future(); failing.set_exception(ValueError(secret)); del failing
asyncio.run(main())""",
    "callback": """
async def main():
    asyncio.get_running_loop().call_soon(int, secret); await asyncio.sleep(0)
asyncio.run(main())""",
    "unraisable": "\nclass A:\n    def __del__(self): raise ValueError(secret)\na = A(); del a",
    "environment": "log.info(os.environ['GROQ_API_KEY'] + ' ' + secret)",
    "address": "log.info('the password is in %s', os.environ['SEEZAR_DATABASE_URL'] + secret)",
    "not a format": "log.info('100%' + secret, 1)",
}


def said(work: str) -> str:
    environ = {**os.environ, "GROQ_API_KEY": KEY, "SEEZAR_DATABASE_URL": f"postgresql://ann:{quote(KEY)}@127.0.0.1/x"}
    process = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", _BEGIN + work, SECRET],
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return process.stdout + process.stderr


@pytest.mark.parametrize("way", _WAYS)
def test_no_way_of_logging_tells_a_secret(way: str) -> None:
    text = said(_WAYS[way])
    for form in (SECRET, repr(SECRET)[1:-1], quote(SECRET), base64.b64encode(SECRET.encode()).decode(), KEY, "Kestrel"):
        assert form not in text
    if way not in ("stack", "across"):
        assert "«secret:password-" in text or "could not be masked" in text, text


def test_the_rest_is_still_told() -> None:
    work = """
log.info('%d of %s', 3, ['a'])
log.info('GET %s', '/x')
try:
    1 / 0
except Exception:
    log.exception('no')"""
    text = said(work)
    assert "INFO:seezar.test:3 of ['a']" in text
    assert "INFO:seezar.test:GET /x" in text
    assert "ZeroDivisionError: division by zero" in text
    assert "Traceback (most recent call last)" in text
