"""`seezar api` as a process."""

import socket
import time

import httpx
import pytest

from tests.service.conftest import Home, until

PASSWORD = "correct horse battery"


@pytest.mark.slow
def test_the_api_serves_mail_until_it_is_interrupted(home: Home) -> None:
    with home.running("api", "--port", "0") as api:
        url = api.wait_for("Ctrl-C stops it.").partition("The HTTP API is at ")[2].split()[0]
        with httpx.Client(base_url=f"{url}/mail", trust_env=False, timeout=60) as client:
            health = client.get(f"{url}/health")
            assert health.json() == {"status": "ok", "database": True, "worker": True, "key": True}
            known = {"address": "ann@mail.seezar.test", "password": PASSWORD}
            assert client.post("/accounts", json=known).status_code == 201
            granted = client.post("/token", json=known).json()
            client.headers["authorization"] = f"Bearer {granted['token']}"
            assert url in home.seezar("status").out
            assert "ann@mail.seezar.test" in home.seezar("mail", "list").out
            answers: list[httpx.Response] = []
            until(lambda: answers.append(client.get("/me")) or answers[-1].status_code == 429, seconds=30)
            # As a client does that heeds the answer.
            time.sleep(int(answers[-1].headers["retry-after"]))
            topic = {"topic": f"/accounts/{granted['id']}"}
            with client.stream("GET", "/.well-known/mercure", params=topic) as stream:
                lines = stream.iter_lines()
                assert next(lines) == ":"
                assert api.interrupt() == 0
                assert list(lines) == [""]
        for secret in (PASSWORD, granted["token"], granted["id"], "Traceback"):
            assert secret not in api.said


def test_a_taken_port_is_one_sentence(home: Home) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        answer = home.seezar("api", "--port", str(port))
    assert answer.code == 1
    assert f"The HTTP API cannot listen on 127.0.0.1:{port}" in answer.complaint
    assert "SEEZAR_API_PORT" in answer.complaint
    assert home.processes() == []
