"""Which columns of an extraction are whose, of what, when and how much. The schema mostly says it."""

from dataclasses import dataclass

from seezar.errors import InvalidInput
from seezar.extraction.definitions import Definition
from seezar.extraction.fields import Field, Kind

ITEM = "_item"


@dataclass(frozen=True, slots=True)
class Measure:
    """What of the rows is counted.

    Attributes:
        amount: field of the numbers.
        day: field of the days; empty when a row is of no day.
        item: column that says whose number it is; empty when all are of one.
        part: field that says what of it; empty when there is one number each.
        counts: whether the numbers are counts of something, and not amounts.
        items: what the items are, in the plural.
    """

    amount: str
    day: str
    item: str
    part: str
    counts: bool
    items: str


def measure_of(definition: Definition, *, amount: str = "", dated: bool = True) -> Measure:
    """What the rows of `definition` measure.

    Args:
        amount: field of the numbers, where there are several.
        dated: whether rows without a day are of no use.

    Raises:
        InvalidInput: the schema leaves it open.
    """
    days = _of(definition, "date", "datetime")
    keys = [field for field in days if field.name in definition.key]
    # A day that is only told of a row (customer since …) does not name it.
    day = keys[0].name if len(keys) == 1 else ""
    if dated and not day:
        raise _open(definition, "which day a number is of: a field of format date has to be part of the key")
    numbers = _of(definition, "integer", "number")
    if amount:
        numbers = [field for field in numbers if field.name == amount]
    if len(numbers) != 1:
        names = ", ".join(field.name for field in _of(definition, "integer", "number")) or "none"
        raise _open(definition, f"which number is meant. Its numbers: {names}")
    texts = [field.name for field in _of(definition, "text") if field.name in definition.key]
    item = ITEM if definition.each else texts.pop(0) if texts else ""
    return Measure(
        amount=numbers[0].name,
        day=day,
        item=item,
        part=texts[0] if len(texts) == 1 else "",
        counts=numbers[0].kind == "integer",
        items=definition.items or ("items" if item == ITEM else f"{item.replace('_', ' ')}s"),
    )


def _of(definition: Definition, *kinds: Kind) -> list[Field]:
    return [field for field in definition.fields if field.kind in kinds]


def _open(definition: Definition, what: str) -> InvalidInput:
    return InvalidInput(
        f"The extraction {definition.name!r} does not say {what}.",
        kept="No report was made.",
        next_step="See docs/data.md for what a report needs.",
    )
