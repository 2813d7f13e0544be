"""Extractions: what is read where, by name. A definition is data; the store and the browser do what it says."""

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator, model_validator

from seezar.errors import InvalidInput, SeezarError
from seezar.extraction.dates import zone_of
from seezar.extraction.fields import Field as SchemaField
from seezar.extraction.fields import fields_of
from seezar.extraction.numbers import locale_of

AUTO = "auto"
"""Of `next`: the link that the page itself says leads on."""
MAX_PAGES = 2_000
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")

type Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2_000)]


class ExtractionUnknown(SeezarError):
    """No extraction of this name."""

    status = "unknown_extraction"


class Definition(BaseModel):
    """A named extraction.

    Attributes:
        name: lower-case letters, digits and underscores; also of its view in the database.
        accounts: whose pages; each is a run of its own.
        url: of the first page, absolute or relative to the account's verify URL; empty for that itself.
        pages: of further first pages.
        each: CSS selector of links on the first pages (and those that they lead on to): the rows stand on what the
            links lead to. Empty: they stand on the first pages themselves.
        items: what those pages are of, in the plural, such as "customers".
        next: how a page leads on to the next one: `auto` (what HTML says of itself: `rel=next`, or the number after
            the current one), a CSS selector of a link, or empty for not at all.
        rows: CSS selector of a row, for fields that have selectors of their own.
        caption: what the page calls the right table; empty when there is one only.
        download: CSS selector of what is clicked for a file (CSV or XLSX) in which the rows stand.
        fields_schema: JSON Schema of a row (`seezar.extraction.fields`); `schema` in files.
        key: fields that name a row within its page, so that a later reading is the same row read again. Empty: each
            reading stands for itself.
        locale: of the pages, such as "de" or "en-GB"; empty for what each page says of itself.
        timezone: of their dates, an IANA name.
        max_pages: pages of one run, the first ones included.
        tabs: pages at the same time.
        per_minute: pages a minute of the site, over all runs; 0 = as many as come.
        timeout: of a run, seconds.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    name: str
    accounts: Annotated[tuple[str, ...], Field(min_length=1, max_length=200)]
    url: Text = ""
    pages: Annotated[tuple[Text, ...], Field(max_length=MAX_PAGES)] = ()
    each: Text = ""
    items: Text = ""
    next: Text = ""
    rows: Text = ""
    caption: Text = ""
    download: Text = ""
    fields_schema: Annotated[dict[str, Any], Field(alias="schema")]
    key: tuple[str, ...] = ()
    locale: Text = ""
    timezone: Text = "UTC"
    max_pages: Annotated[int, Field(ge=1, le=MAX_PAGES)] = 500
    tabs: Annotated[int, Field(ge=1, le=8)] = 3
    per_minute: Annotated[int, Field(ge=0, le=6_000)] = 0
    timeout: Annotated[float, Field(gt=0, le=86_400)] = 3_600

    @cached_property
    def fields(self) -> tuple[SchemaField, ...]:
        """Of a row, in the order of the schema."""
        return fields_of(self.fields_schema)

    @property
    def first(self) -> tuple[str, ...]:
        """The addresses to begin with; empty ones are the verify URL."""
        return (self.url, *self.pages)

    @field_validator("name")
    @classmethod
    def _is_name(cls, value: str) -> str:
        if not _NAME.fullmatch(value):
            raise ValueError("lower-case letters, digits and underscores, a letter first, at most 40")
        return value

    @field_validator("timezone")
    @classmethod
    def _is_zone(cls, value: str) -> str:
        try:
            zone_of(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("no IANA time zone, such as Europe/Berlin") from None
        return value

    @field_validator("locale")
    @classmethod
    def _is_locale(cls, value: str) -> str:
        if value and locale_of(value) is None:
            raise ValueError("no locale that the CLDR knows, such as de or en-GB")
        return value

    @model_validator(mode="after")
    def _fits(self) -> Self:
        names = {each.name for each in self.fields}
        if unknown := [name for name in self.key if name not in names]:
            raise ValueError(f"key: {unknown[0]!r} is no property of the schema")
        optional = [each.name for each in self.fields if each.name in self.key and not each.required]
        if optional:
            raise ValueError(f"key: {optional[0]!r} has to be required, or two rows without it would be one")
        if self.download and self.rows:
            raise ValueError("rows: a file has no elements; leave out `rows` or `download`")
        return self

    def as_data(self) -> dict[str, Any]:
        """The definition as JSON has it, without what is as it would be anyway."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def definition_of(data: Mapping[str, Any]) -> Definition:
    """The definition that a file or a request says.

    Raises:
        InvalidInput: it says something that cannot be; the text says what, and where.
    """
    try:
        return Definition.model_validate(data)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in found["loc"])
        said = str(found["msg"]).removeprefix("Value error, ")
        raise InvalidInput(
            f"The extraction cannot be used. {f'{where}: ' if where else ''}{said}.",
            kept="Nothing was stored.",
            next_step="See docs/data.md for what a definition says.",
        ) from None


type Kept = Literal["new", "changed", "unchanged"]
"""What storing a definition did."""
