"""What the schema of the API says beside its bodies: the headers of the answers, 304, and what to ask next."""

from typing import Any


def header(description: str, *, always: bool, **schema: Any) -> dict[str, Any]:
    return {"description": description, "required": always, "schema": {"type": "string"} | schema}


HEADERS = {
    "X-Request-ID": header("The id of this request, as an error and the log have it.", always=True),
    "Cache-Control": header("How long the answer may be kept, and by whom.", always=True),
    "RateLimit": header("What is left of the limit; missing where it is off.", always=False),
    "RateLimit-Policy": header("The limit; missing where it is off.", always=False),
    "ETag": header("For If-None-Match; an operator's answer has none.", always=False),
    "X-Total-Count": header("All that match, before paging.", always=True, type="integer", minimum=0),
    "X-Source": header("The source that answers; missing where none does.", always=False),
    "Location": header("Where the result will be.", always=True),
    "WWW-Authenticate": header("The scheme of the tokens.", always=True, const="Bearer"),
    "Retry-After": header("For how many seconds to wait.", always=True, type="integer", minimum=0),
}
EVERYWHERE = ("X-Request-ID", "Cache-Control", "RateLimit", "RateLimit-Policy")
OF_STATUS = {202: ["Location"], 304: ["ETag"], 401: ["WWW-Authenticate"], 429: ["Retry-After"], 503: ["Retry-After"]}
# One source answers, and the body does not say which.
OF_ONE_SOURCE = {"prices", "prices_summary", "candles"}
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


def complete(schema: dict[str, Any]) -> None:
    schema["components"]["headers"] = HEADERS
    for methods in schema["paths"].values():
        for method, operation in methods.items():
            responses = operation["responses"]
            if method == "get" and operation["operationId"] != HEALTH and "security" not in operation:
                responses[304] = {"description": "Not Modified"}
            for status, response in responses.items():
                response["headers"] = {name: reference(name) for name in names(operation, status)}
                if links := LINKS.get((operation["operationId"], status)):
                    response["links"] = links
            if operation["operationId"] == HEALTH:
                responses[503]["headers"]["Retry-After"] = HEADERS["Retry-After"] | {"required": False}


def reference(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/headers/{name}"}


def names(operation: dict[str, Any], status: int) -> list[str]:
    found = [*EVERYWHERE, *OF_STATUS.get(status, [])]
    if status == 200 and 304 in operation["responses"]:
        body = operation["responses"][200]["content"].get("application/json", {}).get("schema", {})
        found += ["ETag"]
        found += ["X-Total-Count"] if body.get("type") == "array" else []
        found += ["X-Source"] if operation["operationId"] in OF_ONE_SOURCE else []
    return found
