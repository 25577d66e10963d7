"""Questions with parameters whose SQL is written once a process: Django takes 1 to 3 ms for it each time."""

from collections.abc import Callable
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from markets.queries.kept import KeptQuestion, Line, converted

# What stands in the place of a parameter while the SQL is written; no code and no key is like them.
TEXTS = ("\x01first", "\x01second")
NUMBER = -2_000_000_011


class QuestionOf(KeptQuestion):
    """`question` is given a mark for each of `marks` (of TEXTS and NUMBER), `rows_of` their values in that order."""

    def __init__(self, question: "Callable[..., QuerySet[Any, Any]]", *marks: str | int) -> None:
        super().__init__(lambda: question(*marks))
        self.marks = marks

    def rows_of(self, *values: str | int) -> list[Line]:
        """One statement, with Django's own conversion of each column."""
        statement, places, converters = self.made.get(connection.vendor) or self.make()
        given = dict(zip(self.marks, values, strict=True))
        with connection.cursor() as cursor:
            cursor.execute(statement, [given.get(one, one) if self.is_mark(one) else one for one in places])
            found = cursor.fetchall()
        return [converted(row, converters) for row in found]

    def is_mark(self, value: object) -> bool:
        return type(value) in {str, int} and value in self.marks
