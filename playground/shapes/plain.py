"""Password only."""

from playground.standard import Wording, standard_shape

SHAPE = standard_shape(
    name="plain",
    brand="Fieldnote",
    domain="fieldnote.test",
    summary="Password only.",
    second_factor="none",
    wording=Wording(
        heading="Log in",
        lead="Good to see you again.",
        username_label="Email or username",
        username_type="text",
        submit="Log in",
        remember="Remember me",
    ),
)
