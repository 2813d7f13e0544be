"""Origins: the same as the browser's for every way to write an address, and nothing that could mean two hosts."""

import pytest

from seezar.errors import InvalidInput
from seezar.vault.origins import checked_origins, is_loopback, is_secure, origin_of


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://a.example", "https://a.example"),
        ("  HTTPS://A.Example:443/path?q=1#f ", "https://a.example"),
        ("http://a.example:80/", "http://a.example"),
        ("https://a.example:80", "https://a.example:80"),
        ("http://a.example:443", "http://a.example:443"),
        ("https://a.example:", "https://a.example"),
        ("https://a_b.example", "https://a_b.example"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        # As browsers do since 2022: IDNA 2003 made another domain of it, which somebody else may own.
        ("https://straße.example", "https://xn--strae-oqa.example"),
        ("https://example。com", "https://example.com"),
        ("http://[::1]:8080/x", "http://[::1]:8080"),
        ("http://[0:0:0:0:0:0:0:1]", "http://[::1]"),
        ("http://127.0.0.1:8090", "http://127.0.0.1:8090"),
        ("https://a.example?x=https://evil.example", "https://a.example"),
        ("https://a.example#@evil.example", "https://a.example"),
        ("https://a.example/b c", "https://a.example"),
    ],
)
def test_taken(url: str, origin: str) -> None:
    assert origin_of(url) == origin
    assert origin_of(origin) == origin


@pytest.mark.parametrize(
    "url",
    [
        "",
        "a.example",
        "//a.example",
        "https://",
        "https:///path",
        "ftp://a.example",
        "wss://a.example",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "data:text/html,<form>",
        "about:blank",
        "blob:https://a.example/1",
        "https://a.example:99999",
        "https://a.example:0",
        "https://a.example:x",
        "https://[::1",
        "https://a..example",
        "https://-a.example",
        "https://a b.example",
        "https://%61.example",
        "https://a%00.example",
        "https://a.example\\.evil.example",
        "https://a.example/\npath",
        "https://a.example/\0",
        "https://" + "a" * 64 + ".example",
        "https://a․example",
    ],
)
def test_refused(url: str) -> None:
    with pytest.raises(InvalidInput) as told:
        origin_of(url)
    assert told.value.status == "invalid_input"


@pytest.mark.parametrize(
    "url", ["https://me@a.example", "https://me:geheim@a.example", "https://a.example\\@evil.example"]
)
def test_a_user_name_in_it_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(InvalidInput, match="--username") as told:
        origin_of(url)
    assert "geheim" not in str(told.value)


@pytest.mark.parametrize(
    ("origin", "loopback"),
    [
        ("http://localhost", True),
        ("http://app.localhost:3000", True),
        ("http://127.0.0.1", True),
        ("http://127.8.9.10", True),
        ("http://[::1]:80", True),
        ("http://localhost.example", False),
        ("http://127.0.0.1.example", False),
        ("http://128.0.0.1", False),
        ("http://0.0.0.0", False),
        ("http://10.0.0.1", False),
    ],
)
def test_this_machine(origin: str, loopback: bool) -> None:
    assert is_loopback(origin) is loopback
    assert is_secure(origin) is loopback
    assert is_secure(origin.replace("http:", "https:"))


def test_several_are_listed_once_in_order() -> None:
    urls = ["https://b.example/x", "https://a.example", "https://B.example", "http://127.0.0.1:1"]
    assert checked_origins(urls) == ("https://b.example", "https://a.example", "http://127.0.0.1:1")


def test_plain_http_to_another_machine_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"http://a\.example is not encrypted"):
        checked_origins(["https://a.example", "http://a.example"])
