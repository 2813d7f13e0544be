"""Files that a command writes secrets into: new ones only, mode 0600."""

from pathlib import Path

from seezar.errors import InvalidInput
from seezar.files import write_private


def check_new(output: Path) -> None:
    """Make sure, before anything is done, that `output` can be made.

    Raises:
        InvalidInput: it exists, or its folder does not.
    """
    if output.exists() or output.is_symlink():
        raise _taken(output)
    if not output.absolute().parent.is_dir():
        raise InvalidInput(
            f"The folder {output.absolute().parent} does not exist.",
            kept="Nothing was written.",
            next_step="Make it, or choose another place.",
        )


def write_new(output: Path, content: bytes) -> None:
    """Write the file.

    Raises:
        InvalidInput: it exists by now, or cannot be written.
    """
    try:
        written = write_private(output, content)
    except OSError as error:
        raise InvalidInput(
            f"{output} cannot be written: {error.strerror}.", kept="What is stored is unchanged."
        ) from error
    if not written:
        raise _taken(output)


def _taken(output: Path) -> InvalidInput:
    return InvalidInput(
        f"{output} exists already.", kept="It was left as it is.", next_step="Choose another name, or remove it."
    )
