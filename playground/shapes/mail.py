"""Password, then a code by e-mail."""

from playground.standard import Wording, standard_shape

SHAPE = standard_shape(
    name="mail",
    brand="Harbor",
    domain="harbor.test",
    summary="Password, then a six-digit code by email.",
    second_factor="email",
    wording=Wording(
        heading="Welcome back",
        lead="Sign in to follow your shipments.",
        username_label="Work email",
        username_type="email",
        submit="Sign in",
        remember="Keep me signed in for 30 days",
    ),
)
