"""FastAPI, SQLAlchemy 2 (async, asyncpg) and a pydantic response model: the common stack."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Query
from pydantic import BaseModel
from sqlalchemy import ForeignKey, Row, Select, select, true
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, aliased, mapped_column

from bench.peers.figures import CONNECTIONS, DATABASE

engine = create_async_engine(
    DATABASE.replace("postgres://", "postgresql+asyncpg://", 1), pool_size=CONNECTIONS, max_overflow=0, pool_timeout=60
)
new_session = async_sessionmaker(engine, expire_on_commit=False)


class Base(DeclarativeBase):
    pass


class Instrument(Base):
    __tablename__ = "markets_instrument"
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str]
    base: Mapped[str]
    quote: Mapped[str]
    kind: Mapped[str]


class Source(Base):
    __tablename__ = "markets_source"
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str]


class Publication(Base):
    __tablename__ = "markets_publication"
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str]


class Rate(Base):
    __tablename__ = "markets_rate"
    id: Mapped[int] = mapped_column(primary_key=True)
    instrument_id: Mapped[int] = mapped_column(ForeignKey(Instrument.id))
    source_id: Mapped[int] = mapped_column(ForeignKey(Source.id))
    publication_id: Mapped[int | None] = mapped_column(ForeignKey(Publication.id))
    table: Mapped[str]
    effective_date: Mapped[date]
    mid: Mapped[Decimal | None]
    bid: Mapped[Decimal | None]
    ask: Mapped[Decimal | None]
    scale: Mapped[int]


class Item(BaseModel):
    code: str
    base: str
    quote: str
    effective_date: date
    mid: str | None
    bid: str | None
    ask: str | None
    unit: int = 1
    source: str
    table: str
    table_no: str | None


class Page(BaseModel):
    items: list[Item]
    count: int


@asynccontextmanager
async def closing(_: FastAPI) -> AsyncIterator[None]:
    yield
    await engine.dispose()


async def session() -> AsyncIterator[AsyncSession]:
    async with new_session() as opened:
        yield opened


Session = Annotated[AsyncSession, Depends(session)]
app = FastAPI(lifespan=closing)


def digits(value: Decimal | None, scale: int) -> str | None:
    return None if value is None else f"{value:.{scale}f}"


def item(row: Row[Any]) -> Item:
    rate, instrument, source, number = row
    return Item(
        code=instrument.code,
        base=instrument.base,
        quote=instrument.quote,
        effective_date=rate.effective_date,
        mid=digits(rate.mid, rate.scale),
        bid=digits(rate.bid, rate.scale),
        ask=digits(rate.ask, rate.scale),
        source=source.code,
        table=rate.table,
        table_no=number,
    )


async def page(opened: AsyncSession, question: Select[Any]) -> Page:
    """One statement with its joins: no attribute of an object asks again."""
    items = [item(row) for row in (await opened.execute(question)).all()]
    return Page(items=items, count=len(items))


@app.get("/rates")
async def rates(opened: Session, code: str, start: Annotated[date, Query(alias="from")], to: date) -> Page:
    question = (
        select(Rate, Instrument, Source, Publication.number)
        .join(Instrument, Rate.instrument_id == Instrument.id)
        .join(Source, Rate.source_id == Source.id)
        .outerjoin(Publication, Rate.publication_id == Publication.id)
        .where(Instrument.code == code, Rate.table == "A", Rate.effective_date.between(start, to))
        .order_by(Rate.effective_date)
    )
    return await page(opened, question)


@app.get("/latest")
async def latest(opened: Session) -> Page:
    newest = (
        select(Rate)
        .where(Rate.instrument_id == Instrument.id, Rate.table.in_(("A", "B")), Rate.mid.is_not(None))
        .order_by(Rate.effective_date.desc())
        .limit(1)
        .lateral()
    )
    rate = aliased(Rate, newest)
    question = (
        select(rate, Instrument, Source, Publication.number)
        .select_from(Instrument)
        .join(newest, true())
        .join(Source, rate.source_id == Source.id)
        .outerjoin(Publication, rate.publication_id == Publication.id)
        .where(Instrument.kind == "currency")
        .order_by(Instrument.code)
    )
    return await page(opened, question)
