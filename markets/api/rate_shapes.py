"""How rows of rates are drawn: with the facts of their sources, and as columns instead of rows."""

from collections.abc import Sequence
from typing import Any

from markets.api.rate_parameters import BaseQuery, RateQuery
from markets.models import Source

# What tells the rows apart is an array also where there is one row: a table without any is none.
ALWAYS = {"date", "effective_date"}
FACTS = ("code", "name", "attribution", "licence", "url")

Answer = dict[str, Any]


def shaped(answer: Answer, query: RateQuery) -> Answer:
    found = expanded(answer, query)
    return found | {"items": columns(found["items"])} if query.shape == "columns" else found


def expanded(answer: Answer, query: BaseQuery) -> Answer:
    """With `expand=source`: the facts of the source in the place of its code, where it is one; one query."""
    if not query.expand:
        return answer
    facts = {row["code"]: row for row in Source.objects.values(*FACTS)}
    return answer | {"items": [row | {"source": facts.get(row["source"], row["source"])} for row in answer["items"]]}


def columns(rows: Sequence[Answer]) -> Answer:
    """An array for each field; what is the same in all rows is there once, as pandas.DataFrame spreads it."""
    if not rows:
        return {}
    found = {name: [row[name] for row in rows] for name in rows[0]}
    return {
        name: values if name in ALWAYS or any(value != values[0] for value in values) else values[0]
        for name, values in found.items()
    }
