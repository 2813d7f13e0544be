"""Clients that send slowly: answered 408 and let go, whatever they have sent; honest ones wait as long as they like."""

import asyncio
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from seezar.access import Scope
from service.slow_clients import ImpatientProtocol
from tests.api.v1.server import ApiServer

_HEAD = b"POST /v1/accounts HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 90\r\n"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImpatientProtocol, "head_s", 0.4)
    monkeypatch.setattr(ImpatientProtocol, "body_s", 0.4)


@pytest.mark.parametrize("sent", [b"", b"G", _HEAD, _HEAD + b"\r\n", _HEAD + b'\r\n{"name": '])
async def test_a_request_that_does_not_arrive(api: ApiServer, sent: bytes) -> None:
    token = await api.token(Scope.ACCOUNTS_WRITE)
    sent = sent.replace(b"content-length", f"authorization: Bearer {token}\r\ncontent-length".encode())
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(api.root).port)
    with closing(writer):
        writer.write(sent)
        async with asyncio.timeout(20):
            answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b'"code": "request_timeout"' in answer
    assert await api.application.accounts.list() == []


async def test_bytes_now_and_then_gain_no_time(api: ApiServer) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(api.root).port)
    with closing(writer):
        answered = asyncio.create_task(reader.read())
        async with asyncio.timeout(20):
            for byte in b"GET /health HTTP/1.1\r\nhost: " + b"x" * 10_000:
                writer.write(bytes([byte]))
                await asyncio.wait({answered}, timeout=0.05)
                if answered.done():
                    break
        assert (await answered).startswith(b"HTTP/1.1 408 ")


async def test_who_waits_for_an_answer_or_between_requests_is_left_alone(api: ApiServer) -> None:
    box = await api.application.mail.create("ops")
    async with await api.client(Scope.MAIL_READ) as client:
        for _ in range(2):
            waited = await client.get(f"/v1/mailboxes/{box.address}/wait?seconds=1")
            assert waited.status_code == 204
