"""What the schema of the API says beside its bodies: the headers of the answers, 304, and what to ask next."""

from typing import Any

from django.conf import settings

from charon.api import examples


def header(description: str, *, always: bool, **schema: Any) -> dict[str, Any]:
    return {"description": description, "required": always, "schema": {"type": "string"} | schema}


HEADERS = {
    "X-Request-ID": header("The id of this request, as an error and the log have it.", always=True),
    "Cache-Control": header("How long the answer may be kept, and by whom.", always=True),
    "RateLimit": header("What is left of the limit; missing where it is off.", always=False),
    "RateLimit-Policy": header("The limit; missing where it is off.", always=False),
    "ETag": header("For If-None-Match; an operator's answer has none.", always=False),
    "Link": header("The address of the next page with rel=next; missing behind the last one.", always=False),
    "X-Total-Count": header("All that match, before paging.", always=True, type="integer", minimum=0),
    "X-Source": header("The source that answers; missing where none does.", always=False),
    "Location": header("Where the result will be.", always=True),
    "WWW-Authenticate": header("The scheme of the tokens.", always=True, const="Bearer"),
    "Accept": header("The types that are taken.", always=True),
    "Idempotent-Replayed": header("`true` where this is the first answer once more.", always=False),
    "Retry-After": header("For how many seconds to wait.", always=True, type="integer", minimum=0),
}
EVERYWHERE = ("X-Request-ID", "Cache-Control", "RateLimit", "RateLimit-Policy")
OF_STATUS = {
    202: ["Location"],
    304: ["ETag"],
    401: ["WWW-Authenticate"],
    415: ["Accept"],
    429: ["Retry-After"],
    503: ["Retry-After"],
}
# One source answers, and the body does not say which.
OF_ONE_SOURCE = {"prices", "prices_summary", "candles"}
# Readers are refused where the licence of a source keeps its figures from them.
OF_LICENSED = {
    *("rates", "latest", "gold", "csv_rate", "csv_kurs", "tax_rate", "revisions", "provenance", "compare"),
    *("prices", "prices_summary", "prices_latest", "candles"),
}
# Nobody keeps it. Its own 503 says what is wrong, and not for how long.
HEALTH = "health"
# Of an operation and its status, with values of the answer.
STATE = {"state": {"operationId": "batch_status", "parameters": {"batch_id": "$response.body#/batch_id"}}}
REMOVE = {"remove": {"operationId": "asset_remove", "parameters": {"symbol": "$response.body#/symbol"}}}
LINKS: dict[tuple[str, int], dict[str, Any]] = {
    ("asset_add", 201): REMOVE,
    ("batch_run", 200): STATE,
    ("batch_run", 202): STATE,
}


IDEMPOTENCY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "1 to 255 characters of your own, new for each wish. Sent again with the same request within a "
    "day it is answered with the first answer, and nothing is done twice.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "example": "7b1a9c52-0f6e-4f0b-9d3e-2c1f5a8e4b10",
}
LICENCE = {"name": "MIT", "identifier": "MIT"}


def about(schema: dict[str, Any]) -> None:
    """Whose installation it is: its address and its contact, where they are known."""
    contact = {"name": "Charon"} | ({"url": settings.PUBLIC_URL} if settings.PUBLIC_URL else {})
    schema["info"] |= {"license": LICENCE, "contact": contact}
    schema["servers"] = [{"url": settings.PUBLIC_URL or "/", "description": "This installation"}]


def once(operation: dict[str, Any]) -> None:
    """A write that may be asked for again under the same key."""
    operation["parameters"] = [*operation.get("parameters", []), IDEMPOTENCY]
    operation["responses"].setdefault(409, operation["responses"][400] | {"description": "Conflict"})


def complete(schema: dict[str, Any]) -> None:
    """Adds to what ninja makes: headers, statuses that any operation has, links, examples, and whose it is."""
    schema["components"]["headers"] = HEADERS
    about(schema)
    for methods in schema["paths"].values():
        for method, operation in methods.items():
            statuses(method, operation)
            for status, response in operation["responses"].items():
                response["headers"] = {name: reference(name) for name in names(operation, status)}
                if links := LINKS.get((operation["operationId"], status)):
                    response["links"] = links
            if operation["operationId"] == HEALTH:
                operation["responses"][503]["headers"]["Retry-After"] = HEADERS["Retry-After"] | {"required": False}
    examples.complete(schema)


def statuses(method: str, operation: dict[str, Any]) -> None:
    """What follows from the kind of the operation, and not what it can never answer."""
    name, is_open, responses = operation["operationId"], "security" not in operation, operation["responses"]
    if method == "post" and not is_open:
        once(operation)
    if "requestBody" in operation:
        responses[415] = responses[400] | {"description": "Unsupported Media Type"}
    if is_open and name not in OF_LICENSED:
        responses.pop(403, None)
    if name == HEALTH:
        responses.pop(429, None)  # it must answer whatever else is going on
    responses[406] = responses[400] | {"description": "Not Acceptable"}
    if method == "get" and name != HEALTH and is_open:
        responses[304] = {"description": "Not Modified"}


def reference(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/headers/{name}"}


def names(operation: dict[str, Any], status: int) -> list[str]:
    found = [*EVERYWHERE, *OF_STATUS.get(status, [])]
    if status == 200 and 304 in operation["responses"]:
        body = operation["responses"][200]["content"].get("application/json", {}).get("schema", {})
        found += ["ETag"]
        found += ["Link"] if any(row["name"] == "limit" for row in operation["parameters"]) else []
        found += ["X-Total-Count"] if body.get("type") == "array" else []
        found += ["X-Source"] if operation["operationId"] in OF_ONE_SOURCE else []
    return found
