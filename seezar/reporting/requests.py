"""What a report is asked to tell."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from seezar.errors import InvalidInput

type Kind = Literal["attention", "top", "trend", "compare"]


class ReportRequest(BaseModel):
    """A report.

    Attributes:
        kind: `attention` (which items need it), `top` (the parts of an item, the largest first), `trend` (an item day
            by day), `compare` (the last days of an item's parts against those before).
        extraction: whose rows.
        item: whose numbers; empty for all together, where the kind allows it.
        part: of `trend`: one part alone.
        amount: which number, where the rows have several.
        days: the window that is told, in days.
        before: the window that it is compared with.
        picture: of `top`.
        max_age_h: rows that are older are read anew first, hours; 0 = always.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind
    extraction: Annotated[str, Field(min_length=1, max_length=40)]
    item: Annotated[str, Field(max_length=300)] = ""
    part: Annotated[str, Field(max_length=300)] = ""
    amount: Annotated[str, Field(max_length=63)] = ""
    days: Annotated[int, Field(ge=1, le=366)] = 7
    before: Annotated[int, Field(ge=1, le=366)] = 30
    picture: Literal["pie", "bars"] = "pie"
    max_age_h: Annotated[float, Field(ge=0, le=24 * 366)] = 24.0

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.part and self.kind != "trend":
            raise ValueError("part: only a trend can be of one part")
        if self.item and self.kind == "attention":
            raise ValueError("item: attention is of all items; ask for a trend or compare instead")
        return self


def request_of(data: dict[str, Any]) -> ReportRequest:
    """The request that a caller has made.

    Raises:
        InvalidInput: it cannot be; the text says what, and where.
    """
    try:
        return ReportRequest.model_validate(data)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in found["loc"])
        said = str(found["msg"]).removeprefix("Value error, ")
        raise InvalidInput(
            f"The report cannot be made. {f'{where}: ' if where else ''}{said}.",
            kept="Nothing was started.",
            next_step="See docs/data.md for the reports there are.",
        ) from None
