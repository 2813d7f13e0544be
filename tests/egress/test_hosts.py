"""One spelling of each host, patterns of what is allowed, and what a site declares."""

import pytest

from seezar.egress import EgressRefused, HostPattern, PrivateHosts
from seezar.egress.csp import declared_hosts
from seezar.egress.hosts import Destination, destination
from seezar.errors import InvalidInput


@pytest.mark.parametrize(
    ("authority", "host", "port"),
    [
        ("EXAMPLE.com:443", "example.com", 443),
        ("example.com.:443", "example.com", 443),
        ("bücher.example:80", "xn--bcher-kva.example", 80),
        ("[2001:DB8::0:1]:443", "2001:db8::1", 443),
        ("10.0.0.1:80", "10.0.0.1", 80),
    ],
)
def test_one_spelling(authority: str, host: str, port: int) -> None:
    assert destination(authority) == Destination(host, port)


@pytest.mark.parametrize(
    "authority",
    [
        "2130706433:80",
        "0x7f000001:80",
        "0x7f.1:80",
        "017700000001:80",
        "127.1:80",
        "127.0.0.01:80",
        "1.2.3.4.5:80",
        "user@example.com:443",
        "user:secret@example.com:443",
        "::1:80",
        "[::1:80",
        "[fe80::1%25eth0]:80",
        "[fe80::1%eth0]:80",
        "[10.0.0.1]:80",
        "example.com..:80",
        ".example.com:80",
        "exa mple.com:80",
        "exa\tmple.com:80",
        "example.com\x00:80",
        "example.com:0",
        "example.com:65536",
        "example.com:+80",
        "example.com:٨٠",
        "example.com",
        ":80",
        "",
        "a" * 301 + ".com:80",
    ],
)
def test_what_programs_read_differently_is_refused(authority: str) -> None:
    with pytest.raises(EgressRefused) as refused:
        destination(authority)
    assert refused.value.why == "unclear_host"


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("cdn.example.net", [("cdn.example.net", 443), ("cdn.example.net", 80)], [("a.cdn.example.net", 443)]),
        (
            "*.example.net",
            [("a.example.net", 443), ("a.b.example.net", 80)],
            [("example.net", 443), ("xexample.net", 80)],
        ),
        ("cdn.example.net:8443", [("cdn.example.net", 8443)], [("cdn.example.net", 443)]),
        ("cdn.example.net:*", [("cdn.example.net", 25)], []),
        ("CDN.Example.NET.", [("cdn.example.net", 443)], [("cdn.example.net", 8080)]),
    ],
)
def test_patterns(pattern: str, yes: list[tuple[str, int]], no: list[tuple[str, int]]) -> None:
    read = HostPattern.parse(pattern)
    assert HostPattern.parse(str(read)) == read
    assert all(read.allows(Destination(*where)) for where in yes)
    assert not any(read.allows(Destination(*where)) for where in no)


@pytest.mark.parametrize(
    "text",
    [
        "*",
        "*.*",
        "",
        "*.com",
        "*.co.uk",
        "*.github.io",
        "a*.example.net",
        "https://a.example",
        "a.example/x",
        "*.1.2.3.4",
        "a:x",
    ],
)
def test_what_is_no_pattern(text: str) -> None:
    with pytest.raises(InvalidInput):
        HostPattern.parse(text)


def test_what_a_site_declares() -> None:
    policies = [
        "default-src 'self'; script-src 'self' 'nonce-abc' https://cdn.example.net https://*.example.org:8443/js/ "
        "data: https: *; connect-src wss://live.example.com, img-src pictures.example.com",
        "frame-ancestors https://evil.example; report-uri https://reports.example/x; style-src *.com *.cloudfront.net",
    ]
    assert [str(pattern) for pattern in declared_hosts(policies)] == [
        "cdn.example.net",
        "*.example.org:8443",
        "live.example.com",
        "pictures.example.com",
    ]


def test_an_endless_declaration_is_cut() -> None:
    policies = [f"img-src {' '.join(f'a{number}.example' for number in range(1000))}" for _ in range(50)]
    assert len(declared_hosts(policies)) <= 200


def test_private_hosts() -> None:
    private = PrivateHosts.parse(["app.corp.example", "*.corp", "10.0.0.0/8", "192.168.1.5", "[fd00::1]"])
    assert private.names_host("app.corp.example")
    assert private.names_host("x.corp")
    assert not private.names_host("corp.example")
    assert [str(network) for network in private.networks] == ["10.0.0.0/8", "192.168.1.5/32", "fd00::1/128"]
    with pytest.raises(InvalidInput):
        PrivateHosts.parse(["not a host"])
