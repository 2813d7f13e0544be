"""The login is a custom element with a closed shadow root."""

from playground.kit.builders import LOGIN
from playground.kit.site import Step, journey
from playground.kit.takes import takes_password

SHAPE = journey(
    name="sealed",
    brand="Amberseal",
    summary="The login is in a closed shadow root.",
    steps=(Step("login", takes_password(status=401), "journeys/sealed.html", LOGIN),),
)
