"""Asking before something that cannot be undone."""

import typer

from seezar.errors import InvalidInput
from service.terminal import interactive


def confirm(question: str) -> None:
    """Ask; comes back only after a yes.

    Raises:
        InvalidInput: there is nobody to ask.
        typer.Exit: the answer was no (code 1).
    """
    if not interactive():
        raise InvalidInput(
            f"{question} There is nobody to ask.", kept="Nothing was changed.", next_step="Add --yes if you mean it."
        )
    if not typer.confirm(question, err=True):
        typer.echo("Nothing was changed.", err=True)
        raise typer.Exit(1)
