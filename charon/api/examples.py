"""The example of every answer in the schema of the API, put together from the examples of its fields."""

from collections.abc import Iterator
from typing import Any

from charon.api.errors import CODES, WORDS

JSON = "application/json"
ID = "4f6c1a52b9e84c0f8d5a7f0e3c2b1a09"
ENVELOPE = "#/components/schemas/Envelope"
# What stands in `detail`, where something does.
DETAILS: dict[int, Any] = {
    404: {"nearest": ["USD"]},
    405: {"allowed": ["GET", "HEAD"]},
    406: {"types": [JSON]},
    415: {"types": [JSON]},
    422: [{"field": "from", "value": "2024-02-30", "message": "there is no such day; write YYYY-MM-DD"}],
    429: {"limit": "reads", "quota": 600},
}
MESSAGES = {
    404: "There is no currency 'USB'",
    409: "It is there already",
    422: "Wrong parameters: from",
}
EMPTY: dict[str, Any] = {"string": "", "integer": 0, "number": 0, "boolean": False, "null": None, "array": []}


def complete(schema: dict[str, Any]) -> None:
    """An example for each body, of each status; one that an operation brings itself stays."""
    for status, content in bodies(schema):
        if "example" not in content and "examples" not in content:
            content["example"] = of_body(content["schema"], status, schema["components"]["schemas"])


def bodies(schema: dict[str, Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    """(status, content) of each JSON body; 200 for what is sent to us."""
    for methods in schema["paths"].values():
        for operation in methods.values():
            parts = [(int(status), answer) for status, answer in operation["responses"].items()]
            for status, part in [(200, operation.get("requestBody", {})), *parts]:
                if JSON in part.get("content", {}):
                    yield status, part["content"][JSON]


def of_body(shape: dict[str, Any], status: int, known: dict[str, Any]) -> Any:
    if status < 400 or shape.get("$ref") != ENVELOPE:
        return example(shape, known)
    return {
        "error": {
            "code": CODES.get(status, "error"),
            "message": MESSAGES.get(status) or WORDS.get(status, "The request failed"),
            "detail": DETAILS.get(status),
            "id": ID,
        }
    }


def example(shape: dict[str, Any], known: dict[str, Any]) -> Any:
    """The example of a schema: its own, else that of its parts."""
    for found in (*shape.get("examples", [])[:1], *(shape[name] for name in ("example", "const") if name in shape)):
        return found
    if "$ref" in shape:
        return example(known[shape["$ref"].rpartition("/")[2]], known)
    if options := shape.get("anyOf") or shape.get("allOf") or shape.get("oneOf"):
        return example(options[0], known)
    if "enum" in shape:
        return shape["enum"][0]
    if "properties" in shape:
        return {name: example(part, known) for name, part in shape["properties"].items()}
    if shape.get("type") == "array" and "items" in shape:
        return [example(shape["items"], known)]
    return shape.get("default", EMPTY.get(str(shape.get("type")), {}))
