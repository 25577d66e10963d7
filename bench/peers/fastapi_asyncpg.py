"""FastAPI over a pool of asyncpg, rows to bytes by orjson, no model: the fast way to write it by hand."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date
from typing import Annotated, Any

import asyncpg
import orjson
from fastapi import FastAPI, Query, Request, Response

from bench.peers.figures import CONNECTIONS, DATABASE, LATEST, SERIES


@asynccontextmanager
async def pool(app: FastAPI) -> AsyncIterator[None]:
    async with asyncpg.create_pool(DATABASE, min_size=CONNECTIONS, max_size=CONNECTIONS) as app.state.pool:
        yield


app = FastAPI(lifespan=pool)


def packed(rows: Sequence[Any]) -> Response:
    items = [
        {
            "code": code, "base": base, "quote": quote, "effective_date": day, "mid": mid, "bid": bid, "ask": ask,
            "unit": 1, "source": source, "table": table, "table_no": number,
        }
        for code, base, quote, day, mid, bid, ask, source, table, number in rows
    ]  # fmt: skip
    return Response(orjson.dumps({"items": items, "count": len(items)}), media_type="application/json")


@app.get("/rates")
async def rates(request: Request, code: str, start: Annotated[date, Query(alias="from")], to: date) -> Response:
    return packed(await request.app.state.pool.fetch(SERIES, code, start, to))


@app.get("/latest")
async def latest(request: Request) -> Response:
    return packed(await request.app.state.pool.fetch(LATEST))
