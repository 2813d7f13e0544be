"""`seezar up` and `seezar down`: everything comes up, and nothing is left."""

import os
import signal
import socket
from collections.abc import Iterator

import httpx
import psutil
import pytest

from tests.service.conftest import Foreground, Home, new_home, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


def web_url(up: Foreground) -> str:
    said = up.wait_for("web: http://127.0.0.1:")
    return next(line.split()[1] for line in said.splitlines() if line.startswith("web: "))


def api_url(up: Foreground) -> str:
    said = up.wait_for("api: http://127.0.0.1:")
    return next(line.split()[1] for line in said.splitlines() if line.startswith("api: "))


def workers(up: Foreground) -> list[psutil.Process]:
    children = psutil.Process(up.process.pid).children()
    return [p for p in children if p.status() != psutil.STATUS_ZOMBIE and "workflows.worker" in p.cmdline()]


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that still run; a zombie is over, and its parent's matter."""
    return [p for p in processes if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        yield listener.getsockname()[1]


def test_up_serves_restarts_its_worker_and_down_leaves_nothing(home: Home) -> None:
    with home.running("up") as up:
        url = web_url(up)
        assert "coordinator" in httpx.get(f"{url}/list-apps", timeout=60, trust_env=False).json()
        assert "ADK" not in up.said
        api = api_url(up)
        assert httpx.get(f"{api}/health", timeout=60, trust_env=False).json()["status"] == "ok"

        second = home.seezar("up")
        assert second.code == 1
        assert f"process {up.process.pid}" in second.complaint
        assert home.seezar("db", "stop").code == 1
        status = home.seezar("status")
        assert url in status.out
        assert api in status.out
        assert "127.0.0.1:" in next(line for line in status.out.splitlines() if line.startswith("mail"))

        (killed,) = workers(up)
        killed.kill()
        up.wait_for("it is started again")
        until(lambda: any(p.pid != killed.pid for p in workers(up)))
        up.wait_for(f"worker 0: running (process {workers(up)[0].pid})")

        running = home.processes()
        assert len(running) > 3
        down = home.seezar("down")
        assert down.code == 0
        assert f"Stopped seezar up (process {up.process.pid})" in down.out, up.said
        assert up.process.wait(timeout=5) == 0
        assert alive(running) == []
        assert home.processes() == []
    again = home.seezar("down")
    assert (again.code, again.out) == (0, "Nothing is running.\n")


def test_ctrl_c_stops_up_and_all_it_started(home: Home) -> None:
    with home.running("up") as up:
        up.wait_for("worker 0: running")
        running = home.processes()
        assert up.interrupt() == 0
        assert "Stopped the database" in up.said
        assert alive(running) == []


def test_down_clears_up_after_an_up_that_was_killed(home: Home) -> None:
    with home.running("up") as up:
        web_url(up)
        api_url(up)
        os.kill(up.process.pid, signal.SIGKILL)
        up.process.wait()
        running = home.processes()
        assert running
        down = home.seezar("down")
        assert down.code == 0
        for what in ("seezar web", "seezar api", "worker 0", "the database"):
            assert f"Stopped {what} (process" in down.out
        assert alive(running) == []


def test_down_stops_a_worker_with_its_browser(world: Home, site: str) -> None:
    with new_home() as home:
        options = ["--url", f"{site}/plain/login", "--username", "ops@fieldnote.test", "--password-env", "PW"]
        assert home.seezar("account", "add", "demo", *options, PW="Saffron-Meadow-3305-kestrel+").code == 0
        assert home.seezar("sign-in", "demo").code == 0
        running = home.processes()
        assert any("chrom" in process.name() for process in running)
        assert home.seezar("down").code == 0
        assert alive(running) == []


def test_taken_ports_stop_up_before_it_leaves_anything(home: Home, taken_port: int) -> None:
    for variable in ("SEEZAR_WEB_PORT", "SEEZAR_API_PORT", "SEEZAR_SMTP_PORT"):
        with home.running("up", **{variable: str(taken_port)}) as up:
            assert up.process.wait(timeout=120) == 1
            assert f"127.0.0.1:{taken_port}" in up.said
            assert "Traceback" not in up.said
        assert home.processes() == []


@pytest.mark.parametrize("command", ["web", "playground"])
def test_a_taken_port_is_told(home: Home, taken_port: int, command: str) -> None:
    answer = home.seezar(command, "--port", str(taken_port))
    assert answer.code == 1
    assert str(taken_port) in answer.complaint


def test_a_taken_smtp_port_is_told_by_the_command_that_needs_a_worker(home: Home, taken_port: int) -> None:
    home.variables["SEEZAR_SMTP_PORT"] = str(taken_port)
    answer = home.seezar("sign-in", "ops", "--json")
    assert answer.code == 1
    assert answer.json["status"] == "worker_unavailable"
    assert "SEEZAR_SMTP_PORT" in answer.complaint
    # What needs no worker goes on without.
    listed = home.seezar("account", "list")
    assert listed.code == 0
