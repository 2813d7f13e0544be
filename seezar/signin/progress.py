"""How far a sign-in has got."""

from dataclasses import dataclass


@dataclass
class Progress:
    """What was done on the site so far; it outlives the page by way of the checkpoint."""

    username_entered: bool = False
    password_submitted: bool = False
    codes_entered: int = 0
    links_opened: int = 0
    code_requested: bool = False
    openings: int = 0
    offers: int = 0

    @property
    def in_flow(self) -> bool:
        """Whether the site has got something from us."""
        return self.password_submitted or self.codes_entered > 0 or self.links_opened > 0
