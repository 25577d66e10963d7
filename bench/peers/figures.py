"""The two questions of the peers in SQL, with text as it is printed: the fields of Charon's `/rates`.

Table A alone, where Charon looks whether a day has a row of table B instead: the peers have less to do. Both use the
covering index `rate_series`; the newest figure of each currency is found by a step into it, not by `DISTINCT ON`,
which reads all 400,000.
"""

import os

# postgres://… as Charon's DATABASE_URL has it; asyncpg and psycopg understand it.
DATABASE = os.environ.get("PEER_DATABASE_URL", "")
# Of each of two processes: 64 clients take turns, and PostgreSQL has two cores.
CONNECTIONS = 5

COLUMNS = """
    i.code, i.base, i.quote, r.effective_date::text, round(r.mid, r.scale)::text, round(r.bid, r.scale)::text,
    round(r.ask, r.scale)::text, s.code, r."table", p.number"""
JOINS = """
    JOIN markets_source s ON s.id = r.source_id
    LEFT JOIN markets_publication p ON p.id = r.publication_id"""
SERIES = f"""
    SELECT {COLUMNS} FROM markets_rate r JOIN markets_instrument i ON i.id = r.instrument_id {JOINS}
    WHERE i.code = $1 AND r."table" = 'A' AND r.effective_date BETWEEN $2 AND $3 ORDER BY r.effective_date"""
LATEST = f"""
    SELECT {COLUMNS} FROM markets_instrument i CROSS JOIN LATERAL (
        SELECT * FROM markets_rate WHERE instrument_id = i.id AND "table" IN ('A', 'B') AND mid IS NOT NULL
        ORDER BY effective_date DESC LIMIT 1
    ) r {JOINS} WHERE i.kind = 'currency' ORDER BY i.code"""

NAMES = (
    "code", "base", "quote", "effective_date", "mid", "bid", "ask", "unit", "source", "table", "table_no",
)  # fmt: skip
