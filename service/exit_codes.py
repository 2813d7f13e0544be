"""What the exit code of a command says."""

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes; all commands have the same."""

    DONE = 0
    NOT_DONE = 1
    WRONG_USAGE = 2
    INTERRUPTED = 130

    @property
    def meaning(self) -> str:
        """What it says, in a few words."""
        return _MEANINGS[self]


_MEANINGS = {
    ExitCode.DONE: "it worked",
    ExitCode.NOT_DONE: "it did not, one sentence says why",
    ExitCode.WRONG_USAGE: "the command was written wrongly",
    ExitCode.INTERRUPTED: "Ctrl-C",
}
