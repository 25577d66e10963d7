"""Questions with parameters whose SQL is written once a process: Django takes 1 to 3 ms for it each time."""

from collections.abc import Callable
from datetime import date
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from markets.queries.kept import KeptQuestion, Line, converted

# What stands in the place of a parameter while the SQL is written; no code and no key is like them.
TEXTS = ("\x01first", "\x01second")
NUMBER = -2_000_000_011
DAYS = (date(1, 1, 2), date(1, 1, 3))

Value = str | int | date


class QuestionOf(KeptQuestion):
    """`question` is given a mark for each of `marks` (of TEXTS, NUMBER and DAYS), the others their values in order."""

    def __init__(self, question: "Callable[..., QuerySet[Any, Any]]", *marks: Value) -> None:
        super().__init__(lambda: question(*marks))
        self.marks = marks

    def rows_of(self, *values: Value) -> list[Line]:
        """One statement, with Django's own conversion of each column."""
        statement, places = self.statement_of(*values)
        converters = self.made[connection.vendor][2]
        with connection.cursor() as cursor:
            cursor.execute(statement, places)
            found = cursor.fetchall()
        return [converted(row, converters) for row in found]

    def statement_of(self, *values: Value) -> tuple[str, list[Any]]:
        """The SQL with these values in the places of the marks."""
        statement, places, _ = self.made.get(connection.vendor) or self.make()
        given = dict(zip(map(stored, self.marks), map(stored, values), strict=True))
        return statement, [given.get(one, one) if type(one) in MARKED else one for one in places]


# What a mark may be once it is written; a list is none, and no key of a dict.
MARKED = frozenset({str, int, date})


def stored(value: Value) -> Any:
    """As this database takes it: a day of SQLite is a text."""
    return connection.ops.adapt_datefield_value(value) if isinstance(value, date) else value
