"""Six boxes of type password that do not move the focus on; a button sends them."""

from playground.kit.builders import login_step, totp_step
from playground.kit.site import journey
from playground.shape import PageLabel

SHAPE = journey(
    name="split-masked",
    brand="Maskwell",
    summary="Authenticator code in six masked boxes.",
    steps=(
        login_step(),
        totp_step(
            "journeys/split_masked.html",
            label=PageLabel(kind="otp", otp=tuple(f"#code-{n}" for n in range(6)), submit="#verify"),
        ),
    ),
)
