"""Password, then a code of an authenticator app."""

from playground.standard import Wording, standard_shape

SHAPE = standard_shape(
    name="totp",
    brand="Ledgerline",
    domain="ledgerline.test",
    summary="Password, then a code from an authenticator app.",
    second_factor="totp",
    wording=Wording(
        heading="Sign in to Ledgerline",
        lead="Payments and payouts, in one place.",
        username_label="Username",
        username_type="text",
        submit="Continue",
    ),
)
