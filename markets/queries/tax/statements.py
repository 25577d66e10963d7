"""The two statements behind every answer of tax; each line that is asked for is one index seek of its own.

Django writes no VALUES to join with. Both databases take days as text, and give them back as text.
"""

import datetime as dt
from collections.abc import Collection
from typing import Any

from django.db import connection

from markets.licence import Audience

# The newest day before each asked one, and the oldest that is not before it; with a moment as it was known then: what
# was first fetched until then, and of an archive, which has no publications, what it had brought until then, also where
# the official figure has replaced it since. An index seek of `one_figure_a_day` each, and the gaps of whole tables of
# these sources.
DAYS = """
WITH asked(number, source, letter, day, known) AS (VALUES {values})
SELECT a.number, '', '', '', {before}, {since}
FROM asked a JOIN markets_source s ON s.code = a.source
UNION ALL
SELECT -1, s.code, g."table", CASE WHEN g.accepted_at IS NULL THEN '' ELSE 'accepted' END,
  substr(CAST(g.from_time{utc} AS text), 1, 10), substr(CAST(g.to_time{utc} AS text), 1, 10)
FROM markets_gap g JOIN markets_source s ON s.id = g.source_id
WHERE g.instrument_id IS NULL AND s.code IN ({sources})
"""
DAY = """CASE
  WHEN a.known IS NULL THEN
    (SELECT CAST({end}(r.effective_date) AS text) FROM markets_rate r
      WHERE r.source_id = s.id AND r."table" = a.letter AND r.effective_date {side} a.day)
  WHEN s.stands_in_for_id IS NULL THEN
    (SELECT CAST({end}(p.effective_date) AS text) FROM markets_publication p
      WHERE p.source_id = s.id AND p."table" = a.letter AND p.effective_date {side} a.day
        AND p.first_fetched_at <= a.known)
  ELSE (SELECT CAST({end}((SELECT {end}(r.effective_date) FROM markets_rate r
      WHERE r.source_id = f.id AND r."table" = a.letter AND r.effective_date {side} a.day
        AND r.effective_date BETWEEN k.from_day AND k.to_day AND r.id <= k.last_rate)) AS text)
    FROM markets_archivereading k JOIN markets_source f ON f.id = k.source_id OR f.id = s.stands_in_for_id
      WHERE k.source_id = s.id AND k.read_at <= a.known) END"""
BEFORE, SINCE = DAY.format(end="MAX", side="<"), DAY.format(end="MIN", side=">=")

# All figures of these currencies on these days, each with its proof: an index seek of `rate_series` each.
FIGURES = """
WITH asked(code, day) AS (VALUES {values})
SELECT a.code, CAST(a.day AS text), r."table", r.mid, r.scale, s.code, s.edition, {licence},
  p.id, p.number, p.sha256{revised}
FROM asked a
JOIN markets_instrument i ON i.code = a.code
JOIN markets_rate r ON r.instrument_id = i.id AND r.effective_date = a.day AND r."table" IN ('A', 'B', 'eurofxref')
JOIN markets_source s ON s.id = r.source_id
LEFT JOIN markets_publication p ON p.id = r.publication_id
{revisions}
"""
# What may be shown to whom; the names of the columns are the gate's (markets.licence).
LICENCE = ", ".join(f"{{of}}.{audience.value}" for audience in (Audience.PAGE, Audience.API))

# Since when a figure was known, of its own publication or of one that leaves it out by now, and as an archive had it
# first; and what it was before each correction, the oldest correction first.
REVISED = f""", COALESCE(p.first_fetched_at, (SELECT w.first_fetched_at FROM markets_publication w
    WHERE w.source_id = r.source_id AND w."table" = r."table" AND w.effective_date = r.effective_date)),
  k.read_at, h.code, k.edition, {LICENCE.format(of="h")},
  v.seen_at, v.old_mid, v.old_scale, o.code, o.edition, {LICENCE.format(of="o")}, v.old_number, v.old_sha256"""
