"""The HTTP API under requests made from its own OpenAPI description, right and wrong ones, by schemathesis.

Each answer must be one that the description names for the route: its status, its content type, the shape of its body;
and none may say that the server failed. `make fuzz-api` sends 5,000 requests, `tests/api/v1/test_openapi.py` a few
hundred. No worker is started there, so what is queued stays queued, and nothing beyond loopback is reached.
"""

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

_HEALTH = [status_code_conformance, content_type_conformance, response_schema_conformance]
_CHECKS = [not_a_server_error, *_HEALTH]
_SLOW = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
# They say with 503 that there is no worker, which is so.
_TELL = ("/health", "/ready")
_TIMEOUT_S = 30.0


@dataclass
class Outcome:
    """What came of the requests.

    Attributes:
        statuses: how often each status was answered.
        routes: how often each route was asked.
        faults: what was wrong with an answer, each once.
    """

    statuses: Counter[int] = field(default_factory=Counter[int])
    routes: Counter[str] = field(default_factory=Counter[str])
    faults: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def requests(self) -> int:
        """How many there were."""
        return self.statuses.total()

    def __str__(self) -> str:
        said = ", ".join(f"{status}: {count}" for status, count in sorted(self.statuses.items()))
        return f"{self.requests} requests to {len(self.routes)} routes, {len(self.faults)} faults ({said})"


def fuzz(
    root: str, description: Mapping[str, Any], token: str, *, wanted: int, first: int, known: Mapping[str, str]
) -> Outcome:
    """Send about `wanted` requests, spread evenly over all routes.

    Args:
        root: base URL of the server.
        description: its OpenAPI description.
        token: an access token, which every request carries.
        first: the seed: the same one makes the same requests.
        known: parts of paths by their names in the description, of things that exist; every second request has them.
    """
    schema = schemathesis.openapi.from_dict(dict(description))
    schema.config.update(base_url=root)
    outcome = Outcome()
    # What deletes comes last: until then the known things are there.
    operations = sorted(_operations(schema), key=lambda one: one.method.lower() == "delete")
    share = -(-wanted // (2 * len(operations)))
    with requests.Session() as session:
        session.trust_env = False
        session.headers["authorization"] = f"Bearer {token}"
        for operation in operations:
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                strategy = operation.as_strategy(generation_mode=mode)
                # A route without parameters has no wrong request.
                with suppress(*((Unsatisfiable,) if mode is GenerationMode.NEGATIVE else ())):
                    _spend(strategy, session, outcome, share, first, known)
    return outcome


def _operations(schema: Any) -> list[Any]:
    """All routes. Raises what is wrong with one that is not described soundly."""
    return [found.ok() for found in schema.get_all_operations()]


def _spend(
    strategy: Any, session: requests.Session, outcome: Outcome, share: int, first: int, known: Mapping[str, str]
) -> None:
    """Send the share of one route."""

    @seed(first)
    @settings(max_examples=share, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=_SLOW)
    @given(case=strategy, existing=st.booleans())
    def send(case: Any, existing: bool) -> None:
        if case.operation.path.endswith("/wait"):
            # An existing mailbox would be waited at for as long as the request says.
            case.path_parameters["address"] = "nobody"
        elif existing:
            case.path_parameters.update({name: known[name] for name in case.path_parameters if name in known})
        route = f"{case.method.upper()} {case.operation.path}"
        try:
            answer = case.call(session=session, timeout=_TIMEOUT_S)
            outcome.statuses[answer.status_code] += 1
            outcome.routes[route] += 1
            case.validate_response(answer, checks=_HEALTH if case.operation.path in _TELL else _CHECKS)
        except FailureGroup as group:
            for failure in group.exceptions:
                outcome.faults.setdefault(f"{route} {failure}"[:300], str(group))
        except requests.RequestException as error:
            outcome.faults.setdefault(f"{route} {type(error).__name__}", str(error))

    send()
