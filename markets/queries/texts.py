"""Lines of an answer as the text that is sent: by a bare cursor, of a question whose SQL is written once.

A year of days costs 1 ms of processor time as Python's dates and decimals, 0.2 ms as text: the databases write the
digits themselves. Nothing is rounded: a scale has every digit that was published.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from django.db.models import Func, QuerySet, TextField
from django.db.models.functions import Cast

from markets.queries.asked_once import Given, Mark, PreparedQuestion, QuestionOf
from markets.queries.kept import Line

# Columns of prices and computed values have so many; of a REAL only so many digits are what was put in.
MOST_DECIMALS, REAL_DIGITS = 10, 15
FRACTION = 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'


class Digits(Func):
    """A published figure with as many decimals as the scale beside it says. SQLite keeps a REAL of at most 15 digits
    (`store.stored_rates.exact`), which it prints exactly.
    """

    output_field = TextField()

    def __init__(self, figure: str, scale: str = "scale") -> None:
        super().__init__(figure, scale)

    def as_postgresql(self, compiler: Any, connection: Any, **extra_context: Any) -> Any:
        return self.as_sql(compiler, connection, template="ROUND(%(expressions)s)::text", **extra_context)

    def as_sqlite(self, compiler: Any, connection: Any, **extra_context: Any) -> Any:  # noqa: ARG002 - Django's own
        figure, scale = (compiler.compile(one) for one in self.get_source_expressions())
        (column, first), (decimals, second) = figure, scale
        text = f"CASE WHEN {column} IS NULL THEN NULL ELSE PRINTF('%%.*f', {decimals}, {column}) END"
        return text, (*first, *second, *first)


class AllDigits(Func):
    """A figure that was not published with a scale, with all its digits and at least so many decimals."""

    output_field = TextField()

    def __init__(self, figure: str, least: int) -> None:
        super().__init__(figure, least=least)

    def as_postgresql(self, compiler: Any, connection: Any, **extra_context: Any) -> Any:
        template = "ROUND(%(expressions)s, GREATEST(%(least)s, MIN_SCALE(%(expressions)s)))::text"
        return self.as_sql(compiler, connection, template=template, **extra_context)

    def as_sqlite(self, compiler: Any, connection: Any, **extra_context: Any) -> Any:  # noqa: ARG002 - Django's own
        return compiler.compile(self.get_source_expressions()[0])

    def get_db_converters(self, connection: Any) -> list[Any]:
        return [self.told] if connection.vendor == "sqlite" else []

    def told(self, value: float | None, *_: object) -> str | None:
        return None if value is None else digits(value, self.extra["least"])


class Moment(Func):
    """A moment as msgspec writes it: in UTC, without the microseconds that it has none of."""

    output_field = TextField()

    def as_postgresql(self, compiler: Any, connection: Any, **extra_context: Any) -> Any:
        # A cast takes PostgreSQL a third of the time of TO_CHAR, but leaves out the last zeros of a fraction.
        utc = "(%(expressions)s AT TIME ZONE 'UTC')"
        whole, fraction = f"REPLACE({utc}::text, ' ', 'T') || 'Z'", f"TO_CHAR({utc}, '{FRACTION}')"
        is_whole = "%(expressions)s = %(expressions)s::timestamptz(0)"
        template = f"CASE WHEN {is_whole} THEN {whole} ELSE {fraction} END"
        return self.as_sql(compiler, connection, template=template, **extra_context)

    def as_sqlite(self, compiler: Any, connection: Any, **extra_context: Any) -> Any:
        template = "REPLACE(%(expressions)s, ' ', 'T') || 'Z'"
        return self.as_sql(compiler, connection, template=template, **extra_context)


def day_of(column: str) -> Cast:
    """A day as ISO 8601 has it, which is how both databases write it."""
    return Cast(column, TextField())


def midnight_of(column: str) -> Func:
    """The moment at which a day begins in UTC."""
    return Func(day_of(column), template="%(expressions)s || 'T00:00:00Z'", output_field=TextField())


class TextsOf:
    """A list, page by page; nearly all of its columns are texts, counts and truths.

    Prepared, unless the best plan depends on the values: a filter that few rows pass, or nearly all.
    """

    def __init__(
        self,
        rows: "Callable[..., QuerySet[Any, Any]]",
        columns: Sequence[Any],
        *marks: Mark,
        kind: type[QuestionOf] = PreparedQuestion,
    ) -> None:
        self.lines = kind(lambda *given: rows(*given).values_list(*columns), *marks)
        # Without the tables that only a column needs.
        self.counted = kind(lambda *given: rows(*given).order_by().values_list("pk"), *marks)

    def page(self, limit: int, offset: int, *values: Given) -> list[Line]:
        """One statement."""
        return self.lines.page_of(limit, offset, *values)

    def count(self, *values: Given) -> int:
        """How many there are in all; one statement."""
        statement, places = self.counted.statement_of(*values)
        [(number,)] = self.counted.fetched(f"SELECT COUNT(*) FROM ({statement}) counted", places)
        return int(number)


def digits(value: float, least: int) -> str:
    """Without the exponent of 1E-7."""
    exact = Decimal(f"{value:.{REAL_DIGITS}g}")
    exponent = exact.as_tuple().exponent
    return f"{exact:.{min(MOST_DECIMALS, max(least, -int(exponent)))}f}"
