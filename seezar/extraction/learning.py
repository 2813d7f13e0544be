"""Learning where rows stand from what a model has read of a page: the model points by its values, the page is read.

A value that does not stand on the page, word for word, points at nothing, so that nothing a model has made up can
become a row. What is learnt are CSS selectors: of a row, and of each field inside it; pages like this one need no model
then.
Method: wrapper induction from examples (Kushmerick, Weld and Doorenbos, IJCAI 1997), in its simplest form.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import GenericAlias
from typing import Any

from playwright.async_api import Page
from pydantic import BaseModel, create_model

from seezar.extraction.definitions import Definition, definition_of
from seezar.extraction.fields import Field

_LEARNING = (Path(__file__).parent / "learning.js").read_text(encoding="utf-8")
_MOST_SAMPLES = 40


@dataclass(frozen=True)
class Selectors:
    """Where the rows of a page stand.

    Attributes:
        rows: CSS selector of a row.
        fields: of each field inside it, by name.
    """

    rows: str
    fields: Mapping[str, str]

    def applied(self, definition: Definition) -> Definition:
        """The definition, read by these selectors."""
        data = definition.as_data()
        properties: dict[str, Any] = {
            name: {**rules, "x-select": self.fields[name]} if name in self.fields else rules
            for name, rules in data["schema"]["properties"].items()
        }
        schema = {**data["schema"], "properties": properties}
        return definition_of({**data, "rows": self.rows, "schema": schema})


def shape_of(fields: Sequence[Field]) -> type[BaseModel]:
    """What a model is asked for: rows with the text of each field as the page has it."""
    row: Any = create_model("Row", **{field.name: (str, "") for field in fields})  # pyright: ignore[reportCallIssue, reportArgumentType, reportUnknownVariableType] - names are those of a schema
    rows: Any = GenericAlias(list, (row,))
    return create_model("Rows", rows=(rows, ...))


def request_for(definition: Definition) -> str:
    """The words that a model is asked with."""
    fields = "; ".join(f"{field.name} ({', '.join(field.labels)})" for field in definition.fields)
    what = f" of {definition.items}" if definition.items else ""
    return (
        f"All rows{what} with these fields: {fields}. Copy each value exactly as the page shows it, with its unit and"
        " its signs; leave a field empty where the page has no value."
    )


async def learn(page: Page, answered: BaseModel, fields: Sequence[Field]) -> Selectors | None:
    """Where the values that a model has read stand on the page; None when they do not, or not alike for all rows.

    Args:
        answered: of `shape_of(fields)`.

    Raises:
        playwright.async_api.Error: the page is gone.
    """
    required = {field.name for field in fields if field.required}
    rows: list[dict[str, str]] = answered.model_dump()["rows"]
    full = [{name: text for name, text in row.items() if text.strip()} for row in rows]
    # A row that lacks a value says nothing of where it would be.
    most = max((len(row) for row in full), default=0)
    samples = [row for row in full if len(row) == most][:_MOST_SAMPLES]
    if not samples or not required <= set(samples[0]):
        return None
    samples = [row for row in samples if row.keys() == samples[0].keys()]
    found: dict[str, Any] | None = await page.evaluate(_LEARNING, samples)
    return Selectors(found["rows"], found["fields"]) if found else None
