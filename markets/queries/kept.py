"""Questions whose SQL is the same at every page: Django writes it once a process, not in 1 to 3 ms each time."""

from collections.abc import Callable
from typing import Any

from django.db import connection
from django.db.models import QuerySet

Line = tuple[Any, ...]


class KeptQuestion:
    """Rows of a `values_list` without parameters of its own, with Django's own conversion of each column."""

    def __init__(self, question: Callable[[], "QuerySet[Any, Any]"]) -> None:
        self.question = question
        self.made: dict[str, tuple[str, Line, dict[int, Any]]] = {}

    def rows(self) -> list[Line]:
        statement, values, converters = self.made.get(connection.vendor) or self.make()
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            found = cursor.fetchall()
        return [converted(row, converters) for row in found]

    def make(self) -> tuple[str, Line, dict[int, Any]]:
        compiler = self.question().query.get_compiler(connection=connection)
        statement, values = compiler.as_sql()
        converters = compiler.get_converters([column for column, *_ in compiler.select])
        self.made[connection.vendor] = made = (statement, tuple(values), converters)
        return made


def converted(row: Line, converters: dict[int, Any]) -> Line:
    """As `SQLCompiler.apply_converters` does it."""
    values = list(row)
    for place, (steps, expression) in converters.items():
        for step in steps:
            values[place] = step(values[place], expression, connection)
    return tuple(values)
