"""Hosts and sites."""

import pytest

from seezar.domains import host_of_site, is_loopback, normal_host, registrable_domain, same_site


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("login.bank.co.uk", "bank.co.uk"),
        ("BANK.Example.", "bank.example"),
        ("a.b.github.io", "b.github.io"),
        ("github.io", "github.io"),
        ("mail.seezar.test", "seezar.test"),
        ("localhost", "localhost"),
        ("127.0.0.1", "127.0.0.1"),
        ("[::1]", "::1"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("a..b", None),
        ("-a.example", None),
        ("a b.example", None),
        ("", None),
        ("x" * 300 + ".example", None),
    ],
)
def test_registrable_domain(host: str, domain: str | None) -> None:
    assert registrable_domain(host) == domain


def test_same_site() -> None:
    assert same_site("login.bank.test", "bank.test")
    assert same_site("BÜCHER.example", "xn--bcher-kva.example")
    assert not same_site("bank.test.evil.example", "bank.test")
    assert not same_site("a.github.io", "b.github.io")
    assert not same_site("", "")
    assert not same_site("127.0.0.1", "127.0.0.2")


@pytest.mark.parametrize(
    ("site", "host"),
    [
        ("bank.test", "bank.test"),
        ("bank.test:8443", "bank.test"),
        ("https://bank.test/login?next=//evil.example", "bank.test"),
        ("http://[::1]:8090/x", "::1"),
        ("https://user@bank.test/", "bank.test"),
        ("https://", None),
        ("", None),
    ],
)
def test_host_of_site(site: str, host: str | None) -> None:
    assert host_of_site(site) == host


def test_loopback() -> None:
    assert all(map(is_loopback, ("localhost", "app.localhost", "127.0.0.1", "127.9.9.9", "[::1]")))
    assert not any(map(is_loopback, ("localhost.example", "10.0.0.1", "0.0.0.0", "", "not a host")))  # noqa: S104
    assert normal_host("LOCALHOST.") == "localhost"
