"""What is wrong with the parameters of a request, in plain words."""

import re
from difflib import get_close_matches
from typing import Any

from django.http import HttpRequest
from ninja.errors import ValidationError
from ninja.operation import Operation

SHOWN = 100
# What clients send that have nothing to say: no byte, an empty object, a form without fields.
NOTHING = re.compile(rb"(?:\{\s*\}|--\S+--)?")


def known(operation: Operation) -> set[str]:
    """The names of the query parameters of an operation."""
    return {
        str(name)
        for model in operation.models
        if model.__ninja_param_source__ == "query"
        for name in model.__ninja_flatten_map__
    }


def faults(request: HttpRequest, names: set[str]) -> list[dict[str, str]]:
    """Parameters that nobody asks for, that come twice, or that no database would take."""
    found = []
    for name, values in request.GET.lists():
        if name not in names:
            # Its value helps nobody, and may be a token that a client meant to send.
            found.append({"field": name[:SHOWN], "message": unknown(name, names)})
        elif len(values) > 1:
            found.append(fault(name, ", ".join(values), "may be given once"))
        elif "\0" in values[0]:
            found.append(fault(name, values[0], "contains a NUL character"))
    return found


def faults_of_body(request: HttpRequest, operation: Operation) -> list[dict[str, str]]:
    """A body that nobody reads, unless it says nothing: its wishes would pass for granted."""
    if request.method in {"GET", "HEAD"} or any(model.__ninja_param_source__ == "body" for model in operation.models):
        return []
    return [] if NOTHING.fullmatch(request.body.strip()) else [{"field": "body", "message": "takes no body"}]


def unknown(name: str, names: set[str]) -> str:
    if meant := get_close_matches(name, names, n=1):
        return f"is not a parameter here; did you mean {meant[0]}?"
    return f"is not a parameter here; there are {', '.join(sorted(names))}" if names else "takes no parameters"


def fault(field: str, value: str, message: str) -> dict[str, str]:
    return {"field": field[:SHOWN], "value": value[:SHOWN], "message": message}


def described(request: HttpRequest, error: ValidationError) -> list[dict[str, str]]:
    """ninja's findings as one {field, value, message} each; a missing parameter has no value."""
    found = []
    for finding in error.errors:
        field = field_of(finding["loc"])
        value = request.GET.get(field)
        message = words(finding)
        found.append({"field": field, "message": message} if value is None else fault(field, value, message))
    return found


def field_of(place: tuple[str | int, ...]) -> str:
    """`("body", "new", "aliases", 1)` is about `aliases`, `("body", "new")` about the body: `new` is our own word."""
    names = [part for part in place if isinstance(part, str)]
    return names[0] if names[0] == "body" and len(names) == 2 else names[-1]


def words(finding: dict[str, Any]) -> str:
    context = finding.get("ctx", {})
    match finding["type"]:
        case "missing":
            return "is required"
        case "model_attributes_type" | "model_type" | "dict_type":
            return "is not a JSON object"
        case "int_parsing" | "int_from_float" | "int_parsing_size":
            return "is not a whole number"
        case "greater_than_equal":
            return f"must be at least {context['ge']}"
        case "less_than_equal":
            return f"must be at most {context['le']}"
        case "literal_error":
            return f"must be one of {context['expected']}"
        case "string_too_short":
            return "must not be empty"
        case "string_too_long":
            return f"must not be longer than {context['max_length']} characters"
        case "value_error":
            return str(context["error"])
        case _:
            return str(finding["msg"])
