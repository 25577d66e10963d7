"""Questions with parameters whose SQL is written once a process: Django takes 1 to 3 ms for it each time."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from markets.queries.kept import KeptQuestion, Line, converted

# What stands in the place of a parameter while the SQL is written; no code and no key is like them.
TEXTS = ("\x01first", "\x01second", "\x01third")
NUMBER = -2_000_000_011
DAYS = (date(1, 1, 2), date(1, 1, 3))
MOMENTS = (datetime(1, 1, 2, tzinfo=UTC), datetime(1, 1, 3, tzinfo=UTC))
Mark = str | int | date
KINDS = {str, int, date, datetime}


class QuestionOf(KeptQuestion):
    """`question` is given a mark for each of `marks` (of TEXTS, NUMBER, DAYS and MOMENTS), `rows_of` their values in
    that order.
    """

    def __init__(self, question: "Callable[..., QuerySet[Any, Any]]", *marks: Mark) -> None:
        super().__init__(lambda: question(*marks))
        self.marks = marks

    def rows_of(self, *values: Mark) -> list[Line]:
        """One statement, with Django's own conversion of each column."""
        statement, places, converters = self.made.get(connection.vendor) or self.make()
        found = self.read(statement, places, values)
        return [converted(row, converters) for row in found] if converters else found

    def bare_rows_of(self, *values: Mark) -> list[Line]:
        """As the database gives them: for columns that are cast to text or to a float."""
        statement, places, _converters = self.made.get(connection.vendor) or self.make()
        return self.read(statement, places, values)

    def read(self, statement: str, places: Line, values: tuple[Mark, ...]) -> list[Line]:
        given = {as_sent(mark): as_sent(value) for mark, value in zip(self.marks, values, strict=True)}
        with connection.cursor() as cursor:
            cursor.execute(statement, [given.get(one, one) if type(one) in KINDS else one for one in places])
            return list(cursor.fetchall())


def as_sent(value: Mark) -> Any:
    """As Django sends it to this database: to SQLite days and moments are texts."""
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    return connection.ops.adapt_datefield_value(value) if isinstance(value, date) else value
