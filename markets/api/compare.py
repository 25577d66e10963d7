"""What several sources say of one thing."""

from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from markets import licence
from markets.api.compare_schemas import CompareQuery, ComparisonPage
from markets.api.responses import POLLED, fresh, page
from markets.api.schemas import SERIES_ERRORS
from markets.queries.compare.figures import Figure
from markets.queries.compare.pair import Series
from markets.queries.compare.readings import Band, Reading, Value, readings
from markets.queries.prices import plain
from markets.queries.rates import digits as rate_digits

router = Router(tags=["rates"])

DERIVED = 6
METHOD = "quartiles less and plus 3 interquartile ranges, at least 1 bp"


@router.get("/compare", response={200: ComparisonPage, **SERIES_ERRORS}, operation_id="compare", summary="Two sources")
def compare(request: HttpRequest, query: Query[CompareQuery]) -> HttpResponse:
    """How far two sources lie apart on one thing, beside what is usual in a year.

    EUR, USD, CHF and GBP in PLN of the NBP and the ECB, gold of the NBP and a market, Bitcoin of three markets. Nothing
    is chosen or mended by it: outside of its band a pair is a problem in `/health`. A pair with a source that is not
    shown in public is left out, and 403 where it is named.
    """
    found = readings(licence.audience(request), query.pair)
    return fresh(request, page(map(item, found), len(found)), POLLED)


def item(row: Reading) -> dict[str, Any]:
    return {
        "pair": row.pair.name,
        "unit": row.pair.unit,
        "day": row.day,
        "left": value(row.left, row),
        "right": value(row.right, row),
        "bps": None if row.bps is None else f"{row.bps:f}",
        "band": limits(row.band),
        "outside": row.outside,
        "insufficient": row.band is None,
        "days": row.days,
        "stale": row.is_stale,
        "note": row.pair.note,
    }


def value(found: Value | None, row: Reading) -> dict[str, Any] | None:
    if found is None:
        return None
    side = found.side
    return {
        "source": side.source.source,
        "value": digits(found),
        "derived": bool(side.formula),
        "formula": side.formula or None,
        "at": moment(found, row),
        "fixing": side.fixing.words if side.fixing else None,
        "legs": [leg(series, figure) for series, figure in zip(side.series, found.legs, strict=True)],
    }


def digits(found: Value) -> str:
    if not found.side.formula:
        return shown(found.side.source, found.legs[0])
    return f"{found.amount.quantize(Decimal(1).scaleb(-DERIVED), ROUND_HALF_UP):f}"


def shown(series: Series, figure: Figure) -> str:
    """A market's price is stored without the zeros it was written with."""
    if series.is_market or figure.scale is None:
        return plain(figure.value, 2) or ""
    return rate_digits(figure.value, figure.scale) or ""


def moment(found: Value, row: Reading) -> datetime | None:
    if found.side.fixing is not None and row.day is not None:
        return found.side.fixing.moment(row.day)
    return found.legs[0].at


def leg(series: Series, figure: Figure) -> dict[str, Any]:
    return {
        "source": series.source,
        "code": series.code,
        "table": series.table or None,
        "value": shown(series, figure),
        "at": figure.at,
    }


def limits(band: Band | None) -> dict[str, Any] | None:
    return (
        None
        if band is None
        else {"low": f"{band.low:f}", "high": f"{band.high:f}", "days": band.days, "method": METHOD}
    )
