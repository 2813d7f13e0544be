"""A worker's hold of its slot, as far as the stores must know it: who writes, and whether he still may."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NoReturn
from uuid import UUID


@dataclass(frozen=True)
class Lease:
    """One worker process in one slot.

    Attributes:
        worker: its name in timelines ("worker-2").
        token: in `app.worker` as long as nobody has taken the slot or the runs of it.
        lost: called when the token is not there any more. It does not return: whatever is at work in this process is
            the concern of another worker by then, and must not go on for one more action.
    """

    worker: str
    token: UUID
    lost: Callable[[], NoReturn] = field(repr=False)
