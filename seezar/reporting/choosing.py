"""Which extraction a report is of, where nobody names one."""

from seezar.errors import InvalidInput
from seezar.extraction.store import Extractions, Stored
from seezar.reporting.measures import measure_of


async def dated(extractions: Extractions, name: str) -> Stored:
    """The extraction of this name; with an empty one, the only one that has numbers by day.

    Raises:
        ExtractionUnknown: there is none of this name.
        InvalidInput: no name was given, and there is none or more than one.
    """
    if name:
        return await extractions.get(name)
    found: list[Stored] = []
    for stored in await extractions.list():
        try:
            measure_of(stored.definition)
        except InvalidInput:
            continue
        found.append(stored)
    if len(found) == 1:
        return found[0]
    names = ", ".join(stored.definition.name for stored in found)
    raise InvalidInput(
        "Several extractions have numbers by day." if found else "No extraction has numbers by day.",
        kept="No report was made.",
        next_step=f"Name one: {names}." if found else "Store one: seezar extract add FILE (docs/data.md).",
    )
