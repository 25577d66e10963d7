"""django-bolt (Django's routes behind a server in Rust) over a pool of asyncpg; its msgspec structs are the schema.

Not through Django's tables: they are asked in threads, and its connections are not given back there. It makes no
`date` of a parameter, so that this is done by hand.
"""

import asyncio
from datetime import date
from typing import Annotated

import asyncpg
import msgspec
from django_bolt import BoltAPI
from django_bolt.param_functions import Query

from bench.peers.figures import CONNECTIONS, DATABASE, LATEST, SERIES

api = BoltAPI()
opening = asyncio.Lock()
pools: list[asyncpg.Pool] = []


class Item(msgspec.Struct):
    code: str
    base: str
    quote: str
    effective_date: str
    mid: str | None
    bid: str | None
    ask: str | None
    source: str
    table: str
    table_no: str | None
    unit: int = 1


class Page(msgspec.Struct):
    items: list[Item]
    count: int


async def answer(question: str, *values: object) -> Page:
    async with opening:
        if not pools:
            pools.append(await asyncpg.create_pool(DATABASE, min_size=CONNECTIONS, max_size=CONNECTIONS))
    rows = await pools[0].fetch(question, *values)
    return Page([Item(*row) for row in rows], len(rows))


@api.get("/rates")
async def rates(code: str, start: Annotated[str, Query(alias="from")], to: str) -> Page:
    return await answer(SERIES, code, date.fromisoformat(start), date.fromisoformat(to))


@api.get("/latest")
async def latest() -> Page:
    return await answer(LATEST)
