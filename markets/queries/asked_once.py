"""Questions with parameters whose SQL is written once a process: Django takes 1 to 3 ms for it each time."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from django.db import NotSupportedError, connection
from django.db.models import QuerySet

from markets.queries.kept import KeptQuestion, Line, converted

# What stands in the place of a parameter while the SQL is written; no code and no key is like them.
TEXTS = ("\x01first", "\x01second", "\x01third")
NUMBER = -2_000_000_011
DAYS = (date(1, 1, 2), date(1, 1, 3))
MOMENTS = (datetime(1, 1, 2, tzinfo=UTC), datetime(1, 1, 3, tzinfo=UTC))

Value = str | int | date
# What a mark may be once it is written; a list is none, and no key of a dict.
MARKED = frozenset({str, int, date, datetime})


class QuestionOf(KeptQuestion):
    """`question` is given a mark for each of `marks` (of TEXTS, NUMBER, DAYS and MOMENTS), the others their values in
    that order.
    """

    def __init__(self, question: "Callable[..., QuerySet[Any, Any]]", *marks: Value) -> None:
        super().__init__(lambda: question(*marks))
        self.marks = marks

    def rows_of(self, *values: Value) -> list[Line]:
        """One statement, with Django's own conversion of each column."""
        found = self.bare_rows_of(*values)
        converters = self.made[connection.vendor][2]
        return [converted(row, converters) for row in found] if converters else found

    def bare_rows_of(self, *values: Value) -> list[Line]:
        """As the database gives them: for columns that are cast to text or to a float."""
        return self.fetched(*self.statement_of(*values))

    def fetched(self, statement: str, places: list[Any]) -> list[Line]:
        with connection.cursor() as cursor:
            cursor.execute(statement, places)
            found: list[Line] = cursor.fetchall()
        return found

    def statement_of(self, *values: Value) -> tuple[str, list[Any]]:
        """The SQL with these values in the places of the marks."""
        statement, places, _ = self.made.get(connection.vendor) or self.make()
        given = dict(zip(map(stored, self.marks), map(stored, values), strict=True))
        return statement, [given.get(one, one) if type(one) in MARKED else one for one in places]


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


def stored(value: Value) -> Any:
    """As Django sends it to this database: to SQLite days and moments are texts."""
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    return connection.ops.adapt_datefield_value(value) if isinstance(value, date) else value
