"""What an identity may reach: its site, what the owner allows, what the site declares; and where a name may lead."""

import asyncio

import pytest

from seezar.egress import EgressRefused, HostUnreachable, PublicGate, check_public_url
from seezar.egress.hosts import Destination, PrivateHosts, destination
from seezar.egress.policy import EgressPolicy
from seezar.errors import InvalidInput
from tests.egress.names import Names, policy

PUBLIC = ["93.184.216.34"]


def everywhere(*hosts: str) -> Names:
    return Names(dict.fromkeys(hosts, PUBLIC))


async def why(of: EgressPolicy, authority: str, names: Names) -> str:
    with pytest.raises(EgressRefused) as refused:
        await of.route(destination(authority), names)
    return refused.value.why


async def test_nothing_allows_nothing() -> None:
    names = everywhere("a.example")
    assert await why(policy(), "a.example:443", names) == "not_allowed"
    assert await why(policy(), "127.0.0.1:80", names) == "not_allowed"
    assert names.asked == [], "a name that is refused is not even asked for"


async def test_site_same_site_and_allowed_hosts() -> None:
    of = policy("https://app.example.com", hosts=["cdn.other.net", "*.third.org"])
    names = everywhere("app.example.com", "static.example.com", "example.com", "cdn.other.net", "a.third.org")
    for authority in ("app.example.com:443", "app.example.com:80", "static.example.com:443", "example.com:443"):
        assert await of.route(destination(authority), names) == tuple(PUBLIC)
    for authority in ("cdn.other.net:443", "a.third.org:80"):
        assert await of.route(destination(authority), names) == tuple(PUBLIC)
    for authority in ("other.net:443", "evil.example:443", "example.com.evil.net:443", "93.184.216.34:443"):
        assert await why(of, authority, names) == "not_allowed"
    for authority in ("app.example.com:25", "static.example.com:8443", "cdn.other.net:22"):
        assert await why(of, authority, names) == "port"
    assert of.decisions.allowed["static.example.com"] == "same_site"
    assert of.decisions.allowed["cdn.other.net"] == "allowed"


async def test_owners_that_share_a_suffix_are_not_the_same_site() -> None:
    of = policy("https://mine.github.io")
    assert await why(of, "yours.github.io:443", everywhere("yours.github.io")) == "not_allowed"


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::ffff:10.0.0.1", "64:ff9b::a00:1", "0.0.0.0", "::1"],  # noqa: S104
)
@pytest.mark.parametrize("host", ["static.example.com", "cdn.other.net"])
async def test_a_listed_name_does_not_lead_inside(host: str, address: str) -> None:
    of = policy("https://app.example.com", hosts=["cdn.other.net"])
    assert await why(of, f"{host}:443", Names({host: [address]})) == "private_address"
    # One address inside among public ones is enough.
    assert await why(of, f"{host}:443", Names({host: [*PUBLIC, address]})) == "private_address"


async def test_a_registered_origin_may_be_inside_and_stays_there() -> None:
    of = policy("https://app.corp.example")
    names = Names({"app.corp.example": [["10.0.0.1"], ["10.0.0.2"], PUBLIC]})
    assert await of.route(destination("app.corp.example:443"), names) == ("10.0.0.1",)
    assert await of.route(destination("app.corp.example:443"), names) == ("10.0.0.2",)
    assert await why(of, "app.corp.example:443", names) == "private_address"


async def test_a_registered_origin_that_was_outside_never_leads_inside() -> None:
    of = policy("https://app.example.com")
    names = Names({"app.example.com": [PUBLIC, ["10.0.0.1"]]})
    assert await of.route(destination("app.example.com:443"), names) == tuple(PUBLIC)
    assert await why(of, "app.example.com:443", names) == "private_address"


async def test_no_name_leads_to_a_metadata_service() -> None:
    names = Names({"app.example.com": ["169.254.169.254"]})
    assert await why(policy("https://app.example.com"), "app.example.com:443", names) == "private_address"


async def test_an_address_that_is_registered_is_that_address_and_port_only() -> None:
    of = policy("http://127.0.0.1:8090", "http://localhost:8091")
    assert await of.route(destination("127.0.0.1:8090"), Names()) == ("127.0.0.1",)
    assert await of.route(destination("localhost:8091"), Names()) == ("127.0.0.1", "::1")
    assert await why(of, "127.0.0.1:5432", Names()) == "port"
    assert await why(of, "127.0.0.1:80", Names()) == "private_address"
    assert await why(of, "127.0.0.1:8091", Names()) == "private_address"
    assert await why(of, "127.0.0.2:8090", Names()) == "not_allowed"


async def test_private_hosts_by_name_and_by_block() -> None:
    names = Names({"static.example.com": ["10.0.0.1"], "img.example.com": ["192.168.1.1"]})
    of = policy("https://app.example.com", private=["static.example.com", "192.168.0.0/16"])
    assert await of.route(destination("static.example.com:443"), names) == ("10.0.0.1",)
    assert await of.route(destination("img.example.com:443"), names) == ("192.168.1.1",)
    names.known["static.example.com"] = ["169.254.169.254"]
    assert await why(of, "static.example.com:443", names) == "private_address"


