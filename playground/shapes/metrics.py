"""Password, then a code of an authenticator app; behind it the numbers of four dozen customers."""

from collections.abc import Sequence

from starlette.routing import BaseRoute

from playground.metrics import MetricsSite
from playground.shape import PageLabel, Shape
from playground.standard import Wording
from playground.state import PlaygroundState

_WORDING = Wording(
    heading="Sign in to Waypost",
    lead="What your customers did, day by day.",
    username_label="Work email",
    username_type="email",
    submit="Sign in",
)


def _build(shape: Shape, state: PlaygroundState) -> Sequence[BaseRoute]:
    return MetricsSite(shape, state, _WORDING).routes()


SHAPE = Shape(
    name="metrics",
    brand="Waypost",
    domain="waypost.test",
    summary="Password, then a code from an authenticator app; the numbers of many customers behind it.",
    build=_build,
    labels={
        "/metrics/login": PageLabel(kind="login", username="#username", password="#password", submit="#sign-in"),
        "/metrics/code": PageLabel(kind="otp", otp=("#code",), submit="#verify"),
        "/metrics/dashboard": PageLabel(kind="signed_in"),
    },
)
