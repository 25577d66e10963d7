"""Questions with parameters whose SQL is written once a process: Django takes 1 to 3 ms for it each time."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Any

from django.db import NotSupportedError, connection
from django.db.models import QuerySet

from markets.queries.kept import KeptQuestion, Line, converted

# What stands in the place of a parameter while the SQL is written; no code and no key is like them.
TEXTS = ("\x01first", "\x01second", "\x01third")
NUMBERS = (-2_000_000_011, -2_000_000_012, -2_000_000_013)
NUMBER = NUMBERS[0]
# For a column of two bytes, outside of whose range Django writes no condition.
SMALL_NUMBER = 32_003
DAYS = (date(1, 1, 2), date(1, 1, 3))
MOMENTS = tuple(datetime(1, 1, day, tzinfo=UTC) for day in range(2, 6))

Value = str | int | date
# A mark in a tuple stands for as many values as are given: for an IN, and not empty.
Mark = Value | tuple[Value]
Given = Value | Sequence[Value]
# What a mark may be once it is written, psycopg's own kinds of a number too; a list is none, and no key of a dict.
MARKED = (str, int, date)


class QuestionOf(KeptQuestion):
    """`question` is given a mark for each of `marks` (of TEXTS, NUMBERS, DAYS and MOMENTS), the others their values in
    that order.
    """

    def __init__(self, question: "Callable[..., QuerySet[Any, Any]]", *marks: Mark) -> None:
        super().__init__(lambda: question(*marks))
        self.marks = [mark[0] if isinstance(mark, tuple) else mark for mark in marks]
        self.of_lists = frozenset(mark[0] for mark in marks if isinstance(mark, tuple))

    def make(self) -> tuple[str, Line, dict[int, Any]]:
        statement, places, converters = super().make()
        if connection.vendor == "postgresql" and self.of_lists:
            statement = with_arrays(statement, [isinstance(one, MARKED) and one in self.of_lists for one in places])
            self.made[connection.vendor] = (statement, places, converters)
        return statement, places, converters

    def rows_of(self, *values: Given) -> list[Line]:
        """One statement, with Django's own conversion of each column."""
        return self.told(self.bare_rows_of(*values))

    def page_of(self, limit: int, offset: int, *values: Given) -> list[Line]:
        """The same of a part. As parameters: Django would write another statement for each limit."""
        statement, places = self.statement_of(*values)
        return self.told(self.fetched(f"{statement} LIMIT %s OFFSET %s", [*places, limit, offset]))

    def told(self, found: list[Line]) -> list[Line]:
        converters = self.made[connection.vendor][2]
        return [converted(row, converters) for row in found] if converters else found

    def bare_rows_of(self, *values: Given) -> list[Line]:
        """As the database gives them: for columns that are cast to text or to a float."""
        return self.fetched(*self.statement_of(*values))

    def fetched(self, statement: str, places: list[Any]) -> list[Line]:
        with connection.cursor() as cursor:
            cursor.execute(statement, places)
            found: list[Line] = cursor.fetchall()
        return found

    def statement_of(self, *values: Given) -> tuple[str, list[Any]]:
        """The SQL with these values in the places of the marks."""
        statement, places, _ = self.made.get(connection.vendor) or self.make()
        given = dict(zip(map(stored, self.marks), map(stored, values), strict=True))
        filled = [given.get(one, one) if isinstance(one, MARKED) else one for one in places]
        return spread(statement, filled) if self.of_lists and connection.vendor == "sqlite" else (statement, filled)


class PreparedQuestion(QuestionOf):
    """One that PostgreSQL plans once a connection, where the connection has a `prepare_threshold` (web's, of the pool).

    Django binds on the client, where nothing is prepared: its planning costs as much as the reading of a year. It sends
    the types of parameters, so a question may hold them only where PostgreSQL knows what they are.
    """

    def fetched(self, statement: str, places: list[Any]) -> list[Line]:
        if connection.vendor != "postgresql":
            return super().fetched(statement, places)
        import psycopg  # 11 MB and 0.05 s of each process, which an installation on SQLite does not pay

        connection.ensure_connection()
        with connection.wrap_database_errors:
            bare: Any = psycopg.Cursor(connection.connection)
        wrap = connection.make_debug_cursor if connection.queries_logged else connection.make_cursor
        with wrap(bare) as cursor:
            try:
                cursor.execute(statement, places)
            except NotSupportedError:
                # "cached plan must not change result type": a migration widened a column since it was planned. In a
                # transaction the end of it makes psycopg forget its plans.
                if connection.in_atomic_block:
                    raise
                cursor.execute("DEALLOCATE ALL")
                cursor.execute(statement, places)
            found: list[Line] = cursor.fetchall()
        return found


def with_arrays(statement: str, are_lists: list[bool]) -> str:
    """One place for a list, however long it is: it is planned once, and an array is sent faster than its numbers."""
    first, *rest = statement.split("%s")
    for is_list, text in zip(are_lists, rest, strict=True):
        if is_list and not first.endswith("IN ("):
            raise TypeError(f"A list stands in no IN: {statement}")
        first = (f"{first.removesuffix('IN (')}= ANY (%s" if is_list else f"{first}%s") + text
    return first


def spread(statement: str, filled: list[Any]) -> tuple[str, list[Any]]:
    """A place for each value of a list."""
    first, *rest = statement.split("%s")
    lists = [one if type(one) is list else [one] for one in filled]
    marks = (", ".join(["%s"] * len(one)) + text for one, text in zip(lists, rest, strict=True))
    return first + "".join(marks), [value for one in lists for value in one]


def stored(value: Given) -> Any:
    """As Django sends it to this database: to SQLite days and moments are texts."""
    if isinstance(value, list | tuple):
        return [stored(one) for one in value]
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    return connection.ops.adapt_datefield_value(value) if isinstance(value, date) else value
