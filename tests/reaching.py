"""Plug-in of `make test-services`: of the everyday tests, those that can reach PostgreSQL or Redis.

The others have run on this very code in `make test`, and nothing of theirs changes with a server: pytest-django refuses
the database to a test that does not ask for it, and the files of all that ask Redis or a cache name it.
"""

import re
from functools import cache
from pathlib import Path

import pytest

DATABASE = frozenset({"db", "transactional_db"})
# In a file's text; `django_db_blocker`: its fixtures open the database themselves.
EITHER = re.compile(r"redis|cache|limit|client|session|database|core import checks|django_db_blocker", re.IGNORECASE)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    near = [item for item in items if reaches(item)]
    config.hook.pytest_deselected(items=[item for item in items if not reaches(item)])
    items[:] = near


def reaches(item: pytest.Item) -> bool:
    asked = DATABASE.intersection(getattr(item, "fixturenames", ()))
    return bool(asked) or item.get_closest_marker("django_db") is not None or speaks_of_either(item.path)


@cache
def speaks_of_either(file: Path) -> bool:
    return EITHER.search(file.read_text()) is not None
