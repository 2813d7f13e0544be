"""A single-page application with its views behind the hash; a wrong password only empties the field."""

from playground.kit.builders import LOGIN
from playground.kit.site import Step, journey
from playground.kit.takes import takes_password

SHAPE = journey(
    name="hash-spa",
    brand="Octothorpe",
    summary="Views behind the hash, and no word about a wrong password.",
    steps=(Step("login", takes_password(status=401), "journeys/hash_spa.html", LOGIN),),
)
