"""Lines of an answer as the text that is sent: by a bare cursor, of a question whose SQL is written once.

A year of days costs 1 ms of processor time as Python's dates and decimals, 0.2 ms as text: PostgreSQL writes the digits
itself. SQLite keeps a REAL, whose digits are told here. Nothing is rounded: a scale has every digit that was published.
"""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Func, QuerySet, TextField
from django.db.models.functions import Cast

from markets.queries.asked_once import PreparedQuestion, Value
from markets.queries.kept import Line

QUANTA = [Decimal(1).scaleb(-scale) for scale in range(11)]


class Digits(Func):
    """A figure with as many decimals as the scale beside it says; of SQLite the REAL itself."""

    output_field = TextField()

    def __init__(self, figure: str, scale: str = "scale") -> None:
        super().__init__(figure, scale)

    def as_postgresql(self, compiler: Any, connection: Any, **extra_context: Any) -> Any:
        return self.as_sql(compiler, connection, template="ROUND(%(expressions)s)::text", **extra_context)

    def as_sqlite(self, compiler: Any, connection: Any, **extra_context: Any) -> Any:  # noqa: ARG002 - Django's own
        return compiler.compile(self.get_source_expressions()[0])


def day_of(column: str) -> Cast:
    """A day as ISO 8601 has it, which is how both databases write it."""
    return Cast(column, TextField())


class TextsOf(PreparedQuestion):
    """The lines of `question` begin with a scale and so many `figures` of it, each as Digits."""

    def __init__(self, question: "Callable[..., QuerySet[Any, Any]]", figures: int, *marks: Value) -> None:
        super().__init__(question, *marks)
        self.figures = figures

    def page(self, limit: int, offset: int, *values: str | int | date) -> list[Line]:
        """One statement; the lines are without their scale."""
        statement, places = self.statement_of(*values)
        # As parameters: Django would write another statement for each limit.
        found = self.fetched(f"{statement} LIMIT %s OFFSET %s", [*places, limit, offset])
        return found if connection.vendor == "postgresql" else list(map(self.told, found))

    def told(self, line: Line) -> Line:
        scale, last = line[0], self.figures + 1
        return scale, *(digits(value, scale) for value in line[1:last]), *line[last:]


def digits(value: float | None, scale: int) -> str | None:
    """What was put in had at most 15 digits (`store.stored_rates.exact`); without the exponent of 1E-7."""
    return None if value is None else f"{Decimal(f'{value:.15g}').quantize(QUANTA[scale]):f}"