async def test_names_that_lead_nowhere() -> None:
    of = policy("https://app.example.com")
    with pytest.raises(HostUnreachable, match="dns error"):
        await of.route(destination("app.example.com:443"), Names())
    with pytest.raises(HostUnreachable, match="dns error"):
        await of.route(destination("app.example.com:443"), Names({"app.example.com": []}))
    assert of.decisions.unreachable == {"app.example.com": "dns_error"}


async def test_what_the_site_declares_is_allowed() -> None:
    of = policy("https://app.example.com")
    names = everywhere("cdn.other.net", "evil.example")
    assert await why(of, "cdn.other.net:443", names) == "not_allowed"
    of.document_answered(object(), "https://evil.example/", ["img-src evil.example"])
    assert await why(of, "evil.example:443", names) == "not_allowed"
    of.document_answered(object(), "https://app.example.com/login", ["script-src 'self' https://cdn.other.net"])
    assert await of.route(destination("cdn.other.net:443"), names) == tuple(PUBLIC)
    assert of.decisions.allowed["cdn.other.net"] == "declared"


async def test_a_connection_is_held_while_a_document_arrives() -> None:
    of = policy("https://app.example.com")
    names = everywhere("cdn.other.net")
    request = object()
    of.document_asked(request, "https://app.example.com/login")
    held = asyncio.ensure_future(of.route(destination("cdn.other.net:443"), names))
    done, _ = await asyncio.wait({held}, timeout=0.1)
    assert not done
    of.document_answered(request, "https://app.example.com/login", ["script-src cdn.other.net"])
    assert await held == tuple(PUBLIC)
    # A document that does not come is not waited for longer than a second; one of others not at all.
    of.document_asked(object(), "https://app.example.com/next")
    assert await why(of, "evil.example:443", names) == "not_allowed"
    other = policy("https://app.example.com")
    other.document_asked(object(), "https://evil.example/")
    async with asyncio.timeout(0.5):
        assert await why(other, "cdn.other.net:443", names) == "not_allowed"


async def test_decisions_are_told_once_and_are_bounded() -> None:
    of = policy("https://app.example.com")
    names = everywhere("app.example.com", "static.example.com")
    await of.route(Destination("app.example.com", 443), names)
    await of.route(Destination("static.example.com", 443), names)
    of.decisions.wanted("x.evil.example", "script")
    for _ in range(3):
        await why(of, "x.evil.example:443", names)
    assert of.decisions.news() == {
        "allowed": [{"host": "static.example.com", "by": "same_site"}],
        "refused": [{"host": "x.evil.example", "count": 3, "why": ["not_allowed"], "kinds": ["script"]}],
    }
    assert of.decisions.news() == {}
    for number in range(1000):
        await why(of, f"a{number}.evil.example:443", names)
    news = of.decisions.news()
    assert len(news["refused"]) == 20
    assert len(of.decisions.refused) == 100
    assert news["more_refused"] == 980


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a.example/",
        "a.example",
        "https://",
        "https://user@a.example/",
        "http://a.example\\@b.example/",
        "http://a b/",
    ],
)
async def test_what_is_no_public_url(url: str) -> None:
    with pytest.raises(InvalidInput):
        await check_public_url(url, resolve=everywhere("a.example", "b.example"))


@pytest.mark.parametrize(
    ("url", "addresses"),
    [
        ("http://127.0.0.1/", []),
        ("http://[::1]:8000/", []),
        ("http://localhost/", []),
        ("http://x.localhost/", []),
        ("http://2130706433/", []),
        ("http://0x7f.1/", []),
        ("http://169.254.169.254/latest/meta-data/", []),
        ("http://[::ffff:10.0.0.1]/", []),
        ("https://inside.example/", ["10.0.0.1"]),
        ("https://inside.example/", ["93.184.216.34", "::1"]),
    ],
)
async def test_a_url_of_a_caller_does_not_lead_inside(url: str, addresses: list[str]) -> None:
    with pytest.raises(EgressRefused):
        await check_public_url(url, resolve=Names({"inside.example": addresses}))


async def test_a_url_of_a_caller_may_lead_outside_or_where_the_owner_says() -> None:
    names = Names({"hooks.example": PUBLIC, "inside.example": ["10.0.0.1"]})
    assert await check_public_url("https://hooks.example/x?y#z", resolve=names) == Destination("hooks.example", 443)
    private = PrivateHosts.parse(["inside.example", "127.0.0.1"])
    assert (await check_public_url("https://inside.example:8443/", private_hosts=private, resolve=names)).port == 8443
    assert (await check_public_url("http://127.0.0.1:9000/", private_hosts=private, resolve=names)).port == 9000
    with pytest.raises(HostUnreachable):
        await PublicGate().route(Destination("nowhere.example", 443), names)
