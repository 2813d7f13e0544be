"""Which addresses are public, which are inside, and which no site is ever at."""

import ipaddress

import pytest

from seezar.egress.addresses import side_of


@pytest.mark.parametrize(
    "text", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"]
)
def test_public(text: str) -> None:
    assert side_of(ipaddress.ip_address(text)) == "public"


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1",
        "127.9.9.9",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "192.0.2.1",
        "198.18.0.1",
        "::1",
        "fc00::1",
        "fd12:3456::1",
        "fec0::1",
        "64:ff9b:1::1",
        # Those that carry an IPv4 address: mapped, compatible, NAT64, 6to4, Teredo (its server and its client).
        "::ffff:10.0.0.1",
        "::ffff:127.0.0.1",
        "::7f00:1",
        "64:ff9b::7f00:1",
        "2002:a00:1::1",
        "2001:0:7f00:1:0:0:f7f7:f7f7",
        "2001:0:808:808:0:0:80ff:fffe",
    ],
)
def test_inside(text: str) -> None:
    assert side_of(ipaddress.ip_address(text)) == "inside"


@pytest.mark.parametrize(
    "text",
    [
        "0.0.0.0",  # noqa: S104 - only looked at
        "0.1.2.3",
        "169.254.169.254",
        "169.254.1.1",
        "168.63.129.16",
        "100.100.100.200",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "fe80::1",
        "ff02::1",
        "fd00:ec2::254",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
    ],
)
def test_never(text: str) -> None:
    assert side_of(ipaddress.ip_address(text)) == "never"
