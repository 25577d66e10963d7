"""`/llms.txt` (llmstxt.org): what Charon is, in a page that a language model reads before it asks.

The addresses come from the schema of the API and from the routes, so the page names nothing that is not there.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from charon.api.app import api
from charon.feeds.addresses import ADDRESSES
from charon.feeds.answers import public
from charon.feeds.atom import origin_of
from charon.feeds.questions import Asked
from markets.history_files import place

CODE = "USD"
PARQUET = f"/{place.FOLDER}/{place.PARQUET}"
# Which inputs there have to be depends on another one: no schema says it.
NEEDED = {"tax_rate": ("code", "date")}
ABOUT = """# Charon

> Official exchange rates of Narodowy Bank Polski (tables A, B, C, gold) and of the European Central Bank, and market
> prices of cryptocurrencies, each figure as published, with its source, table number and day; signals (BUY, HOLD, SELL)
> that stated rules compute from them, and alerts.

Rules of dates and numbers:

- A figure belongs to the day of its table (`effective_date`, YYYY-MM-DD), not to the day on which it was read. Days are
  those of Europe/Warsaw; moments are ISO 8601 with an offset.
- No table is published on weekends and holidays: no figure of such a day exists. Name the day and the number of the
  table that a figure comes from, never the day that was asked for.
- Rates of the NBP are PLN for one unit of the currency, gold is PLN for one gram; rates of the ECB are units of the
  currency for one euro.
- Figures are JSON strings with all published digits; read them as decimals, not as floating point numbers.
- Unknown parameters are refused. An error is `{"error": {"code", "message", "detail", "id"}}`.
- Answers carry an ETag; ask again with If-None-Match.
- Charon gives no tax, legal or investment advice. BUY, HOLD and SELL are names of a rule's results, no recommendation.
"""


@public()
def page(request: HttpRequest, asked: Asked) -> HttpResponse:  # noqa: ARG001
    origin = origin_of(request)
    pages = {
        "/": "Dashboard (Polish).",
        f"/waluty/{CODE}/": "One currency with chart, signals and proofs (Polish).",
        "/api/v1/openapi.json": "The whole API as OpenAPI 3.1.",
        "/docs": "The same for people.",
    }
    parts = {"API": dict(answering()), "Feeds, calendars, pictures": dict(routes()), "Pages": pages}
    text = ABOUT + "".join(section(title, origin, found) for title, found in parts.items())
    return HttpResponse(
        text + limits(), headers={"Content-Type": "text/plain; charset=utf-8", "Content-Language": "en"}
    )


def section(title: str, origin: str, found: Mapping[str, str]) -> str:
    lines = [f"- [{path}]({origin}{path}): {about}\n" for path, about in found.items()]
    return f"\n## {title}\n\n{''.join(lines)}"


def answering() -> Iterator[tuple[str, str]]:
    """The Parquet of all years is a file alone: nothing else answers at its address."""
    root = place.kept()
    has_parquet = root is not None and (root / place.FOLDER / place.PARQUET).is_file()
    return ((path, about) for path, about in operations() if has_parquet or path != PARQUET)


@cache
def operations() -> tuple[tuple[str, str], ...]:
    """Each GET that needs no token and names no single thing, with the examples of its required parameters."""
    paths = api.get_openapi_schema()["paths"].items()
    found = [(path, methods["get"]) for path, methods in paths if "get" in methods and "{" not in path]
    return tuple((example(path, one), about(one)) for path, one in found if not one.get("security"))


def example(path: str, operation: Mapping[str, Any]) -> str:
    needed = NEEDED.get(operation["operationId"], ())
    required = [row for row in operation.get("parameters", ()) if row.get("required") or row["name"] in needed]
    values = {row["name"]: row["schema"].get("example", row.get("example", CODE)) for row in required}
    return f"{path}?{urlencode(values)}" if values else path


def about(operation: Mapping[str, Any]) -> str:
    """The first sentence of its description, or its title."""
    text = " ".join(str(operation.get("description") or operation["summary"]).split())
    return re.split(r"(?<=\.) ", text)[0]


def routes() -> Iterator[tuple[str, str]]:
    for one in ADDRESSES:
        yield "/" + one.route.replace("<str:code>", CODE), one.about


def limits() -> str:
    if not settings.LIMIT_READS:
        return ""
    return f"\nAt most {settings.LIMIT_READS} questions a minute; a refusal (429) says when to ask again.\n"
