"""The operations of the API as the code has them, and what docs/technical.md says of them."""

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from charon.api.app import api
from tests.test_docs import section

PAGE, TITLE = "docs/technical.md", "## The API"
ROOT = "/api/v1"
# Which inputs there have to be depends on the value of another one: no schema says it.
NEEDED = {"GET /tax-rate": ("code", "date")}


@dataclass(frozen=True)
class Operation:
    path: str  # without /api/v1
    method: str
    described: dict[str, Any]
    model: Any  # of its answer with status 200

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def closed(self) -> bool:
        return "security" in self.described

    @property
    def parameters(self) -> dict[str, dict[str, Any]]:
        return {row["name"]: row for row in self.described["parameters"] if row["in"] == "query"}

    @property
    def needed(self) -> dict[str, Any]:
        """The parameters that it cannot do without, as the documentation shows them."""
        named = NEEDED.get(self.name, ())
        rows = self.parameters.items()
        return {name: row["schema"]["example"] for name, row in rows if row["required"] or name in named}

    @property
    def is_json(self) -> bool:
        return "application/json" in self.described["responses"].get(200, {}).get("content", {})

    @property
    def schema(self) -> dict[str, Any]:
        return dict(self.described["responses"][200]["content"]["application/json"]["schema"])

    @property
    def address(self) -> str:
        """With what the documentation shows in the path; BTC where it shows nothing."""
        shown = {row["name"]: row["schema"].get("example", row.get("example")) for row in self.described["parameters"]}
        return re.sub(r"\{(.*?)\}", lambda name: str(shown.get(name[1]) or "BTC"), self.path)


@cache
def document() -> dict[str, Any]:
    """What /api/v1/openapi.json shows; making it takes 0.3 s."""
    return dict(api.get_openapi_schema())


@cache
def operations() -> list[Operation]:
    """Every operation of every router; one that is not in the document is a page."""
    routed = [
        found for _, router in api._routers for view in router.path_operations.values() for found in view.operations
    ]
    models = {row.operation_id: row.response_models for row in routed if row.include_in_schema}
    return [
        Operation(path.removeprefix(ROOT), method.upper(), row, models.pop(row["operationId"]).get(200))
        for path, methods in document()["paths"].items()
        for method, row in methods.items()
    ]


def gets(*, lists: bool = False) -> list[Operation]:
    """Those that answer in JSON; a list may also be a file (tests/test_exports.py)."""
    found = [one for one in operations() if one.method == "GET" and one.is_json]
    return [one for one in found if not lists or "limit" in one.parameters or "items" in shape(one.schema)]


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    return dict(document()["components"]["schemas"][name]) if name else schema


def shape(schema: dict[str, Any]) -> dict[str, Any]:
    """The fields of an object; none for an array."""
    return dict(resolved(schema).get("properties", {}))


def tables() -> list[list[list[str]]]:
    """The exceptions, and the rules for caches."""
    found = re.findall(r"(?:^\|.*\n)+", section(PAGE, TITLE), re.MULTILINE)
    return [[row.strip("| \n").split(" | ") for row in text.strip().split("\n")[2:]] for text in found]


@cache
def exceptions(law: str) -> set[str]:
    return {address.strip("`") for name, address, _ in tables()[0] if name == law}


@cache
def cache_rules() -> dict[str, str]:
    return {address: rule.strip("`") for names, rule, _ in tables()[1] for address in re.findall(r"`(\S+)`", names)}
