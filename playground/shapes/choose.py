"""Known accounts as tiles; the password page follows. One tile is another person's."""

from collections.abc import Mapping

from playground.kit.journal import Entry
from playground.kit.site import JourneySite, Reply, Step, journey
from playground.kit.takes import takes_password, takes_username
from playground.kit.walks import Walk
from playground.shape import PageLabel

_TILES = (("tile-rosa", "Rosa Marten", "rosa@fieldhand.test"), ("tile-ops", "Operations", "ops@fieldhand.test"))


async def take(site: JourneySite, walk: Walk, form: Mapping[str, str]) -> Reply:
    """A tile leads to the password, "another account" to the username."""
    chosen = form.get("choice", "")
    if chosen not in {address for _, _, address in _TILES}:
        return Reply(to="username")
    known = site.account(chosen)
    where = "tile" if known else "bait:tile"
    site.state.journal.note(site.shape.name, Entry(where, "choice", chosen, "chosen"))
    walk.username = chosen
    return Reply(to="password")


SHAPE = journey(
    name="choose",
    brand="Fieldhand",
    summary="Known accounts as tiles, then the password.",
    steps=(
        Step("login", take, "journeys/choose.html", PageLabel(kind="other"), where="choose", values={"tiles": _TILES}),
        Step(
            "username",
            takes_username(),
            "journeys/username_step.html",
            PageLabel(kind="username", username="#username", submit="#submit"),
        ),
        Step(
            "password",
            takes_password(),
            "journeys/password_step.html",
            PageLabel(kind="password", password="#password", submit="#submit"),
        ),
    ),
)
