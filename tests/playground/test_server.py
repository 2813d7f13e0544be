"""Starting, stopping, looking at the state, and the command."""

import asyncio
import json
import signal
import socket
import sys
import time
from pathlib import Path

import httpx
import pytest

from playground.knobs import Knobs
from playground.server import PlaygroundServer
from playground.shapes import all_shapes
from playground.world import DEMO_ACCOUNTS, DEMO_MAIL, demo_accounts
from seezar.errors import PortTaken


async def test_state_page_says_what_the_object_says_and_no_secret(server, visitor, inbox, clock):
    for account in DEMO_ACCOUNTS:
        await visitor.sign_in(account, inbox, clock)
    page = await visitor.open("/_playground/state")
    assert page.json() == server.state.snapshot(all_shapes())
    assert page.json()["mail"]["sign_ins"] == page.json()["mail"]["signed_in_sessions"] == 1
    secrets = {secret for account in DEMO_ACCOUNTS for secret in account.secrets}
    secrets |= {inbox.code(), *dict(visitor.http.cookies).values()}
    assert not [secret for secret in secrets if secret in page.text]


async def test_no_secret_in_the_representation_of_anything(server, visitor, inbox, clock):
    for account in DEMO_ACCOUNTS:
        await visitor.sign_in(account, inbox, clock)
    await visitor.http.get("/mail/login")
    sessions = list(server.state.sessions._sessions.values())
    shown = repr((DEMO_ACCOUNTS, sessions))
    assert "ops@harbor.test" in shown
    hidden = {secret for account in DEMO_ACCOUNTS for secret in account.secrets} | {session.id for session in sessions}
    assert not [secret for secret in hidden if secret in shown]


async def test_slow_pages(server, visitor):
    server.state.knobs.page_delay = 0.2
    start = time.monotonic()
    await visitor.open("/plain/login")
    assert time.monotonic() - start >= 0.2


async def test_answers_are_not_held_back_by_nagle(server, visitor):
    await visitor.open("/plain/login")
    [connection] = server._run.server.server_state.connections
    peer = connection.transport.get_extra_info("socket")
    assert peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1


async def test_port_is_free_again_after_the_block_and_pages_are_gone():
    async with PlaygroundServer() as server:
        port, url = server.port, server.base_url
    async with httpx.AsyncClient(trust_env=False) as http:
        with pytest.raises(httpx.ConnectError):
            await http.get(url)
    async with PlaygroundServer(port=port) as again:
        assert again.base_url == url
    with pytest.raises(RuntimeError, match="not running"):
        _ = again.base_url


async def test_taken_port_is_one_error_and_the_first_server_lives_on():
    async with PlaygroundServer() as first:
        with pytest.raises(PortTaken, match=f"cannot listen on 127.0.0.1:{first.port}"):
            await PlaygroundServer(port=first.port).__aenter__()
        async with httpx.AsyncClient(trust_env=False) as http:
            assert (await http.get(first.base_url)).status_code == 200


async def test_stopping_does_not_wait_for_late_mail(inbox):
    async with (
        asyncio.timeout(60),
        PlaygroundServer(smtp_port=inbox.port, knobs=Knobs(mail_delay=3600)) as server,
        httpx.AsyncClient(base_url=server.base_url, trust_env=False) as http,
    ):
        page = await http.get("/mail/login")
        token = page.text.split('name="csrf_token" value="')[1].split('"')[0]
        form = {"csrf_token": token, "username": DEMO_MAIL.username, "password": DEMO_MAIL.password}
        assert (await http.post("/mail/login", data=form)).headers["location"] == "/mail/code"
    assert inbox.raw == []


async def test_another_mail_domain(inbox):
    accounts = demo_accounts("post.example")
    assert [account.mailbox for account in accounts] == ["demo-mail@post.example", None, None]
    async with PlaygroundServer(accounts=accounts) as server:
        account = server.state.account("mail", DEMO_MAIL.username)
        assert account is not None
        assert account.mailbox == "demo-mail@post.example"


async def start(folder: Path, *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "playground",
        *arguments,
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def test_command_serves_until_interrupted(tmp_path):
    process = await start(tmp_path, "--port", "0", "--smtp-port", "1")
    assert process.stdout is not None
    try:
        first_line = (await process.stdout.readline()).decode()
        base_url = first_line.split(" at ")[1].split("/ ")[0]
        async with httpx.AsyncClient(trust_env=False) as http:
            state = (await http.get(f"{base_url}/_playground/state")).json()
        assert set(state) == set(all_shapes())
        process.send_signal(signal.SIGINT)
        output, errors = await asyncio.wait_for(process.communicate(), 60)
    finally:
        if process.returncode is None:
            process.kill()
    assert (process.returncode, errors) == (0, b"")
    assert not [secret for account in DEMO_ACCOUNTS for secret in account.secrets if secret.encode() in output]


async def test_command_on_a_taken_port_says_one_sentence(server, tmp_path):
    process = await start(tmp_path, "--port", str(server.port))
    output, errors = await asyncio.wait_for(process.communicate(), 60)
    assert (process.returncode, output) == (1, b"")
    said = f"The playground cannot listen on 127.0.0.1:{server.port}: Address already in use."
    assert errors.decode().startswith(said)
    assert errors.count(b"\n") == 1


def test_snapshot_is_json(server):
    assert json.loads(json.dumps(server.state.snapshot(all_shapes())))["plain"]["page_loads"] == 0
