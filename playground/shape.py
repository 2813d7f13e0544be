"""What a site of the demo world is. Each file of `playground/shapes/` defines one, as `SHAPE`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from starlette.routing import BaseRoute

if TYPE_CHECKING:
    from playground.state import PlaygroundState


@dataclass(frozen=True, slots=True)
class PageLabel:
    """The truth about one page, for tests of the form detector. Fields are CSS selectors of exactly one element.

    Attributes:
        kind: one of `seezar.signin.detector`'s kinds: login, username, password, otp, signup, …, signed_in, other.
        username: the field for the username.
        password: the field for the password.
        submit: the button that sends the form.
        remember: the box that keeps the user signed in.
        otp: the fields for a one-time code, in order.
        opener: what has to be clicked before the form shows.
        send_code: the button that makes the site send a code.
        trust: the yes of a page that asks to stay signed in or to trust the device.
        skip: the no of a page that offers something.
    """

    kind: str
    username: str | None = None
    password: str | None = None
    submit: str | None = None
    remember: str | None = None
    otp: tuple[str, ...] = ()
    opener: str | None = None
    send_code: str | None = None
    trust: str | None = None
    skip: str | None = None


@dataclass(frozen=True, slots=True)
class Shape:
    """One site: its pages live under `/<name>/`.

    Attributes:
        name: prefix of its paths and of its cookie; lower-case letters, digits and hyphens.
        brand: what it calls itself.
        domain: that its mails come from.
        summary: one sentence for the index page: what is special about this sign-in.
        build: makes the routes, with full paths, for one running playground.
        labels: the truth about its pages, by path.
    """

    name: str
    brand: str
    domain: str
    summary: str
    build: Callable[[Shape, PlaygroundState], Sequence[BaseRoute]]
    labels: Mapping[str, PageLabel] = field(default_factory=dict[str, PageLabel])

    @property
    def home(self) -> str:
        """Path prefix, without a slash at the end."""
        return f"/{self.name}"
