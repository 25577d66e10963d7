"""The published rates of one currency as they were known at a moment, or with what an operator set beside them."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from django.db.models import QuerySet

from markets import clock
from markets.api.rate_parameters import RateQuery
from markets.api.responses import counted, listing, page_of
from markets.api.schemas import Paging, SeriesQuery
from markets.api.several import is_text
from markets.errors import QuestionError
from markets.licence import Audience
from markets.models import Instrument
from markets.queries import known, rate_rows
from markets.queries.rates import rates


def special(
    query: RateQuery,
    days: SeriesQuery,
    paging: Paging,
    instrument: Instrument,
    between: tuple[date, date],
    asker: Audience,
) -> dict[str, Any]:
    """A page of it. Raises QuestionError for overrides beside what knows nothing of them."""
    proof = query.expand == "source"
    if query.overrides == "1":
        fits_overrides(query, days)
        rows = rates(instrument, *between, query.table, days.source, asker)
        return page_of(paging, rate_rows.with_manual(rows, instrument, *between, query.table, proof=proof), list)
    moment = query.as_of or clock.now()
    if is_text(paging, days):
        question = known.held_by((instrument.kind, query.table), asker)
        values = ([instrument.pk], *between, moment)
        found = known.of_lines(question.page(paging.limit, paging.offset, *values), moment, asker)
        items = list(rate_rows.as_known(found, instrument, proof=proof))
        return counted(paging, items, lambda: question.count(*values))

    def drawn(page: QuerySet[Any, Any]) -> Iterator[rate_rows.Row]:
        return rate_rows.as_known(known.of_instruments(page, moment, asker), instrument, proof=proof)

    return listing(paging, known.known_by(rates(instrument, *between, query.table, days.source, asker), moment), drawn)


def fits_overrides(query: RateQuery, days: SeriesQuery) -> None:
    if query.as_of:
        message = "overrides are those of today: as_of is for published figures (/overrides has when each was set)"
        raise QuestionError(message, {"not_with": ["as_of"]})
    if days.source:
        raise QuestionError("overrides are of no source: leave out source", {"not_with": ["source"]})
