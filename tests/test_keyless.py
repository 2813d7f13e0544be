"""A machine without a key: nothing is sent outside, by no process and no browser, and nothing is warned of."""

import os
import re
import sys

import pytest

from tests.outside import possible, watched

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.timeout(400),
    pytest.mark.skipif(not possible(), reason="needs root, unshare, ip and /dev/net/tun"),
]

# What a developer may have in the environment and a fresh machine has not.
_KEYS = re.compile(r"_API_KEY$|_TOKEN$|^LANGFUSE_|^OTEL_|^SEEZAR_(?!CHROMIUM$)|_proxy$", re.IGNORECASE)


def fresh() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not _KEYS.search(name)}


def test_the_wire_tells_what_is_sent() -> None:
    asks = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('203.0.113.7', 99))"
    assert watched([sys.executable, "-c", asks], env=fresh(), timeout=30) == ("", ["udp 203.0.113.7 99"])


def test_the_demo_sends_nothing_outside() -> None:
    output, sent = watched([sys.executable, "-m", "playground.demo"], env=fresh(), timeout=380)
    assert "session verified with the site" in output
    assert sorted(set(sent)) == []
    assert not re.search(r"warning|deprecat", output, re.IGNORECASE)
