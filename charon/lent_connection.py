"""The connection that the pool of web lends to each request."""

import select
from typing import Any

import psycopg


class LentConnection(psycopg.Connection[Any]):
    """One that tells without a round trip that PostgreSQL has not closed it.

    Before it lends a connection the pool asks an empty question (`ConnectionPool.check_connection`), a third of the
    round trips of a cold answer. PostgreSQL says nothing between two questions: where there is nothing to read the
    connection stands, and where there is, the question is asked. A server that is gone without a word is found out by
    the next statement, as it would be by this one.
    """

    def execute(self, query: Any, *rest: Any, **options: Any) -> psycopg.Cursor[Any]:
        if query == "" and is_silent(self):
            return self.cursor()
        return super().execute(query, *rest, **options)


def is_silent(connection: "psycopg.Connection[Any]") -> bool:
    if connection.closed:
        return False
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN)
    return not waiting.poll(0)
