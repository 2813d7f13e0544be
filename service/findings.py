"""What `seezar doctor` finds, one thing at a time."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

from seezar.errors import SeezarError

type Level = Literal["ok", "warning", "wrong"]


@dataclass(frozen=True)
class Finding:
    """One answer.

    Attributes:
        level: `wrong` means that seezar cannot work with it, `warning` that it soon may not, or that something waits.
        advice: what to do.
    """

    check: str
    level: Level
    detail: str
    advice: str = ""

    @classmethod
    def of(cls, check: str, error: SeezarError) -> Self:
        """The finding that an error is."""
        return cls(check, "wrong", error.what, " ".join(part for part in (error.kept, error.next_step) if part))

    def as_object(self) -> dict[str, Any]:
        """What `--json` shows."""
        return asdict(self)


def isolated(check: str, look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """What `look` finds. When it fails, that is a finding too, and the other checks go on."""
    from service.boundary import unforeseen

    try:
        yield from look()
    except SeezarError as error:
        yield Finding.of(check, error)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told, and logged
        advice = "The other checks are not touched by it."
        yield Finding(check, "wrong", f"this check broke off. {unforeseen(error, advice='')}", advice)


def fine(check: str, detail: str) -> Finding:
    """A finding that needs nothing."""
    return Finding(check, "ok", detail)
