"""What the gate says no with."""

from typing import Literal

from seezar.errors import SeezarError

type Why = Literal["not_allowed", "port", "private_address", "unclear_host"]
"""Why a destination is refused: nobody allows the host; nobody allows the port; the name leads to an address inside;
the host is written so that programs read it differently.
"""


class EgressRefused(SeezarError):
    """A connection to a host that the identity may not reach.

    Args:
        host: as it is told; never with a path.
        why: which rule.
    """

    status = "egress_refused"

    def __init__(self, host: str, why: Why, what: str, *, next_step: str = "") -> None:
        super().__init__(what, kept="Nothing was sent there.", next_step=next_step)
        self.host = host
        self.why: Why = why


class EgressUnreachable(SeezarError):
    """The browser cannot go out through the gate, so it does not go out at all."""

    status = "egress_unreachable"


class HostUnreachable(SeezarError):
    """A host that may be reached, and does not answer.

    Args:
        host: its name.
        error: type of Proxy-Status (RFC 9209, section 2.3), such as `connection_refused`.
        late: nobody answered in time.
    """

    status = "host_unreachable"
    retryable = True

    def __init__(self, host: str, error: str, *, late: bool = False) -> None:
        super().__init__(f"{host} cannot be reached ({error.replace('_', ' ')}).", kept="Nothing was sent there.")
        self.host = host
        self.error = error
        self.late = late