REVISIONS = """LEFT JOIN markets_archivereading k ON k.id = (
  SELECT x.id FROM markets_archivereading x JOIN markets_source y ON y.id = x.source_id
    WHERE (x.source_id = r.source_id OR y.stands_in_for_id = r.source_id) AND x.last_rate >= r.id
      AND x.from_day <= r.effective_date AND x.to_day >= r.effective_date ORDER BY x.read_at, x.id LIMIT 1)
LEFT JOIN markets_source h ON h.id = k.source_id
LEFT JOIN markets_revision v ON v.rate_id = r.id AND NOT v.notation
LEFT JOIN markets_source o ON o.id = v.old_source_id
ORDER BY v.seen_at, v.id"""

# The newest rate of a currency before a day, and the oldest one not before it, of either of two tables.
NEIGHBOURS = """
WITH asked(number, code, day, one, other) AS (VALUES {values})
SELECT a.number,
  (SELECT r.id FROM markets_rate r WHERE r.instrument_id = i.id AND r.effective_date < a.day
    AND r."table" IN (a.one, a.other) ORDER BY r.effective_date DESC, r."table" LIMIT 1),
  (SELECT r.id FROM markets_rate r WHERE r.instrument_id = i.id AND r.effective_date >= a.day
    AND r."table" IN (a.one, a.other) ORDER BY r.effective_date, r."table" LIMIT 1)
FROM asked a JOIN markets_instrument i ON i.code = a.code
"""

Line = tuple[Any, ...]


def days(asked: Collection[tuple[str, str, dt.date, dt.datetime | None]]) -> list[Line]:
    """(number, '', '', '', newest before, oldest from on) of each place asked for, and of each gap
    (-1, source, table, 'accepted' or '', first, last). Days are text or None.
    """
    sources = sorted({source for source, *_ in asked})
    statement = DAYS.format(
        values=marks("(%s, %s, %s, %s, %s)", "(%s::int, %s, %s, %s::date, %s::timestamptz)", len(asked)),
        sources=", ".join(["%s"] * len(sources)),
        before=BEFORE,
        since=SINCE,
        utc=" AT TIME ZONE 'UTC'" if connection.vendor == "postgresql" else "",
    )
    adapt = connection.ops.adapt_datetimefield_value
    lines = ((n, source, table, day.isoformat(), adapt(known)) for n, (source, table, day, known) in enumerate(asked))
    return fetched(statement, [*(value for line in lines for value in line), *sources])


def figures(pairs: Collection[tuple[str, dt.date]], with_revisions: bool = False) -> list[Line]:
    """Of each code and day what all tables say; with revisions a line for each of them, and since when it was known."""
    statement = FIGURES.format(
        values=marks("(%s, %s)", "(%s, %s::date)", len(pairs)),
        licence=LICENCE.format(of="s"),
        revised=REVISED if with_revisions else "",
        revisions=REVISIONS if with_revisions else "",
    )
    return fetched(statement, [value for code, day in pairs for value in (code, day.isoformat())])


def neighbours(asked: Collection[tuple[str, dt.date, str, str]]) -> list[Line]:
    """(number, id of the rate before, id of the one after) of each code, day and two tables; none of unknown codes."""
    values = marks("(%s, %s, %s, %s, %s)", "(%s::int, %s, %s::date, %s, %s)", len(asked))
    lines = ((number, code, day.isoformat(), *tables) for number, (code, day, *tables) in enumerate(asked))
    return fetched(NEIGHBOURS.format(values=values), [value for line in lines for value in line]) if asked else []


def marks(sqlite: str, postgresql: str, count: int) -> str:
    return ", ".join([postgresql if connection.vendor == "postgresql" else sqlite] * count)


def fetched(statement: str, values: list[Any]) -> list[Line]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())
