"""The same stack asked for columns instead of objects: text made by PostgreSQL, a pydantic response model."""

from datetime import date
from typing import Annotated, Any

from fastapi import FastAPI, Query
from sqlalchemy import Numeric, String, cast, func, select

from bench.peers.fastapi_sqlalchemy import Instrument, Page, Publication, Rate, Session, Source, closing

app = FastAPI(lifespan=closing)


def digits(column: Any) -> Any:
    return cast(func.round(column, Rate.scale, type_=Numeric), String)


QUESTION = (
    select(
        Instrument.code,
        Instrument.base,
        Instrument.quote,
        Rate.effective_date,
        digits(Rate.mid).label("mid"),
        digits(Rate.bid).label("bid"),
        digits(Rate.ask).label("ask"),
        Source.code.label("source"),
        Rate.table,
        Publication.number.label("table_no"),
    )
    .select_from(Rate)
    .join(Instrument, Rate.instrument_id == Instrument.id)
    .join(Source, Rate.source_id == Source.id)
    .outerjoin(Publication, Rate.publication_id == Publication.id)
    .order_by(Rate.effective_date)
)


@app.get("/rates")
async def rates(opened: Session, code: str, start: Annotated[date, Query(alias="from")], to: date) -> Page:
    asked = QUESTION.where(Instrument.code == code, Rate.table == "A", Rate.effective_date.between(start, to))
    items = [dict(row) for row in (await opened.execute(asked)).mappings()]
    return Page.model_validate({"items": items, "count": len(items)})
