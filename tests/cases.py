"""Many cases in one test: what is wrong with each is told by name, as if each were a test of its own.

A database with its rows costs 10 to 60 ms a test, more than most questions asked of it. `walk` takes the place of
`pytest.mark.parametrize` where cases share what was set up: each runs in a savepoint that is undone, with the caches,
the clock and the cookies as they were, so that none sees another.
"""

import functools
import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test import Client, override_settings

from markets import clock
from tests.forgotten import forget

Case = dict[str, Any]
Named = list[tuple[str, Case]]


def walk(
    names: str | Sequence[str], cases: Iterable[Any], ids: Sequence[str] | Callable[[Any], str] | None = None
) -> Callable[..., Callable[..., None]]:
    """As `pytest.mark.parametrize`: `walk("path, query", [("/fx", "a=1"), …])`, and two above each other multiply.

    The test needs a database. It fails with an ExceptionGroup that has every case that failed.
    """
    fields = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
    listed = list(cases)
    told: Iterable[str | None] = map(ids, listed) if callable(ids) else ids or [None] * len(listed)
    found = [named(fields, case, name) for case, name in zip(listed, told, strict=True)]
    assert found, "a walk through nothing proves nothing"

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        taken = inspect.signature(test)
        assert set(fields) <= set(taken.parameters), f"{test.__name__} does not take {names}"

        @functools.wraps(test)
        def walked(**fixtures: Any) -> None:
            failed = [error for name, case in found if (error := failure(test, name, fixtures, case))]
            if failed:
                told = "; ".join(error.__notes__[-1] for error in failed)
                raise BaseExceptionGroup(f"{len(failed)} of {len(found)} cases: {told}", failed)

        rest = [one for name, one in taken.parameters.items() if name not in fields]
        walked.__signature__ = taken.replace(parameters=rest)  # type: ignore[attr-defined]
        return walked

    return decorate


def named(fields: list[str], case: Any, name: str | None) -> tuple[str, Case]:
    """A case with its name: that of `pytest.param`, the one given, or what it holds, cut where it gets long."""
    if isinstance(case, type(pytest.param())):
        assert not case.marks, "a case of a walk has no marks"
        case, name = case.values if len(fields) > 1 else case.values[0], str(case.id) if case.id else name
    values = tuple(case) if len(fields) > 1 else (case,)
    assert len(values) == len(fields), f"{case!r} is not {fields}"
    return name or ", ".join(f"{value!r:.80}" for value in values), dict(zip(fields, values, strict=True))


def failure(test: Callable[..., None], name: str, fixtures: Case, case: Case) -> BaseException | None:
    with alone(fixtures) as own:
        try:
            test(**own, **case)
            if not connection.needs_rollback:  # as at the end of every test: what waits for the commit
                connection.check_constraints()
        except (Exception, pytest.fail.Exception, pytest.skip.Exception) as error:
            error.add_note(name)
            return error
    return None


@contextmanager
def alone(fixtures: Case) -> Iterator[Case]:
    """The fixtures for one case: nothing that it changes in them, in the database or in a cache outlives it."""
    assert connection.in_atomic_block, "a walk needs the transaction of a test: pytest.mark.django_db"
    own, now = dict(fixtures), clock.now
    cookies = [(one, deepcopy(one.cookies)) for one in fixtures.values() if isinstance(one, Client)]
    undone = transaction.atomic()
    undone._from_testcase = True  # type: ignore[attr-defined]  # so that a durable block may begin inside, as in a test
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        stack.enter_context(undone)
        own |= {"monkeypatch": patch} if "monkeypatch" in own else {}
        own |= {"settings": Overridden(stack)} if "settings" in own else {}
        try:
            yield own
        finally:
            clock.now = now
            transaction.set_rollback(True)
    for client, had in cookies:
        client.cookies = had
    forget()


class Overridden:
    """The fixture `settings` of one case."""

    def __init__(self, stack: ExitStack) -> None:
        object.__setattr__(self, "stack", stack)

    def __getattr__(self, name: str) -> Any:
        return getattr(settings, name)

    def __setattr__(self, name: str, value: Any) -> None:
        self.stack.enter_context(override_settings(**{name: value}))
