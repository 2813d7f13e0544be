"""A server on loopback that speaks the KV v2 part of HashiCorp Vault's API, as its documentation describes it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import h11


@dataclass
class VaultServer:
    """Secrets by path, what was asked, and how to misbehave."""

    token: str
    secrets: dict[str, dict[str, Any] | None] = field(default_factory=dict[str, dict[str, Any] | None])
    asked: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    answer: tuple[int, bytes] | None = None
    location: str | None = None
    port: int = 0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def respond(self, path: str, token: str) -> tuple[int, bytes]:
        """What Vault answers: https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2#read-secret-version."""
        if self.answer is not None:
            return self.answer
        if token != self.token:
            return 403, b'{"errors":["permission denied"]}'
        if path not in self.secrets:
            return 404, b'{"errors":[]}'
        metadata = {"created_time": "2026-01-01T00:00:00Z", "deletion_time": "", "destroyed": False, "version": 1}
        found = self.secrets[path]
        body = {"request_id": "r", "lease_id": "", "renewable": False, "data": {"data": found, "metadata": metadata}}
        # A version that was deleted is there, with nothing in it.
        return (404 if found is None else 200), json.dumps(body).encode()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection, path, token = h11.Connection(h11.SERVER), "", ""
        try:
            while True:
                event = connection.next_event()
                if event is h11.NEED_DATA:
                    connection.receive_data(await reader.read(65536))
                elif isinstance(event, h11.Request):
                    headers = {name.decode().lower(): value.decode() for name, value in event.headers}
                    path, token = event.target.decode(), headers.get("x-vault-token", "")
                    self.asked.append((path, token))
                elif isinstance(event, h11.EndOfMessage):
                    status, body = self.respond(path, token)
                    more = [("Location", self.location)] if self.location else []
                    head = h11.Response(
                        status_code=status, headers=[("Content-Length", str(len(body))), ("Connection", "close"), *more]
                    )
                    for part in (head, h11.Data(data=body), h11.EndOfMessage()):
                        writer.write(connection.send(part) or b"")
                    await writer.drain()
                    return
                else:
                    return
        finally:
            writer.close()


@asynccontextmanager
async def vault_server(token: str) -> AsyncIterator[VaultServer]:
    """The server, listening."""
    state = VaultServer(token)
    server = await asyncio.start_server(state.serve, "127.0.0.1", 0)
    state.port = server.sockets[0].getsockname()[1]
    async with server:
        yield state
