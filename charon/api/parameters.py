"""What is wrong with the parameters of a request, in plain words."""

from difflib import get_close_matches
from typing import Any

from django.http import HttpRequest
from ninja.errors import ValidationError
from ninja.operation import Operation

SHOWN = 100


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
            found.append(fault(name, values[-1], unknown(name, names)))
        elif len(values) > 1:
            found.append(fault(name, ", ".join(values), "may be given once"))
        elif "\0" in values[0]:
            found.append(fault(name, values[0], "contains a NUL character"))
    return found


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
        field = str([part for part in finding["loc"] if isinstance(part, str)][-1])  # a list's place is no name
        value = request.GET.get(field)
        message = words(finding)
        found.append({"field": field, "message": message} if value is None else fault(field, value, message))
    return found


def words(finding: dict[str, Any]) -> str:
    context = finding.get("ctx", {})
    match finding["type"]:
        case "missing":
            return "is required"
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
