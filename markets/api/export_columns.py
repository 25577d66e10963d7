"""The columns of a list, read from the schema of its answer: a list without rows has them too."""

from functools import cache
from typing import Any

from ninja.operation import Operation

from markets.exports.format import Column, Kind

# By the type and the format of a field in JSON Schema.
KINDS = {
    ("integer", ""): Kind.COUNT,
    ("number", ""): Kind.REAL,
    ("boolean", ""): Kind.TRUTH,
    ("string", "date"): Kind.DAY,
    ("string", "date-time"): Kind.MOMENT,
}
# How the pattern of a string of digits begins (markets.api.schemas.Digits).
DIGITS = "^-?[0-9]"


@cache
def columns_of(operation: Operation) -> list[Column]:
    """In the order of the schema. A list of several kinds of items has the fields of each, the first one the usual."""
    schema = operation.response_models[200].model_json_schema(by_alias=True, mode="serialization")
    known = schema.get("$defs", {})
    fields: dict[str, Kind] = {}
    items = options(items_of(schema["properties"]["response"], known), known)
    for item in items:
        for name, field in item.get("properties", {}).items():
            kind = kind_of(field, known)
            fields[name] = kind if fields.get(name, kind) is kind else Kind.TEXT
    usual = items[0].get("properties", {}) if items else {}
    return [Column(name, kind, name in usual) for name, kind in fields.items()]


def columns_in(columns: list[Column], rows: list[dict[str, Any]]) -> list[Column]:
    """Those that the rows have; without rows the usual ones."""
    there = set().union(*rows)
    return [one for one in columns if (one.name in there if rows else one.usual)]


def items_of(answer: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    """The items of a bare array, or those of a page."""
    for one in options(answer, known):
        listed = one if one.get("type") == "array" else one.get("properties", {}).get("items", {})
        for found in options(listed, known):
            if "items" in found:
                return dict(found["items"])
    return {}


def options(schema: dict[str, Any], known: dict[str, Any]) -> list[dict[str, Any]]:
    """What a value may be; null is nothing."""
    if "$ref" in schema:
        return options(known[schema["$ref"].rpartition("/")[2]], known)
    several = schema.get("anyOf") or schema.get("oneOf") or []
    found = [inner for one in several for inner in options(one, known)] if several else [schema]
    return [one for one in found if one.get("type") != "null"]


def kind_of(field: dict[str, Any], known: dict[str, Any]) -> Kind:
    """Of what may be of two kinds, as a day or a moment, each cell is text."""
    kinds = {kind_of_one(one) for one in options(field, known)}
    return kinds.pop() if len(kinds) == 1 else Kind.TEXT


def kind_of_one(schema: dict[str, Any]) -> Kind:
    if str(schema.get("pattern", "")).startswith(DIGITS):
        return Kind.FIGURE
    value = schema.get("const", (schema.get("enum") or [None])[0])
    of_value = "integer" if isinstance(value, int) and not isinstance(value, bool) else ""
    return KINDS.get((str(schema.get("type") or of_value), str(schema.get("format", ""))), Kind.TEXT)
