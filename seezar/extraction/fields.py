"""The fields of what is extracted: a JSON Schema of one object, and what each property means for reading a page.

Types of JSON Schema say how a text is read: `string` (with `format` "date", "date-time", "duration" or "uri"),
`integer`, `number`, `boolean`. What JSON Schema has no word for: `x-unit`: a unit that all values have ("EUR", "%",
"ms"); `x-label`: how pages call the field (a text, or a list of texts); `x-select`: a CSS selector inside the row, for
pages whose words say nothing.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import jsonschema
from jsonschema.exceptions import SchemaError
from pydantic import ConfigDict, TypeAdapter, ValidationError

from seezar.errors import InvalidInput

type Kind = Literal["text", "integer", "number", "boolean", "date", "datetime", "duration", "link"]

MAX_FIELDS = 60
_TEXTS = TypeAdapter(list[str], config=ConfigDict(strict=True))

_FORMATS: dict[str, Kind] = {"date": "date", "date-time": "datetime", "duration": "duration", "uri": "link"}
_TYPES: dict[str, Kind] = {"string": "text", "integer": "integer", "number": "number", "boolean": "boolean"}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a row.

    Attributes:
        name: of the property, and of the column of the history table.
        kind: how its text is read.
        labels: how pages call it, its title and its name among them.
        unit: that every value has; empty for whatever stands there.
        required: a row without it is not stored.
        select: CSS selector inside the row; empty to go by labels.
        rules: its JSON Schema, which a value that was read must satisfy.
    """

    name: str
    kind: Kind
    labels: tuple[str, ...]
    unit: str
    required: bool
    select: str
    rules: Mapping[str, Any]


def fields_of(schema: Mapping[str, Any]) -> tuple[Field, ...]:
    """The fields of a JSON Schema (draft 2020-12) of one object, in its order.

    Raises:
        InvalidInput: it is no schema of an object with simple properties; the text says what is wrong, and where.
    """
    try:
        jsonschema.Draft202012Validator.check_schema({**schema})
    except SchemaError as error:
        raise _wrong(f"It is no JSON Schema: {error.message[:200]}") from None
    properties: dict[str, dict[str, Any]] | None = schema.get("properties")
    # The check of the schema has seen to it that they are an object.
    if schema.get("type") != "object" or not properties:
        raise _wrong("It has to be of type object, with properties.")
    if len(properties) > MAX_FIELDS:
        raise _wrong(f"It has more than {MAX_FIELDS} properties.")
    required = set(schema.get("required", ()))
    if unknown := required - set(properties):
        raise _wrong(f"{sorted(unknown)[0]!r} is required and no property.")
    fields = tuple(_field(name, rules, required=name in required) for name, rules in properties.items())
    folded = [field.name.casefold() for field in fields]
    if len(set(folded)) < len(folded):
        raise _wrong("Two properties differ in upper and lower case only.")
    return fields


def schema_of_fields(lines: Sequence[str]) -> dict[str, Any]:
    """The JSON Schema of a row whose fields are told in one line each: `Events: integer`, `Since: date?`.

    Args:
        lines: what a page calls the field, a colon, its type (`text`, `integer`, `number`, `boolean`, `date`,
            `datetime`, `duration`, `link`), and "?" where a row may lack it. Without a type it is a text.

    Raises:
        InvalidInput: one of them cannot be read; the text says which.
    """
    types = {kind: {"type": name} for name, kind in _TYPES.items()}
    types |= {kind: {"type": "string", "format": name} for name, kind in _FORMATS.items()}
    properties: dict[str, Any] = {}
    required: list[str] = []
    for line in lines:
        label, _, told = line.rpartition(":") if ":" in line else (line, "", "text")
        optional, kind = told.strip().endswith("?"), told.strip(" ?").lower()
        name = re.sub(r"\W+", "_", label.strip().lower()).strip("_")
        name = name if name[:1].isalpha() else f"field_{name}"
        if not label.strip() or kind not in types:
            raise _wrong(f"{line[:80]!r} is no field: say, for example, “Events: integer”. Types: {', '.join(types)}.")
        if name in properties:
            raise _wrong(f"{label.strip()[:80]!r} is there twice.")
        properties[name] = {**types[kind], "x-label": label.strip()}
        required += [] if optional else [name]
    schema = {"type": "object", "properties": properties, "required": required}
    fields_of(schema)
    return schema


def _field(name: str, rules: dict[str, Any] | bool, *, required: bool) -> Field:
    if not name.isidentifier() or name.startswith("_") or len(name.encode()) > 63:
        raise _wrong(f"{name!r} cannot be the name of a column: letters, digits and underscores, at most 63 bytes.")
    if isinstance(rules, bool):
        raise _wrong(f"{name!r} has to be an object.")
    kind = _TYPES.get(str(rules.get("type")))
    if kind is None:
        raise _wrong(f"{name!r} has to be of type string, integer, number or boolean.")
    if kind == "text" and "format" in rules:
        kind = _FORMATS.get(str(rules["format"]))
        if kind is None:
            raise _wrong(f"{name!r} has a format that cannot be read: use {', '.join(_FORMATS)}.")
    label = rules.get("x-label", [])
    try:
        labels = _TEXTS.validate_python([label] if isinstance(label, str) else label)
        unit, select = _TEXTS.validate_python([rules.get("x-unit", ""), rules.get("x-select", "")])
    except ValidationError:
        raise _wrong(f"{name!r}: x-label is a text or a list of texts, x-unit and x-select are texts.") from None
    told = [*labels, str(rules.get("title", "")), name.replace("_", " ")]
    return Field(name, kind, tuple(dict.fromkeys(t for t in told if t)), unit, required, select, rules)


def _wrong(what: str) -> InvalidInput:
    return InvalidInput(
        f"The schema cannot be used. {what}",
        kept="Nothing was stored.",
        next_step="See docs/data.md for the schemas that can.",
    )
