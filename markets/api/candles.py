"""Candles of one instrument."""

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from markets import licence
from markets.api.price_schemas import QUESTION_ERRORS, CandlePage, CandleQuery
from markets.api.responses import POLLED, fresh, page, typed
from markets.exports.format import Rows
from markets.queries import candles
from markets.queries.prices import find_asset

router = Router(tags=["prices"])


@router.get("/candles", response={200: CandlePage, **QUESTION_ERRORS}, operation_id="candles", summary="Candles")
def candle_list(request: HttpRequest, query: Query[CandleQuery]) -> HttpResponse:
    """Open, high, low, close and volume, ascending by time; the last one may still be open.

    The newest `limit` ones, or with `from` the first `limit` from there on.
    """
    instrument = find_asset(query.symbol)
    source = candles.source_of(instrument, query.timeframe, licence.audience(request), query.source)
    stretch = candles.Stretch(query.timeframe, query.from_, query.to, query.limit)
    answering = source.code if source else None
    if query.whole:
        rows = candles.stored(instrument, source, stretch)
        return fresh(
            request, page(Rows(lambda first: candles.every(instrument, rows, first)), 0), POLLED, source=answering
        )
    items, count = candles.candles(instrument, source, stretch)
    return fresh(request, page(typed(query, items, "t"), count), POLLED, source=answering)
