"""`python -m tests.outside COMMAND`: run a command where the only way out is a wire that ends here; tell what it sent.

The last line of the output is a JSON list of what came over the wire: protocol, address, port, and of DNS the name.
Needs Linux, root, `unshare` and `ip`; `possible()` says whether they are there.
"""

import fcntl
import json
import os
import select
import shutil
import struct
import subprocess
import sys
import threading
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

# linux/if_tun.h
_TUNSETIFF = 0x400454CA
_IFF_TUN, _IFF_NO_PI = 0x0001, 0x1000
_PROTOCOLS = {6: "tcp", 17: "udp"}
_DNS = 53


def possible() -> bool:
    """Whether a network of its own can be made here."""
    if not (os.geteuid() == 0 and shutil.which("unshare") and shutil.which("ip") and Path("/dev/net/tun").exists()):
        return False
    return subprocess.run(["unshare", "-n", "true"], check=False, capture_output=True).returncode == 0


def watched(command: Sequence[str], *, env: dict[str, str], timeout: float) -> tuple[str, list[str]]:
    """Run `command` in a network of its own.

    Returns:
        its output with its errors, and what it sent to the outside.

    Raises:
        subprocess.CalledProcessError, subprocess.TimeoutExpired: it failed, or did not end.
    """
    process = subprocess.run(
        ["unshare", "-n", sys.executable, "-m", "tests.outside", *command],
        env=env,
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
    )
    *output, sent = process.stdout.splitlines()
    return "\n".join(output), json.loads(sent)


def _wire() -> int:
    """A network with a loopback and one way out; what is sent there can be read from the descriptor."""
    wire = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(wire, _TUNSETIFF, struct.pack("16sH", b"outside", _IFF_TUN | _IFF_NO_PI))
    for words in (
        "link set lo up",
        "address add 192.0.2.1/24 dev outside",
        "link set outside up",
        "route add default dev outside",
        "-6 address add 2001:db8::1/64 dev outside nodad",
        "-6 route add default dev outside",
    ):
        subprocess.run(["ip", *words.split()], check=True)
    return wire


def told(packet: bytes) -> str | None:
    """What a packet is, for people; None for what the network itself says (neighbours, multicast)."""
    if packet[0] >> 4 == 4:
        protocol, to, body = packet[9], ip_address(packet[16:20]), packet[4 * (packet[0] & 15) :]
    else:
        protocol, to, body = packet[6], ip_address(packet[24:40]), packet[40:]
    if protocol not in _PROTOCOLS or to.is_multicast:
        return None
    port = int.from_bytes(body[2:4])
    name = f" {_name(body[20:])}" if port == _DNS and protocol == 17 else ""
    return f"{_PROTOCOLS[protocol]} {to} {port}{name}"


def _name(question: bytes) -> str:
    """The name in a question of DNS (RFC 1035, section 4.1.2)."""
    labels: list[str] = []
    while question and question[0]:
        labels.append(question[1 : 1 + question[0]].decode(errors="replace"))
        question = question[1 + question[0] :]
    return ".".join(labels)


def main(command: Sequence[str]) -> int:
    """Run it; see the module."""
    wire, sent, over = _wire(), list[str](), threading.Event()

    def read() -> None:
        while not over.is_set():
            ready, _, _ = select.select([wire], [], [], 0.1)
            if ready and (packet := told(os.read(wire, 65536))) is not None:
                sent.append(packet)

    reader = threading.Thread(target=read)
    reader.start()
    code = subprocess.run(command, check=False).returncode
    over.set()
    reader.join()
    sys.stdout.write(f"{json.dumps(sent)}\n")
    return code


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
