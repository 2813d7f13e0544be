"""httpx through the gate: to the address that was checked, under the name that was asked for."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from seezar.egress import EgressPolicy, EgressRefused, HostPattern, PrivateHosts, PublicGate, gated_client
from tests.egress.names import Names, policy
from tests.site import Site, redirect, serve

TRUST = ssl.create_default_context()


@asynccontextmanager
async def client(gate: EgressPolicy | PublicGate, names: Names) -> AsyncIterator[httpx.AsyncClient]:
    async with gated_client(gate, verify=TRUST, resolve=names, timeout=5.0) as made:
        yield made


def here(site: Site) -> EgressPolicy:
    return policy(f"http://app.example.test:{site.port}", private=["127.0.0.1"])


async def test_the_site_sees_the_name_and_the_address_is_asked_for_once() -> None:
    names = Names({"app.example.test": [["127.0.0.1"], ["10.0.0.1"]]})
    async with serve({"/x": "hello"}) as site, client(here(site), names) as asks:
        answer = await asks.get(f"http://app.example.test:{site.port}/x?y")
        assert answer.text == "hello"
        assert site.requests[0].headers["host"] == f"app.example.test:{site.port}"
        assert names.asked == ["app.example.test"]
        # The second time it leads elsewhere.
        with pytest.raises(EgressRefused) as refused:
            await asks.get(f"http://app.example.test:{site.port}/x")
        assert refused.value.why == "private_address"


async def test_no_redirect_leads_out_of_the_policy() -> None:
    names = Names({"app.example.test": ["127.0.0.1"], "evil.test": ["127.0.0.1"]})
    async with serve({}) as evil, serve({}) as site, client(here(site), names) as asks:
        site.routes["/"] = redirect(f"http://evil.test:{evil.port}/")
        answer = await asks.get(f"http://app.example.test:{site.port}/")
        assert answer.status_code == 303
        with pytest.raises(EgressRefused):
            await asks.get(f"http://app.example.test:{site.port}/", follow_redirects=True)
        assert evil.requests == []


async def test_no_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with serve({"/": "hello"}) as site, client(here(site), Names({"app.example.test": ["127.0.0.1"]})) as asks:
        assert (await asks.get(f"http://app.example.test:{site.port}/")).text == "hello"


async def test_the_next_address_is_tried_when_one_takes_no_connection() -> None:
    names = Names({"app.example.test": ["127.0.0.2", "127.0.0.1"]})
    gate = EgressPolicy(hosts=[HostPattern.parse("app.example.test:*")], private=PrivateHosts.parse(["127.0.0.0/8"]))
    async with serve({"/": "hello"}) as site, client(gate, names) as asks:
        assert (await asks.get(f"http://app.example.test:{site.port}/")).text == "hello"


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:PORT/", "http://localhost:PORT/", "http://inside.test:PORT/", "http://2130706433:PORT/"]
)
async def test_an_address_of_a_caller_does_not_lead_inside(url: str) -> None:
    async with serve({}) as site, client(PublicGate(), Names({"inside.test": ["127.0.0.1"]})) as asks:
        with pytest.raises(EgressRefused):
            await asks.post(url.replace("PORT", str(site.port)), json={})
        assert site.requests == []


async def test_a_name_that_leads_nowhere_is_an_error_of_httpx() -> None:
    async with client(PublicGate(), Names()) as asks:
        with pytest.raises(httpx.ConnectError, match="dns error"):
            await asks.get("https://nowhere.test/")
