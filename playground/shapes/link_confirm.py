"""A password, then a link by mail to confirm the sign-in."""

from playground.kit.builders import login_step
from playground.kit.links import link_routes, link_step
from playground.kit.site import journey

SHAPE = journey(
    name="link-confirm",
    brand="Inkfeather",
    summary="A password, then a link by mail.",
    steps=(login_step(), link_step()),
    extra=link_routes,
)
