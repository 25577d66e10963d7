"""What was corrected, and the figures that operators set beside the published ones."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Path, Query, Router

from markets import access, licence
from markets.access import ADD_OVERRIDE, WITHDRAW_OVERRIDE
from markets.api import cursors
from markets.api.as_of import checked
from markets.api.export_query import JSON
from markets.api.operator import Operator
from markets.api.responses import DAILY, counted_behind, fresh, listing, nothing, private, reply
from markets.api.revision_schemas import (
    NewOverride,
    OverrideItem,
    OverridePage,
    OverridePath,
    OverrideQuery,
    RevisionPage,
    RevisionQuery,
)
from markets.api.schemas import SERIES_ERRORS, Envelope, NewestFirst
from markets.errors import QuestionError, UnknownCodeError
from markets.models import Instrument, Override
from markets.queries import revision_texts
from markets.queries import revisions as revision_queries
from markets.queries.found import find
from markets.queries.lookup import nearest
from markets.queries.overrides import override_rows
from markets.queries.provenance import UnknownThingError
from markets.queries.rates import find_source
from markets.store import overrides as override_store

router = Router(tags=["rates"])

FIGURES = {"mid", "bid", "ask"}


@router.get(
    "/revisions", response={200: RevisionPage, **SERIES_ERRORS}, operation_id="revisions", summary="Corrections"
)
def revisions(request: HttpRequest, query: Query[RevisionQuery], paging: Query[NewestFirst]) -> HttpResponse:
    """Figures that another value replaced or joined, newest first, both values with their digits, numbers and hashes.

    A figure that is printed again with other decimals is no correction. What an operator set is `manual`: it stands
    beside the published figure, which it never changes.
    """
    if query.from_ and query.to and query.from_ > query.to:
        message = f"from ({query.from_}) is later than to ({query.to})"
        raise QuestionError(message, {"from": query.from_, "to": query.to})
    instrument = find_instrument(query.code) if query.code else None
    source = find_source(query.source) if query.source else None
    wanted = revision_queries.Wanted(
        instrument=instrument.pk if instrument else None,
        source=source.pk if source else None,
        table=query.table,
        start=query.from_,
        end=query.to,
        seen_from=checked(query.seen_from, "seen_from"),
        behind=key_of(paging.cursor) if paging.cursor else None,
    )
    asker = licence.audience(request)
    if source is not None:
        licence.refuse(source, asker)
    if paging.format == JSON:
        return fresh(request, revision_page(wanted, asker, paging), DAILY)
    rows = revision_queries.revisions(wanted, asker)
    return fresh(request, listing(paging, rows, revision_queries.revision_items), DAILY)


def revision_page(wanted: revision_queries.Wanted, asker: licence.Audience, paging: NewestFirst) -> dict[str, Any]:
    """As `listing` makes it of rows, of text."""
    paging.begins_once()
    items, last = revision_texts.page(wanted, asker, paging.limit, paging.offset)
    cursor = last and cursors.of_values(last)
    return counted_behind(paging, items, lambda: revision_texts.count(wanted, asker), cursor)


def key_of(cursor: str) -> revision_queries.Key:
    return revision_queries.Key(*cursors.read(cursor, (datetime.fromisoformat, which_of, int)))


def which_of(text: str) -> int:
    """One of the two tables: of each the SQL is kept, and a caller could fill the memory with others."""
    which = int(text)
    if which not in {revision_queries.OF_SOURCE, revision_queries.OF_OPERATOR}:
        raise ValueError(text)
    return which


@router.get(
    "/overrides", response={200: OverridePage, **SERIES_ERRORS}, operation_id="overrides", summary="Manual figures"
)
def overrides(request: HttpRequest, query: Query[OverrideQuery], paging: Query[NewestFirst]) -> HttpResponse:
    """What operators set beside the published figures, newest first, withdrawn ones included."""
    wanted: dict[str, Any] = {"instrument": find_instrument(query.code) if query.code else None}
    if query.standing is not None:
        wanted["withdrawn_at__isnull"] = query.standing
    rows = Override.objects.filter(**{name: value for name, value in wanted.items() if value is not None})
    return fresh(request, listing(paging, rows, override_rows), DAILY)


@router.post(
    "/overrides",
    response={201: OverrideItem, 408: Envelope, 409: Envelope, **SERIES_ERRORS},
    auth=Operator(*ADD_OVERRIDE),
    operation_id="override_add",
    summary="Set a figure",
)
def override_add(request: HttpRequest, new: NewOverride) -> HttpResponse:
    """Operators only. A figure of one day with author and reason, shown as `manual` beside what was published.

    Rates, tax rules and signals go on with the published figure. 409 while another one stands in that place.
    """
    figures = {name: None if text is None else Decimal(text) for name, text in new.model_dump(include=FIGURES).items()}
    place = new.table, new.effective_date
    instrument = find_instrument(new.code)
    row = override_store.add(instrument, *place, figures, new.reason, access.name_of(request))
    [shown] = override_rows(Override.objects.filter(pk=row.pk))
    return private(reply(shown, 201))


@router.delete(
    "/overrides/{id}",
    response={204: None, 408: Envelope, **SERIES_ERRORS},
    auth=Operator(*WITHDRAW_OVERRIDE),
    operation_id="override_withdraw",
    summary="Withdraw a figure",
)
def override_withdraw(request: HttpRequest, wanted: Path[OverridePath]) -> HttpResponse:
    """Operators only. The row stays and says who withdrew it and when; 404 for one that does not stand."""
    row = Override.objects.filter(pk=wanted.id).first()
    if row is None or not override_store.withdraw(row, access.name_of(request)):
        raise UnknownThingError(f"There is no standing override {wanted.id}", None)
    return nothing()


def find_instrument(text: str) -> Instrument:
    instrument = find(text)
    if instrument is None:
        codes = {code: code for code in Instrument.objects.values_list("code", flat=True)}
        raise UnknownCodeError(f"There is no instrument {text!r}", {"nearest": nearest(text, codes)})
    return instrument
