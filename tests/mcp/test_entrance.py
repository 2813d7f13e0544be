"""What stands before `/mcp`: who is let in, and what a client of the official SDK finds out by itself."""

from typing import Any

import httpx
import httpx2
import jwt
import pytest
from mcp import Client
from mcp.client.auth import TokenStorage
from mcp.client.auth.extensions.client_credentials import ClientCredentialsOAuthProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken

from seezar.access import WEB_AUDIENCE, Scope
from seezar.settings import Settings
from tests.api.v1.server import ApiServer, api_server

LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
ACCEPT = {"accept": "application/json, text/event-stream"}


@pytest.fixture
async def api(settings: Settings, database_url: str) -> Any:
    async with api_server(settings, database_url) as running:
        yield running


async def ask(api: ApiServer, token: str | None, **headers: str) -> httpx.Response:
    """A request for the list of tools."""
    sent = {**ACCEPT, **({} if token is None else {"authorization": f"Bearer {token}"}), **headers}
    async with httpx.AsyncClient(trust_env=False) as http:
        return await http.post(f"{api.root}/mcp", json=LIST, headers=sent)


async def test_only_a_token_for_this_service_that_still_counts_lets_in(api: ApiServer) -> None:
    access = api.application.access
    made = await access.clients.add("agent", [Scope.SIGNIN])
    access.forget_state()
    good = (await access.tokens.issue_here("agent")).access_token
    assert (await ask(api, good)).status_code == 200
    for_web = (await access.tokens.issue_here("agent", audience=WEB_AUDIENCE)).access_token
    kid, key = await access.keys.signing()
    claims = jwt.decode(good, options={"verify_signature": False})
    old = jwt.encode({**claims, "exp": claims["iat"] - 60}, key, algorithm="EdDSA", headers={"kid": kid})
    for token in (None, "x", f"{good.rpartition('.')[0]}.", for_web, old):
        answer = await ask(api, token)
        assert answer.status_code == 401, token
        assert answer.json()["code"] == "invalid_token"
        assert "resource_metadata=" in answer.headers["www-authenticate"]
    await access.revoke(good, client_id=made.client.id)
    assert (await ask(api, good)).status_code == 401


async def test_a_page_elsewhere_cannot_use_it(api: ApiServer) -> None:
    token = await api.token(Scope.SIGNIN)
    assert (await ask(api, token, origin="https://evil.example")).status_code == 403
    assert (await ask(api, token, host="evil.example")).status_code == 400
    assert (await ask(api, token, origin=api.root)).status_code == 200


async def test_too_much_is_refused_before_it_is_read(api: ApiServer) -> None:
    headers = {**ACCEPT, "authorization": f"Bearer {await api.token(Scope.SIGNIN)}"}
    big = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "sign_in", "arguments": {"a": "x" * 70_000}},
    }
    async with httpx.AsyncClient(trust_env=False) as http:
        assert (await http.post(f"{api.root}/mcp", json=big, headers=headers)).status_code == 413
        for body in (b"{", b"[]", b"null", b"\xff", b"[" * 5000, b'{"jsonrpc": "2.0", "id": {}, "method": 3}'):
            sent = {**headers, "content-type": "application/json"}
            answer = await http.post(f"{api.root}/mcp", content=body, headers=sent)
            assert 400 <= answer.status_code < 500, (body[:20], answer.status_code)
            assert "Traceback" not in answer.text


class Memory(TokenStorage):
    """Where the official client keeps what it was given."""

    def __init__(self) -> None:
        self.tokens: OAuthToken | None = None
        self.client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


async def test_the_official_client_gets_its_token_by_itself(api: ApiServer) -> None:
    made = await api.application.access.clients.add("agent", [Scope.RUNS_READ])
    api.application.access.forget_state()
    memory = Memory()
    auth = ClientCredentialsOAuthProvider(f"{api.root}/mcp", memory, made.client.id, made.secret, issuer=api.root)
    async with (
        httpx2.AsyncClient(auth=auth, trust_env=False, timeout=30) as http,
        Client(streamable_http_client(f"{api.root}/mcp", http_client=http)) as agent,
    ):
        assert len((await agent.list_tools()).tools) == 6
    assert memory.tokens is not None
    assert memory.tokens.scope == "runs:read"
